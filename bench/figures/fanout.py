"""What a delivery costs when an event goes to 1, 10 and 100 webhooks."""

from bench.figures.pairs import clean_pairs
from bench.layout import fans
from bench.ledger import Spread, spread
from bench.product import Product
from bench.report import Options, Row, disturbance, judge, of
from bench.run import Bench, Measured, measure

WIDTHS = (1, 10, 100)
DELIVERIES = 20_000
DELIVERIES_QUICK = 4_000
GROWTH_MAX = 1.0


def growth_of(narrow: list[Measured], wide: list[Measured]) -> Spread:
    """How much more a delivery costs in the wide runs than in the narrow ones beside them."""
    return spread(
        other.cpu_us_delivery / clean_pair.cpu_us_delivery
        for clean_pair, other in clean_pairs(narrow, wide)
    )


def run(options: Options) -> list[Row]:
    deliveries = DELIVERIES_QUICK if options.quick else DELIVERIES
    print(f"fanout, {options.runs} runs of {deliveries:,} deliveries each", flush=True)
    runs: dict[int, list[Measured]] = {width: [] for width in WIDTHS}
    with Bench(options.folder, options.patience_seconds) as bench:
        hooks, org_of = fans(WIDTHS)
        product = Product(bench.folder, bench.receiver.port, hooks, cores=options.service_cores)
        try:
            for width in WIDTHS:  # warm up
                measure(
                    bench, product, orgs=[org_of[width]], count=max(1, deliveries // width // 10)
                )
            for _ in range(options.runs):
                for width in WIDTHS:
                    measured = measure(
                        bench,
                        product,
                        orgs=[org_of[width]],
                        count=deliveries // width,
                        connections=options.connections,
                    )
                    print(f"{width:4} webhooks ", measured.line(), flush=True)
                    runs[width].append(measured)
        finally:
            product.stop()
    every = [run for width in WIDTHS for run in runs[width]]
    growth = growth_of(runs[1], runs[100])
    rows = [
        Row(
            "fanout",
            "CPU per delivery, 100 webhooks against 1",
            growth.text(2),
            f"≤ {GROWTH_MAX:g}",
            judge(every, growth.median <= GROWTH_MAX),
        ),
    ]
    beside = growth_of(runs[10], runs[100])  # at 1 a delivery also bears the whole event
    rows.append(Row("fanout", "CPU per delivery, 100 webhooks against 10", beside.text(2)))
    for width in WIDTHS:
        label = f"{width} webhooks"
        rows.append(
            Row("fanout", f"{label}: CPU µs/delivery", of(runs[width], "cpu_us_delivery").text(1))
        )
        rows.append(
            Row("fanout", f"{label}: deliveries/s", of(runs[width], "delivery_rate").text())
        )
    return [*rows, disturbance("fanout", every)]
