"""A database that is restored to a point in time: below services that go on, and as the page has
it, for one that is started held. What was acknowledged after the point is gone, and is said to be;
nothing else is, and no number means two things."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.drills.archived_server import ArchivedServer, after
from tests.drills.pair import Pair, is_ready
from tests.drills.sender import Sender
from tests.drills.trials import Setting, migrated
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

IN_FLIGHT = 16
ANSWER_AFTER_S = 0.1
ARRIVE_S = 180.0
HELD_S = 2.0
HELD_EVENTS = 20
LOST_COMMITS = "The database has lost commits that it had acknowledged"
WENT_BACK = "The database has failed over, or was restored, since this store was last served"
_EVENTS = "SELECT seq, id FROM event WHERE org > 0"
_DELIVERIES = "SELECT d.id, e.id FROM delivery d JOIN event e ON e.seq = d.event WHERE e.org > 0"
_UNFINISHED = "SELECT count(*) FROM delivery WHERE state IN (0, 1, 2, 7)"

Numbers = dict[tuple[str, int], str]  # of an event, or a delivery: whose it is


@dataclass
class RestoreBooks:
    """What a restore has come to. `repeats`: requests of events that had come before."""

    name: str
    acknowledged: int = 0  # before the point
    lost: int = 0  # of those
    gone: int = 0  # acknowledged after it
    missing: list[str] = field(default_factory=list)  # words that should have been said
    codes: list[int] = field(default_factory=list)  # of processes that had served on
    numbers_twice: int = 0
    deliveries_twice: int = 0  # as receivers have seen them
    unfinished: int = 0  # at the point
    repeats: int = 0
    sent_held: int = 0
    undelivered: int = 0
    ready_s: float = 0.0  # from when the database took writes
    seconds: float = 0.0

    def wrong(self) -> list[str]:
        """Say what does not close."""
        found = {
            "acknowledged before the point and lost": self.lost,
            "numbers of two events or deliveries": self.numbers_twice,
            "deliveries that receivers know as two": self.deliveries_twice,
            "sent while held": self.sent_held,
            "kept and not delivered": self.undelivered,
            "owners that ended as if all were well": self.codes.count(0),
            "without anything acknowledged after the point": int(not self.gone),
        }
        return [f"{count} {what}" for what, count in found.items() if count] + [
            f"nobody said: {words}" for words in self.missing
        ]


class _Restore:
    """Both services under load, a base backup, and a point behind it."""

    def __init__(self, name: str, setting: Setting, server: PostgresServer) -> None:
        self._began_s = time.monotonic()
        self.books = RestoreBooks(name)
        self.receiver = setting.receiver
        self.archived = ArchivedServer(server)
        self.pair = Pair(migrated(server), setting.new_service, setting.directory)
        self.path = setting.receiver.path(delay=ANSWER_AFTER_S)
        with self.pair.owner.api() as api:
            api.webhook(self.receiver.url(self.path), maxAllowedConnections=IN_FLIGHT)
        self._part = max(1, setting.events // 4)
        self.sender = Sender(self.pair.services)
        self.sender.wait(self._part)
        self.archived.back_up()
        self.sender.wait(self._part)
        self.first = self.sender
        self._before = set(self.sender.acknowledged)
        self.point = self.archived.now()
        after(self.point)
        self.sender.wait(self._part)
        self._former: Numbers = {}
        self._up_s = 0.0

    def lose(self) -> None:
        """Note what there is, lose the database, and restore it."""
        self.archived.archive_all()
        self._former = self._numbers()
        self.archived.restore(self.point)
        self._up_s = time.monotonic()
        [(self.books.unfinished,)] = self.pair.ask(_UNFINISHED)

    def wait_until_served(self, service: ServiceProcess) -> None:
        """Wait until a service is ready on what was restored."""
        until(lambda: is_ready(service), "a service that is ready on what was restored")
        self.books.ready_s = time.monotonic() - self._up_s

    def go_on(self) -> None:
        """Send more events."""
        self.sender = Sender(self.pair.services)
        self.sender.wait(self._part)

    def expect(self, service: ServiceProcess, words: str) -> None:
        """Note where a service has not said something."""
        if words not in service.log.read_text("utf-8", "replace"):
            self.books.missing.append(words)

    def close(self, later: set[str]) -> RestoreBooks:
        """Close the books; `later`: what was acknowledged behind the restore, of others than the
        first sender."""
        books = self.books
        now = self._numbers()
        kept = set(now.values())
        sent = self.first.acknowledged
        later = later | {event_id for event_id, at_s in sent.items() if at_s >= self._up_s}
        gone = sent.keys() - later - kept - self._before
        all_arrive(self.receiver, self.path, (self._before | later) & kept, ARRIVE_S)
        with self.pair.owner.api() as api:
            api.drained(ARRIVE_S)
        arrivals = self.receiver.arrivals(self.path)
        known: dict[str, set[str]] = {}
        for arrival in arrivals:
            known.setdefault(arrival.headers["tidings-delivery"], set()).add(arrival.event_id)
        times = Counter(arrival.event_id for arrival in arrivals)
        books.acknowledged = len(self._before)
        books.lost = len((self._before | later) - kept)
        books.gone = len(gone)
        books.numbers_twice = sum(self._former.get(at, whose) != whose for at, whose in now.items())
        books.deliveries_twice = sum(len(events) > 1 for events in known.values())
        books.undelivered = len(later - times.keys())
        books.repeats = times.total() - len(times)
        for service in self.pair.services:
            if service.running.poll() is None:
                service.stop()
        books.seconds = time.monotonic() - self._began_s
        return books

    def _numbers(self) -> Numbers:
        events = {("event", int(seq)): str(whose) for seq, whose in self.pair.ask(_EVENTS)}
        deliveries = self.pair.ask(_DELIVERIES)
        return events | {("delivery", int(number)): str(whose) for number, whose in deliveries}


def restored_below(setting: Setting, server: PostgresServer) -> RestoreBooks:
    """The database is restored in its place while both services run, and load goes on: the owner
    finds it out and ends, and the one that stands by takes over."""
    restore = _Restore("below services that run", setting, server)
    pair, former = restore.pair, restore.pair.owner
    restore.lose()
    restore.books.codes.append(former.wait(ARRIVE_S))
    restore.expect(former, LOST_COMMITS)
    pair.owner, pair.standby = pair.standby, pair.owner
    restore.wait_until_served(pair.owner)
    restore.expect(pair.owner, WENT_BACK)
    restore.sender.stop()
    restore.go_on()
    restore.sender.stop()
    return restore.close(set(restore.sender.acknowledged))


def restored_held(setting: Setting, server: PostgresServer) -> RestoreBooks:
    """The services are stopped, the database is restored, and one is started held: what receivers
    have is taken as delivered, then it sends."""
    restore = _Restore("with a held start", setting, server)
    pair = restore.pair
    restore.sender.stop()
    all_arrive(restore.receiver, restore.path, set(restore.sender.acknowledged), ARRIVE_S)
    for service in (pair.standby, pair.owner):
        assert service.stop() == 0
    until_then = datetime.now(UTC).isoformat(timespec="milliseconds")
    restore.lose()
    pair.owner.launch("--hold")
    restore.wait_until_served(pair.owner)
    restore.expect(pair.owner, WENT_BACK)
    arrived = len(restore.receiver.arrivals(restore.path))
    newer = {new_id() for _ in range(HELD_EVENTS)}
    with pair.owner.api(ORG) as api:
        for event_id in newer:
            api.post(event(event_id, ORG)).must(202)
    time.sleep(HELD_S)
    restore.books.sent_held = len(restore.receiver.arrivals(restore.path)) - arrived
    with pair.owner.api() as api:
        api.send("POST", "/v1/takeAsDelivered", {"acceptedBefore": until_then}).must(200)
        api.send("POST", "/v1/start", {}).must(200)
    restore.go_on()
    restore.sender.stop()
    return restore.close(newer | set(restore.sender.acknowledged))
