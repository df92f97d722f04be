"""Rolling updates under load. The newer release migrates beside the older one, which serves on: its
owner is killed, and the other one of it takes over; then processes of the newer release follow each
other, each ended in order. Or the newer one serves on the schema before, and the older one again.
"""

import time
from collections.abc import Sequence

from tests.drills.hooks import Hooks
from tests.drills.pair import Pair, stands_by
from tests.drills.releases import Release, Releases
from tests.drills.sender import Answer, Sender
from tests.drills.silences import LOADED_S
from tests.drills.trials import NOTHING_YET, Drill, HandOver, Setting
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

REFUSED = 4  # the code of a start that another start would not mend


def updates(setting: Setting, server: PostgresServer, releases: Releases, times: int) -> Drill:
    """Update a pair, and hand over so many times; the first time from the older release."""
    began_s = time.monotonic()
    older, newer = releases
    drill = Drill(f"SIGKILL in an update, {named(releases)}", 1, NOTHING_YET)
    uri, pair, hooks, sender = begin(setting, server, older)
    each = setting.events // (times + 3)
    sender.wait(each, LOADED_S)
    newer.migrate(uri)
    sender.wait(each, LOADED_S)
    until(lambda: stands_by(pair.standby), "an older one that stands by beside the migration")
    pair.owner.kill_all()
    drill.taken.append(pair.take_over())
    sender.wait(each, LOADED_S)
    refuse_older(pair.standby, releases)
    for _ in range(times):
        stand_by(pair, newer)
        sender.wait(each, LOADED_S)
        drill.handed_over.append(hand_over(pair, sender))
    stand_by(pair, newer)
    return setting.end(drill, pair, hooks, began_s)


def returns(setting: Setting, server: PostgresServer, releases: Releases, times: int) -> Drill:
    """Hand over so many times before the migration, to the newer release and back, by turns; then
    migrate beside whoever owns the store, and hand over to the newer one."""
    began_s = time.monotonic()
    drill = Drill(f"updates and returns, {named(releases)}", 0, NOTHING_YET)
    uri, pair, hooks, sender = begin(setting, server, releases.older)
    each = setting.events // (times + 3)
    pair.standby.stop()
    for number in range(times):
        stand_by(pair, releases.older if number % 2 else releases.newer)
        sender.wait(each, LOADED_S)
        drill.handed_over.append(hand_over(pair, sender))
    stand_by(pair, releases.newer)
    releases.newer.migrate(uri)
    sender.wait(each, LOADED_S)
    drill.handed_over.append(hand_over(pair, sender))
    sender.wait(each, LOADED_S)
    stand_by(pair, releases.newer)
    return setting.end(drill, pair, hooks, began_s)


def named(releases: Releases) -> str:
    """Name both, for people."""
    older, newer = releases
    return f"schema {older.schema} to {newer.schema}, {older.name} to {newer.name}"


def begin(
    setting: Setting, server: PostgresServer, older: Release
) -> tuple[str, Pair, Hooks, Sender]:
    """Start two services of the older release on a store that it has made, and the load."""
    uri = server.database("drill")
    older.migrate(uri)
    return uri, *setting.begin(uri, wrap=older.wrap)


def stand_by(pair: Pair, release: Release) -> None:
    """Start the one that has ended with a release, and wait until it stands by."""
    pair.standby.wrap = release.wrap
    pair.stand_by()


def refuse_older(service: ServiceProcess, releases: Releases) -> None:
    """Start a service of the older release where the newer one has migrated: it ends, and says
    what to do."""
    service.wrap = releases.older.wrap
    service.launch()
    told_what_to_do(service, releases)


def told_what_to_do(service: ServiceProcess, releases: Releases) -> None:
    """Wait for the end of a service that meets a schema which it does not know."""
    assert service.wait() == REFUSED, service.words()
    refusal = (
        f"The database has schema {releases.newer.schema}; this release knows "
        f"{releases.older.schema}. Start the newer release."
    )
    assert refusal in service.words(), service.words()


def hand_over(pair: Pair, sender: Sender) -> HandOver:
    """End the owner in order; the other one follows."""
    former = pair.owner
    from_s = time.monotonic()
    taken = pair.hand_over()
    port = pair.owner.port

    def following() -> list[Answer]:
        return [answer for answer in accepted(sender, from_s) if answer.port == port]

    until(following, "an event that the next owner has accepted")
    pause_s, at_once = between(accepted(sender, from_s), former.port, port, from_s)
    return HandOver(taken.owned_s, taken.ready_s, pause_s=pause_s, at_once=at_once)


def accepted(sender: Sender, from_s: float) -> list[Answer]:
    """Return the answers that have accepted an event since then."""
    return [
        answer for answer in list(sender.answers) if answer.status == 202 and ended(answer) > from_s
    ]


def ended(answer: Answer) -> float:
    """Return when an answer came."""
    return answer.began_s + answer.took_s


def between(
    answers: Sequence[Answer], former: int, following: int, from_s: float
) -> tuple[float, int]:
    """Return how long nobody accepted anything between two owners, by their ports, and how many
    events the former one was asked for, and accepted, after the next one had accepted one."""
    first_s = min(ended(answer) for answer in answers if answer.port == following)
    of_former = [answer for answer in answers if answer.port == former]
    last_s = max([from_s, *(ended(answer) for answer in of_former)])
    return first_s - last_s, sum(answer.began_s > first_s for answer in of_former)
