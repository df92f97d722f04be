"""From when an event was due to its receipt, open loop, at 0.35 of the yardstick's rate."""

from bench.figures.pairs import interleave, warm_up
from bench.layout import crowd
from bench.ledger import spread
from bench.product import Product
from bench.report import Options, Row, disturbance, judge, of
from bench.run import Bench, measure
from bench.target import Yardstick

SHARE = 0.35
P50_MS_MAX = 5.0
P99_MS_MAX = 25.0
RECEIVING = 20
RATE_RUNS = 3


def yardstick_rate(bench: Bench, yardstick: Yardstick, options: Options) -> float:
    """What the yardstick moves on this machine now."""
    runs = []
    for _ in range(min(RATE_RUNS, options.runs)):
        runs.append(
            measure(bench, yardstick, seconds=options.seconds, connections=options.connections)
        )
        print(runs[-1].line(), flush=True)
    rate = of(runs, "rate").median
    if not rate > 0:
        raise RuntimeError("no run of the yardstick closed its ledger: there is no rate to go by")
    return rate


def run(options: Options) -> list[Row]:
    print(f"latency, {options.runs} pairs", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        product = None
        try:
            product = Product(
                bench.folder, bench.receiver.port, crowd(RECEIVING), cores=options.service_cores
            )
            warm_up(bench, [yardstick, product])
            full = yardstick_rate(bench, yardstick, options)
            bare, ours = interleave(
                bench,
                yardstick,
                product,
                options.runs,
                seconds=options.seconds,
                rate=SHARE * full,
                connections=options.connections * 4,
            )
        finally:
            yardstick.stop()
            if product is not None:
                product.stop()
    p50, p99 = of(ours, "delay", 50), of(ours, "delay", 99)
    lag = spread(run.lag_p99_ms for run in bare + ours)
    return [
        Row(
            "latency",
            f"p50, ms, at {SHARE * full:,.0f} events/s",
            p50.text(2),
            f"≤ {P50_MS_MAX:g}",
            judge(ours, p50.median <= P50_MS_MAX),
        ),
        Row(
            "latency",
            "p99, ms",
            p99.text(2),
            f"≤ {P99_MS_MAX:g}",
            judge(ours, p99.median <= P99_MS_MAX),
        ),
        Row("latency", "p99.9, ms", of(ours, "delay", 99.9).text(2)),
        Row("latency", "yardstick at the same rate: p50, ms", of(bare, "delay", 50).text(2)),
        Row("latency", "yardstick at the same rate: p99, ms", of(bare, "delay", 99).text(2)),
        Row("latency", "CPU µs/event, process tree", of(ours, "cpu_us").text(1)),
        Row("latency", "yardstick: CPU µs/event", of(bare, "cpu_us").text(1)),
        Row("latency", "generator behind its schedule, p99 ms", lag.text(2)),
        disturbance("latency", bare + ours),
    ]
