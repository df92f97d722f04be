"""Events in and deliveries out in every declared form, beside the yardstick where it has one."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.figures.actions.acting import CALLED, CUSTOMERS, Acting, write_files
from bench.figures.latency import yardstick_rate
from bench.figures.pairs import clean_pairs, interleave, warm_up
from bench.forms import (
    ON_A_SERVER,
    REST_CALLS,
    SHARE,
    Floors,
    Form,
    House,
    Load,
    Source,
    by_house,
    chosen,
)
from bench.layout import crowd
from bench.ledger import Spread, spread
from bench.product import Product
from bench.report import BESIDE, VOID, Options, Row, cost_rows, disturbance, judge, of
from bench.run import Bench, Measured, measure
from bench.sinks.registry import SINKS
from bench.sinks.sink import Sink
from bench.sinks.topic import TopicSink
from bench.source_topic import SourceTopic
from bench.store_server import SQLITE, row_writes, store_server
from bench.target import Yardstick
from tidings.core.webhooks.webhook_types import ACTION

FIGURE = "throughput"
WARM_UP_EVENTS = 500
CONNECTIONS_OF_BATCHES = 8  # at least: one that is answered while the next is read
DRAIN_SECONDS = 150.0
CONNECTIONS_ELSEWHERE = 100  # of a webhook that is no HTTP one
STATISTICS_S = 12.0  # until an idle connection of PostgreSQL has told what it has written
ROWS_SHOWN_MIN = 0.0005


def run(options: Options) -> list[Row]:
    """Measure every form that was asked for."""
    rows: list[Row] = []
    for house, forms in by_house(chosen(options.forms)).items():
        try:
            if forms[0].beside_yardstick:
                rows += beside_the_yardstick(options, house, forms)
            else:
                rows += by_itself(options, house, forms)
        except Exception as error:  # a broker that cannot be had does not take the others with it
            print(f"{forms[0].name}: {error}", file=sys.stderr, flush=True)
            why = (str(error) or type(error).__name__).splitlines()[0]
            rows += [
                Row(FIGURE, f"{form.name}: not measured: {why}", "-", "", VOID) for form in forms
            ]
    return rows


def pairs_of(options: Options, form: Form) -> int:
    """Return how often a form is measured in this run of the bench."""
    return options.pairs if options.pairs is not None else form.pairs


# Beside the yardstick ---------------------------------------------------------------------------


def beside_the_yardstick(options: Options, house: House, forms: Sequence[Form]) -> list[Row]:
    """Measure what the yardstick does too: single calls for it, whatever the size of ours."""
    rows: list[Row] = []
    with (
        Bench(options.folder, options.patience_seconds) as bench,
        store_server(
            options.store, options.server_settings, bench.folder, options.numbers
        ) as server,
    ):
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        product = None
        try:
            hooks = crowd(house.receiving)
            product = Product(
                bench.folder,
                bench.receiver.port,
                hooks,
                cores=options.service_cores,
                server=server,
            )
            warm_up(bench, [yardstick, product], connections=options.connections)
            written = RowsWritten(product)
            full = 0.0
            if any(form.load is Load.SHARE for form in forms):
                full = yardstick_rate(bench, yardstick, options)
            for form in forms:
                pairs = pairs_of(options, form)
                print(f"{form.name}, {pairs} pairs", flush=True)
                theirs, ours = plans(form, options, full)
                bare, measured = interleave(
                    bench,
                    yardstick,
                    product,
                    pairs,
                    second_plan=ours | {"server": server},
                    **theirs,
                )
                rows += pair_rows(floored(form, options.store), bare, measured)
            rows += written.rows()
        finally:
            yardstick.stop()
            if product is not None:
                product.stop()
    return rows


def floored(form: Form, store: str) -> Form:
    """Return the form with the bounds that it has on a store."""
    return form if store == SQLITE else replace(form, floors=ON_A_SERVER.get(form.name))


def plans(form: Form, options: Options, full: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the generator's plans for the yardstick and for the product, of as many events."""
    common: dict[str, Any] = {"seconds": options.seconds}
    batches = max(CONNECTIONS_OF_BATCHES, options.connections // form.batch)
    if form.load is Load.FULL:
        bare, ours = common | {"connections": options.connections}, common
        return bare, ours | {"connections": batches, "per_call": form.batch}
    calls = SHARE * full / form.batch if form.load is Load.SHARE else REST_CALLS
    schedule = "poisson" if form.load is Load.SHARE else "even"  # so few by chance are not as many
    wide = common | {"connections": options.connections * 4, "schedule": schedule}
    return wide | {"rate": calls * form.batch}, wide | {"rate": calls, "per_call": form.batch}


class RowsWritten:
    """What a service writes for an event from now on, by table; nothing where its store is in no
    server."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._events, self._writes = self._by_now()

    def _by_now(self) -> tuple[int, Counter[tuple[str, str]]]:
        if self._product.database is None:
            return 0, Counter()
        time.sleep(STATISTICS_S)
        return self._product.mark(), row_writes(self._product.database)

    def rows(self) -> list[Row]:
        """Make the rows."""
        events, writes = self._by_now()
        writes.subtract(self._writes)
        each = {what: count / max(1, events - self._events) for what, count in writes.items()}
        return [
            Row(FIGURE, f"rows of {table} {how}, per event", f"{count:.3f}")
            for (table, how), count in sorted(each.items())
            if count >= ROWS_SHOWN_MIN
        ]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A figure of a form with its bound, None where it has none."""

    what: str
    measured: Spread
    digits: int
    bound: float | None
    least: bool = False

    def row(self, form: Form, runs: Sequence[Measured]) -> Row:
        median = self.measured.median
        verdict, goal = BESIDE, ""
        if self.bound is not None:
            held = median >= self.bound if self.least else median <= self.bound
            verdict, goal = judge(runs, held), f"{'≥' if self.least else '≤'} {self.bound:g}"
        elif any(run.faults for run in runs):
            verdict = VOID
        text = self.measured.text(self.digits)
        return Row(FIGURE, f"{form.name}: {self.what}", text, goal, verdict)


def pair_rows(form: Form, bare: Sequence[Measured], ours: Sequence[Measured]) -> list[Row]:
    """Make the rows of a form that ran in pairs."""
    floors, pairs, runs = form.floors or Floors(), clean_pairs(bare, ours), [*bare, *ours]
    cpu = spread(own.cpu_us / theirs.cpu_us for theirs, own in pairs)
    found = []
    if form.load is Load.FULL:
        share = spread(own.rate / theirs.rate for theirs, own in pairs)
        found.append(_Judged("share of the yardstick", share, 2, floors.share_min, least=True))
    else:
        beyond = spread(own.delay(99) - theirs.delay(99) for theirs, own in pairs)
        worst = spread([max((own.delay(99) for _, own in pairs), default=float("nan"))])
        found += [
            _Judged("p50, ms", of(ours, "delay", 50), 2, floors.p50_ms_max),
            _Judged("p99, ms", of(ours, "delay", 99), 2, None),
            _Judged("p99 of the worst run, ms", worst, 2, None),
            _Judged("p99 later than the yardstick's, ms", beyond, 2, floors.p99_beyond_ms_max),
            _Judged("yardstick: p50, ms", of(bare, "delay", 50), 2, None),
            _Judged("yardstick: p99, ms", of(bare, "delay", 99), 2, None),
        ]
    found.append(_Judged("CPU per event, times the yardstick's", cpu, 2, floors.cpu_max))
    return [
        *(figure.row(form, runs) for figure in found),
        *cost_rows(FIGURE, form.name, bare, ours),
        disturbance(FIGURE, runs),
    ]


# By itself --------------------------------------------------------------------------------------


def by_itself(options: Options, house: House, forms: Sequence[Form]) -> list[Row]:
    """Measure what the yardstick does not do: rate, cost and ledger alone."""
    rows: list[Row] = []
    with (
        Bench(options.folder, options.patience_seconds) as bench,
        _way(options, house, bench) as send,
    ):
        for form in forms:
            runs = pairs_of(options, form)
            print(f"{form.name}, {runs} runs of {options.messages:,} events", flush=True)
            send(WARM_UP_EVENTS)
            made = []
            for _ in range(runs):
                made.append(send(options.messages))
                print(made[-1].line(), flush=True)
            rows += alone_rows(form, made)
    return rows


def alone_rows(form: Form, runs: Sequence[Measured]) -> list[Row]:
    """Make the rows of a form that has no yardstick."""
    floors = form.floors or Floors()
    rate = _Judged("events/s", of(runs, "rate"), 0, floors.rate_min, least=True)
    twice = sum(run.duplicates for run in runs)
    return [
        rate.row(form, runs),
        *cost_rows(FIGURE, form.name, runs)[1:],
        Row(FIGURE, f"{form.name}: arrived twice", f"{twice}"),
        disturbance(FIGURE, runs),
    ]


Send = Callable[[int], Measured]


@contextlib.contextmanager
def _way(options: Options, house: House, bench: Bench) -> Iterator[Send]:
    """Build the service with its destination and source; yield what brings and measures events."""
    plan: dict[str, Any] = {"connections": options.connections, "drain_seconds": DRAIN_SECONDS}
    with contextlib.ExitStack() as ends:
        if house.destination == ACTION:
            file = write_files(bench.folder, CALLED, bench.receiver.port)
            acting = Acting(bench.folder, file, bench.receiver.port, options.service_cores)
            ends.callback(acting.stop)
            yield lambda events: measure(bench, acting, count=events, customers=CUSTOMERS, **plan)
            return
        sink = ends.enter_context(SINKS[house.destination](bench.folder))
        product = _service(options, house, bench, sink)
        ends.callback(product.stop)
        sink.begin(product)
        if house.source is Source.API:
            yield lambda events: measure(bench, product, sink=sink, count=events, **plan)
            return
        assert isinstance(sink, TopicSink)  # one broker has both topics
        source = SourceTopic(sink.server, product)

        def fetch(events: int) -> Measured:
            source.fill(events)
            try:
                return measure(
                    bench, product, sink=sink, load=source.resume, drain_seconds=DRAIN_SECONDS
                )
            finally:
                source.pause()

        yield fetch


def _service(options: Options, house: House, bench: Bench, sink: Sink) -> Product:
    file = bench.folder / "connections.toml"
    file.write_text(sink.connections)
    ordering = {} if house.ordering is None else {"ordering": house.ordering}
    return Product(
        bench.folder,
        bench.receiver.port,
        crowd(house.receiving, webhooks=1, orgs=1),
        connections=CONNECTIONS_ELSEWHERE,
        cores=options.service_cores,
        settings={"TIDINGS_CONNECTIONS": str(file)},
        fields={**sink.webhook, **ordering},
    )
