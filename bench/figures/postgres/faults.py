"""The store in PostgreSQL: its owner is killed, frozen, cut off and updated, the database crashes,
freezes and fails over.

Two services, one of which stands by; the trials are those of `tests/drills`. Failover is that of
Patroni with etcd (`apt-get install patroni etcd-server postgresql`).
"""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.figures.postgres.silence_rows import rows_of_silences
from bench.figures.services import services
from bench.ledger import spread
from bench.report import BESIDE, HELD, MISSED, Options, Row
from tests.drills.capped_action import CAP
from tests.drills.caps import caps
from tests.drills.hooks import IN_FLIGHT_MOST
from tests.drills.patroni import patroni_cluster
from tests.drills.releases import Releases, former_release, next_release
from tests.drills.silences import cuts, frozen_failovers, frozen_primaries
from tests.drills.trials import Drill, Setting, failovers, frosts, kills, restarts
from tests.drills.updates import returns, updates
from tests.e2e.harness.receiver import Receiver
from tests.forked import FRESH
from tests.postgres_server import PostgresServer

FIGURE = "faults"
TAKEN_OVER_S = 15.0
FROZEN_S, FROZEN_QUICK_S = 60.0, 15.0
SILENT_S, SILENT_QUICK_S = 40.0, 30.0  # of a database; a lease is 10, and load is drained before
CAP_FROZEN_S = 20.0
EVENTS_PER_TRIAL_EVENT = 20


class Trial(NamedTuple):
    """A fault, and how often it comes in a full run and in a quick one."""

    times: int
    quick: int
    run: Callable[[Setting, int, Options], Drill]


def _on_server(trial: Callable[[Setting, PostgresServer, int], Drill]) -> Callable[..., Drill]:
    def run(setting: Setting, times: int, options: Options) -> Drill:
        server = PostgresServer()
        try:
            return trial(setting, server, times)
        finally:
            server.end()

    return run


def _timed(
    trial: Callable[[Setting, PostgresServer, int, float], Drill], full_s: float, quick_s: float
) -> Callable[..., Drill]:
    """Give a trial so many seconds for each of its faults."""

    def run(setting: Setting, times: int, options: Options) -> Drill:
        lasts_s = quick_s if options.quick else full_s
        on_server = _on_server(lambda inside, server, count: trial(inside, server, count, lasts_s))
        return on_server(setting, times, options)

    return run


def _failovers(setting: Setting, times: int, options: Options) -> Drill:
    with patroni_cluster() as cluster:
        return failovers(setting, cluster, times)


def _frozen_failovers(setting: Setting, times: int, options: Options) -> Drill:
    frozen_s = SILENT_QUICK_S if options.quick else SILENT_S
    with patroni_cluster() as cluster:
        return frozen_failovers(setting, cluster, times, frozen_s)


def _of_releases(
    trial: Callable[[Setting, PostgresServer, Releases, int], Drill],
) -> Callable[..., Drill]:
    """Give a trial two releases: this one and the one before, where git has that."""

    def run(setting: Setting, times: int, options: Options) -> Drill:
        releases = former_release(setting.directory) or next_release(setting.directory)
        on_server = _on_server(lambda inside, server, count: trial(inside, server, releases, count))
        return on_server(setting, times, options)

    return run


TRIALS: Mapping[str, Trial] = {
    "kills": Trial(20, 1, _on_server(kills)),
    "restarts": Trial(5, 1, _on_server(restarts)),
    "frosts": Trial(5, 1, _timed(frosts, FROZEN_S, FROZEN_QUICK_S)),
    "failovers": Trial(5, 1, _failovers),
    "cuts": Trial(3, 1, _timed(cuts, SILENT_S, SILENT_QUICK_S)),
    "frozen_primaries": Trial(3, 1, _timed(frozen_primaries, SILENT_S, SILENT_QUICK_S)),
    "frozen_failovers": Trial(1, 1, _frozen_failovers),
    "updates": Trial(5, 1, _of_releases(updates)),
    "returns": Trial(4, 2, _of_releases(returns)),
    "caps": Trial(6, 2, _timed(caps, CAP_FROZEN_S, CAP_FROZEN_S)),
}


def run(options: Options) -> list[Row]:
    """Run the trials that were asked for, one after the other."""
    os.environ[FRESH] = "1"  # services are processes of their own, begun as an operator does
    rows: list[Row] = []
    for name in options.faults or tuple(TRIALS):
        trial = TRIALS[name]
        times = options.times or (trial.quick if options.quick else trial.times)
        events = options.events // EVENTS_PER_TRIAL_EVENT
        print(f"{FIGURE}, {name}: {times} times, {events:,} events", flush=True)
        receiver = Receiver()
        try:
            with services(options) as (new, folder):
                setting = Setting(new, receiver, folder, events)
                drill = trial.run(setting, times, options)
        finally:
            receiver.stop()
        rows += rows_of(drill)
        print(drill, flush=True)
    return rows


def rows_of(drill: Drill) -> list[Row]:
    """Make the ledger of a trial."""
    books = drill.books

    def row(what: str, measured: object, target: str = "", held: bool | None = None) -> Row:
        verdict = BESIDE if held is None else HELD if held else MISSED
        return Row(FIGURE, f"{drill.faults} {drill.name}: {what}", f"{measured}", target, verdict)

    most = drill.repeats_most
    marked, disorder = sum(books.marked_at_rest.values()), books.out_of_order
    found = [
        row("acknowledged", f"{books.acknowledged:,}"),
        row("lost", books.lost, "0", not books.lost),
        row("accepted twice", books.twice, "0", not books.twice),
        row("repeats", books.repeats, f"≤ {most} without outcome", books.repeats <= most),
        row("repeats that are not marked", books.unmarked, "0", not books.unmarked),
        row("out of the order of their customer", disorder, "0", not disorder),
        row("marks where nothing leaves", marked, "0", not marked),
        row(
            "repeats where nothing leaves", books.repeated_at_rest, "0", not books.repeated_at_rest
        ),
    ]
    if drill.taken:
        owned, ready = (spread(taken[at] for taken in drill.taken) for at in (0, 1))
        found.append(row("owned after, s", owned.text(1), "≤ 15", owned.high <= TAKEN_OVER_S))
        found.append(row("ready after, s", ready.text(1), "≤ 15", ready.high <= TAKEN_OVER_S))
    if drill.handed_over:
        found += _of_hand_overs(drill, row)
    if drill.resumed_s:
        again = spread(drill.resumed_s)
        held = again.high <= TAKEN_OVER_S
        found.append(row("accepted after the database took writes, s", again.text(1), "≤ 15", held))
    if drill.frozen_sent:
        found += [
            row("settled by the former", drill.frozen_settled, "0", not drill.frozen_settled),
            row(
                "sent by the former, each",
                ", ".join(map(str, drill.frozen_sent)),
                f"≤ {IN_FLIGHT_MOST} each",
                max(drill.frozen_sent) <= IN_FLIGHT_MOST,
            ),
        ]
    if drill.away:
        found += _of_absences(drill, row)
    found += rows_of_silences(drill, row)
    if (books_of_cap := drill.caps) is not None:
        found += [
            row("customers; acts", f"{books_of_cap.customers:,}; {books_of_cap.acts:,}"),
            row(
                "acts that are repeated",
                books_of_cap.repeats,
                f"≤ {most} in flight",
                books_of_cap.repeats <= most,
            ),
            row(f"customers with more than {CAP}", books_of_cap.over, "0", not books_of_cap.over),
            row("customers with fewer", books_of_cap.short, "0", not books_of_cap.short),
        ]
    refused = ", ".join(f"{status} × {count:,}" for status, count in sorted(drill.refused.items()))
    found.append(
        row("calls refused", refused or "none", "503 alone", not set(drill.refused) - {503})
    )
    found.append(row("without Retry-After", drill.without_wait, "0", not drill.without_wait))
    found.append(row("services that had lost the store and were started again", drill.restarted))
    found.append(row("took, s", f"{drill.seconds:.0f}"))
    return found


def _of_hand_overs(drill: Drill, row: Callable[..., Row]) -> list[Row]:
    """Make the rows of owners that were ended in order."""
    owned, ready, pause = (spread(over[at] for over in drill.handed_over) for at in range(3))
    at_once = sum(over.at_once for over in drill.handed_over)
    return [
        row("SIGTERM of the owner", f"{len(drill.handed_over)} times"),
        row("owned after SIGTERM, s", owned.text(1)),
        row("ready after SIGTERM, s", ready.text(1), "≤ 15", ready.high <= TAKEN_OVER_S),
        row("nobody accepted for, s", pause.text(1), "≤ 15", pause.high <= TAKEN_OVER_S),
        row("accepted by two owners at once", at_once, "0", not at_once),
    ]


def _of_absences(drill: Drill, row: Callable[..., Row]) -> list[Row]:
    """Make the rows of what was seen while commits waited for a standby."""
    answers = [answer for away in drill.away for answer in away.answers]
    slow = max(took_s for _, took_s, _ in answers)
    statuses = sorted({status for status, _, _ in answers})
    accepted = sum(away.acknowledged for away in drill.away)
    late = sum(away.arrived_late for away in drill.away)
    return [
        row("acknowledged while the standby was away", accepted, "0", not accepted),
        row("sent with no lease", late, "0", not late),
        row("accept answered meanwhile", ", ".join(map(str, statuses)), "503", statuses == [503]),
        row("the slowest of these answers, s", f"{slow:.1f}"),
    ]
