"""What an event costs beside 10,000 webhooks that want none of it."""

from typing import Any

from bench.figures.pairs import clean_pairs, interleave, warm_up
from bench.layout import with_idle
from bench.ledger import spread
from bench.product import Product
from bench.report import Options, Row, cost_rows, disturbance, judge
from bench.run import Bench

GROWTH_MAX = 1.10


def run(options: Options) -> list[Row]:
    print(f"idle, {options.idle:,} idle webhooks, {options.runs} pairs", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        alone = Product(
            bench.folder, bench.receiver.port, with_idle(0), cores=options.service_cores
        )
        crowded = None
        try:
            crowded = Product(
                bench.folder,
                bench.receiver.port,
                with_idle(options.idle),
                cores=options.service_cores,
            )
            plan: dict[str, Any] = {"connections": options.connections}
            warm_up(bench, [alone, crowded], **plan)
            few, many = interleave(
                bench, alone, crowded, options.runs, seconds=options.seconds, **plan
            )
            resident = crowded.usage().rss_bytes / 1e6
        finally:
            alone.stop()
            if crowded is not None:
                crowded.stop()
    growth = spread(
        other.cpu_us / clean_pair.cpu_us for clean_pair, other in clean_pairs(few, many)
    )
    return [
        Row(
            "idle",
            f"CPU per event with {options.idle:,} idle webhooks against none",
            growth.text(2),
            f"≤ {GROWTH_MAX}",
            judge(few + many, growth.median <= GROWTH_MAX),
        ),
        *cost_rows("idle", "no idle webhooks", few),
        *cost_rows("idle", f"{options.idle:,} idle", many),
        Row("idle", f"{options.idle:,} idle: resident memory, MB", f"{resident:,.0f}"),
        disturbance("idle", few + many),
    ]
