"""Events a second with everything on, as a share of the yardstick's."""

from bench.figures.pairs import clean_pairs, interleave, warm_up
from bench.layout import crowd
from bench.ledger import spread
from bench.product import Product
from bench.report import BESIDE, Options, Row, cost_rows, disturbance, judge
from bench.run import Bench
from bench.target import Yardstick

RATIO_MIN = 0.7
RECEIVING_JUDGED = 20


def run(options: Options) -> list[Row]:
    rows: list[Row] = []
    for receiving in options.receiving:
        rows += with_receivers(options, receiving)
    return rows


def with_receivers(options: Options, receiving: int) -> list[Row]:
    """The ratio with so many webhooks that get events, among 1,000."""
    judged = receiving == RECEIVING_JUDGED
    runs = options.runs if judged else options.runs_beside
    label = f"{receiving} receiving"
    print(f"throughput, {label} webhooks, {runs} pairs", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        product = None
        try:
            product = Product(
                bench.folder, bench.receiver.port, crowd(receiving), cores=options.service_cores
            )
            plan = {"connections": options.connections}
            warm_up(bench, [yardstick, product], **plan)
            bare, ours = interleave(
                bench, yardstick, product, runs, seconds=options.seconds, **plan
            )
        finally:
            yardstick.stop()
            if product is not None:
                product.stop()
    ratio = spread(other.rate / clean_pair.rate for clean_pair, other in clean_pairs(bare, ours))
    verdict = judge(bare + ours, ratio.median >= RATIO_MIN) if judged else BESIDE
    goal = f"≥ {RATIO_MIN}" if judged else ""
    if not judged and any(run.faults for run in bare + ours):
        verdict = judge(bare + ours, True)
    return [
        Row("throughput", f"{label}: share of the yardstick", ratio.text(2), goal, verdict),
        *cost_rows("throughput", label, bare, ours),
        disturbance("throughput", bare + ours),
    ]
