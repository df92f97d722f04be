"""Several cells on one machine: what an event costs with and without a hop, and who dies.

Beside one cell, in pairs: two whose callers reach the process that owns their org, and two whose
callers reach either; at full load, and at a rate that leaves cores to spare, for full cores slow
each other down. Then the process of one cell is killed again and again under a third of the full
load, while the other one's orgs are measured.
"""

import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.cells_product import CellsProduct
from bench.figures.pairs import clean_pairs, interleave, warm_up
from bench.layout import crowd
from bench.ledger import (
    ACCEPTED,
    Received,
    Sent,
    arrivals,
    delays_ms,
    numbers,
    owed,
    percentile,
    spread,
)
from bench.product import Product
from bench.report import HELD, MISSED, Options, Row, cost_rows, disturbance, judge, of
from bench.run import Bench, Measured, await_all, generate

FIGURE = "cells"
ORGS_WITH_EVENTS = 8
HOOKS = 40
CPU_MAX, SPREAD_CPU_MAX = 1.25, 1.4
KILLS, KILL_EVERY_S = 20, 8.0
SPARING_RATE = 1_500.0  # events a second that two cores have room for, generator and receiver too
SHARE = 1 / 3
ACCEPTS_AGAIN_S = 5.0
P99_TIMES_MAX = 1.3
KILLED = 2  # the cell whose process is killed
BATCH = 10
DRAIN_SECONDS = 120.0


def run(options: Options) -> list[Row]:
    """Measure all of it, on directories."""
    hooks = crowd(ORGS_WITH_EVENTS, webhooks=HOOKS, orgs=HOOKS)
    with Bench(options.folder, options.patience_seconds) as bench:
        one = Product(bench.folder, bench.receiver.port, hooks, cores=options.service_cores)
        try:
            two = CellsProduct(
                bench.folder, bench.receiver.port, hooks, cores=options.service_cores
            )
            try:
                warm_up(bench, [one, two], connections=options.connections)
                rows, rate = _costs(bench, one, two, options)
                one.stop()
                return [*rows, *_kills(bench, two, options, rate)]
            finally:
                two.stop()
        finally:
            one.stop()


# What an event costs ----------------------------------------------------------------------------


def _costs(
    bench: Bench, one: Product, two: CellsProduct, options: Options
) -> tuple[list[Row], float]:
    """Return the rows, and how many events a second two cells take from callers of either."""
    rows: list[Row] = []
    rate = 0.0
    own_orgs = two.own_orgs()
    loads: tuple[tuple[str, dict[str, Any]], ...] = (
        ("1 a call", {"per_call": 1}),
        (f"{BATCH} a call", {"per_call": BATCH}),
        (f"1 a call, {SPARING_RATE:,.0f}/s", {"per_call": 1, "rate": SPARING_RATE}),
    )
    for load, how in loads:
        plan = {"seconds": options.seconds, "connections": options.connections, **how}
        for what, second, most in (
            ("callers at the owner", plan | {"own_orgs": own_orgs}, CPU_MAX),
            ("callers at either", plan, SPREAD_CPU_MAX),
        ):
            label = f"{what}, {load}"
            print(label, flush=True)
            bare, ours = interleave(bench, one, two, options.runs, second_plan=second, **plan)
            rows += _pair_rows(label, bare, ours, most)
            if how == {"per_call": 1}:
                rate = of(ours, "rate").median
    return rows, rate


def _pair_rows(
    label: str, one: Sequence[Measured], two: Sequence[Measured], most: float
) -> list[Row]:
    pairs = clean_pairs(one, two)
    times = spread(second.cpu_us / first.cpu_us for first, second in pairs)
    faster = spread(second.rate / first.rate for first, second in pairs)
    both = [*one, *two]
    return [
        Row(
            FIGURE,
            f"{label}: CPU per event, times that of one cell",
            times.text(2),
            f"≤ {most:g}",
            judge(both, times.median <= most),
        ),
        Row(FIGURE, f"{label}: events/s, times those of one cell", faster.text(2)),
        *cost_rows(FIGURE, label, one, two),
        disturbance(FIGURE, both),
    ]


# Who dies ---------------------------------------------------------------------------------------


def _kills(bench: Bench, two: CellsProduct, options: Options, rate: float) -> list[Row]:
    """Kill the process of a cell again and again, under a third of what both take."""
    kills = 2 if options.quick else KILLS
    seconds = (kills + 1) * KILL_EVERY_S
    plan: dict[str, Any] = {
        "seconds": seconds,
        "rate": SHARE * rate,
        "connections": options.connections,
    }
    quiet = _run(bench, two, plan, 0)
    killed = _run(bench, two, plan, kills)
    surviving = {org for cell, orgs in two.orgs_by_cell().items() if cell != KILLED for org in orgs}
    before, during = quiet.p99_of(surviving), killed.p99_of(surviving)
    again = spread(killed.away_s(set(two.webhooks_of) - surviving))
    lost, twice = killed.lost(two), killed.twice()
    return [
        Row(FIGURE, f"{kills} kills: acknowledged and lost", f"{lost}", "0", _held(lost == 0)),
        Row(FIGURE, f"{kills} kills: deliveries twice, in all", f"{twice}"),
        Row(
            FIGURE,
            "killed process: accepts again after, s",
            again.text(1),
            f"≤ {ACCEPTS_AGAIN_S:g}",
            _held(again.high <= ACCEPTS_AGAIN_S),
        ),
        Row(
            FIGURE,
            "surviving process: p99, times that without kills",
            f"{during / before:.2f} ({during:.1f} ms for {before:.1f})",
            f"≤ {P99_TIMES_MAX:g}",
            _held(during <= P99_TIMES_MAX * before),
        ),
    ]


def _held(held: bool) -> str:
    return HELD if held else MISSED


class _Run:
    """One run of the load, with the moments of the kills in monotonic nanoseconds."""

    def __init__(self, sent: Sent, received: Received, killed_at: Sequence[int]) -> None:
        self._sent = sent
        self._received = received
        self._killed_at = killed_at

    def p99_of(self, orgs: set[int]) -> float:
        """Compute the delay of what was accepted for some organisations, in ms."""
        keep = [index for index, org in enumerate(self._sent.org_by_event()) if org in orgs]
        return percentile(delays_ms(_part(self._sent, keep), self._received), 99)

    def away_s(self, orgs: set[int]) -> list[float]:
        """List for how long after each kill no event of these organisations was accepted."""
        statuses, sent = numbers(self._sent.statuses, "H"), numbers(self._sent.sent)
        answered = numbers(self._sent.answered)
        of_orgs = self._sent.org_by_event()
        accepted = sorted(
            answered[index]
            for index, org in enumerate(of_orgs)
            if org in orgs and statuses[index] == ACCEPTED and sent[index]
        )
        found = []
        for at in self._killed_at:
            # What was under way is answered at once; what is accepted later is the successor's.
            later = [moment for moment in accepted if moment > at + 200_000_000]
            if later:
                found.append((later[0] - at) / 1e9)
        return found

    def lost(self, two: CellsProduct) -> int:
        """Count what was acknowledged and has not arrived."""
        arrived = arrivals(self._received)
        expected = owed([self._sent], two.webhooks_of)
        return sum(len(ids - arrived.get(hook, set())) for hook, ids in expected.items())

    def twice(self) -> int:
        """Count deliveries that came more than once."""
        pairs = list(zip(self._received.ids, self._received.webhooks, strict=True))
        return len(pairs) - len(set(pairs))


def _part(sent: Sent, keep: Sequence[int]) -> Sent:
    """Return what was sent of these events alone."""

    def of_column(raw: bytes, code: str = "q") -> bytes:
        values = numbers(raw, code)
        part = numbers(b"", code)
        part.extend(values[index] for index in keep)
        return part.tobytes()

    orgs = sent.org_by_event()
    org_of = numbers(b"")
    org_of.extend(orgs[index] for index in keep)
    return Sent(
        ids=[sent.ids[index] for index in keep],
        due=of_column(sent.due),
        sent=of_column(sent.sent),
        answered=of_column(sent.answered),
        statuses=of_column(sent.statuses, "H"),
        orgs=sent.orgs,
        unsent=sent.unsent,
        errors=sent.errors,
        cpu_seconds=sent.cpu_seconds,
        org_of=org_of.tobytes(),
    )


def _run(bench: Bench, two: CellsProduct, plan: dict[str, Any], kills: int) -> _Run:
    """Run the load, and kill meanwhile."""
    bench.reset()
    bench.receiver.know(two.secrets)
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(lambda: generate(bench, two, **plan))
        killed_at = []
        for _ in range(kills):
            time.sleep(KILL_EVERY_S)
            worker = two.workers().get(KILLED)
            if worker is None:
                raise RuntimeError("the killed process is not back after 8 s")
            os.kill(worker, signal.SIGKILL)
            killed_at.append(time.monotonic_ns())
        sent = loading.result()
    await_all(bench, two, owed([sent], two.webhooks_of), DRAIN_SECONDS)
    return _Run(sent, bench.received(), killed_at)
