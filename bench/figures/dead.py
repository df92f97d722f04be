"""What a healthy webhook notices of 100 dead ones that get the same events."""

from bench.layout import with_dead
from bench.ledger import spread
from bench.product import Product
from bench.report import Options, Row, disturbance, judge, of
from bench.run import Bench, Measured, measure

GROWTH_MAX = 1.5
ADDED_MS_MAX = 5.0
SECONDS = 40.0  # longer than the deadline of an attempt: the silent ones must have run into it
SECONDS_QUICK = 6.0
HEALTHY = 0


def run(options: Options) -> list[Row]:
    """Each run has a service of its own: the backlog of the dead ones must not pile up."""
    seconds = SECONDS_QUICK if options.quick else SECONDS
    print(f"dead, {options.dead} dead webhooks, {options.runs} pairs of {seconds:g} s", flush=True)
    alone: list[Measured] = []
    beside: list[Measured] = []
    with Bench(options.folder, options.patience_seconds) as bench:
        for pair in range(options.runs):
            order = [(0, alone), (options.dead, beside)]
            for dead, kept in order if pair % 2 == 0 else reversed(order):
                kept.append(one_run(bench, options, dead, seconds))
                print(f"{dead:4} dead ", kept[-1].line(), flush=True)
    base, p99 = of(alone, "delay", 99), of(beside, "delay", 99)
    limit = max(base.median * GROWTH_MAX, base.median + ADDED_MS_MAX)
    return [
        Row(
            "dead",
            f"p99 of the healthy one beside {options.dead} dead, ms",
            p99.text(2),
            f"≤ {limit:.1f}",
            judge(alone + beside, p99.median <= limit),
        ),
        Row(
            "dead",
            f"p99 of the healthy one alone, ms, at {options.dead_rate:g} events/s",
            base.text(2),
        ),
        Row("dead", "p50 alone, ms", of(alone, "delay", 50).text(2)),
        Row("dead", "p50 beside the dead, ms", of(beside, "delay", 50).text(2)),
        Row("dead", "CPU µs/event alone", of(alone, "cpu_us").text(1)),
        Row(
            "dead",
            f"CPU µs/event with {options.dead} dead deliveries each",
            of(beside, "cpu_us").text(1),
        ),
        Row(
            "dead", "unfinished deliveries at the end", spread(run.pending for run in beside).text()
        ),
        disturbance("dead", alone + beside),
    ]


def one_run(bench: Bench, options: Options, dead: int, seconds: float) -> Measured:
    product = Product(
        bench.folder, bench.receiver.port, with_dead(dead), cores=options.service_cores
    )
    try:
        measure(bench, product, seconds=0.5, rate=options.dead_rate)  # warm up
        return measure(
            bench,
            product,
            seconds=seconds,
            rate=options.dead_rate,
            connections=options.connections,
        )
    finally:
        product.stop()
