"""What a healthy webhook of every org notices of dead, slow and flapping ones beside it."""

from bench.layout import with_bad
from bench.ledger import spread
from bench.product import Product
from bench.report import Options, Row, disturbance, judge, of
from bench.run import Bench, Measured, measure

GROWTH_MAX = 1.5
ADDED_MS_MAX = 5.0
SECONDS = 40.0  # longer than the deadline of an attempt: the silent ones must have run into it
SECONDS_QUICK = 8.0


def run(options: Options) -> list[Row]:
    """Each run has a service of its own: the backlog of the bad ones must not pile up.

    Nothing is sent before it: what the flapping ones refused would arrive in the run, unannounced.
    """
    seconds = SECONDS_QUICK if options.quick else SECONDS
    each, orgs, rate = options.bad, options.bad_orgs, options.dead_rate
    print(
        f"bad, {each} dead, {each} slow and {each} flapping webhooks of {orgs} orgs,"
        f" {options.runs} pairs of {seconds:g} s",
        flush=True,
    )
    alone: list[Measured] = []
    beside: list[Measured] = []
    with Bench(options.folder, options.patience_seconds, apart=True) as bench:
        for pair in range(options.runs):
            order = [(0, alone), (each, beside)]
            for bad, kept in order if pair % 2 == 0 else reversed(order):
                kept.append(one_run(bench, options, bad, seconds))
                print(f"{3 * bad:4} bad ", kept[-1].line(), flush=True)
    base, p99 = of(alone, "delay", 99), of(beside, "delay", 99)
    limit = max(base.median * GROWTH_MAX, base.median + ADDED_MS_MAX)
    return [
        Row(
            "bad",
            f"p99 of the healthy ones beside {each} dead, {each} slow, {each} flapping, ms",
            p99.text(2),
            f"≤ {limit:.1f}",
            judge(alone + beside, p99.median <= limit),
        ),
        Row(
            "bad",
            f"p99 of the healthy ones alone, ms, {orgs} orgs, {rate:g} events/s in all",
            base.text(2),
        ),
        Row("bad", "p50 alone, ms", of(alone, "delay", 50).text(2)),
        Row("bad", "p50 beside the bad ones, ms", of(beside, "delay", 50).text(2)),
        Row("bad", "CPU µs/event alone", of(alone, "cpu_us").text(1)),
        Row("bad", f"CPU µs/event with {3 * each // orgs} others", of(beside, "cpu_us").text(1)),
        Row("bad", "bytes written/event alone", of(alone, "written").text()),
        Row("bad", "bytes written/event beside", of(beside, "written").text()),
        Row(
            "bad", "unfinished deliveries at the end", spread(run.pending for run in beside).text()
        ),
        disturbance("bad", alone + beside),
    ]


def one_run(bench: Bench, options: Options, bad: int, seconds: float) -> Measured:
    product = Product(
        bench.folder,
        bench.receiver.port,
        with_bad(bad, options.bad_orgs),
        apart_port=bench.apart.port if bench.apart else None,
        cores=options.service_cores,
    )
    try:
        return measure(
            bench,
            product,
            seconds=seconds,
            rate=options.dead_rate,
            connections=options.connections,
        )
    finally:
        product.stop()
