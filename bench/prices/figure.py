"""The price list: CPU per event with each feature, less that without it, in turns."""

import sys
from typing import Any

from bench.figures.pairs import clean_pairs, interleave, warm_up
from bench.layout import crowd
from bench.ledger import spread
from bench.payload import CUSTOMER_FIRST, ORG_FIRST
from bench.prices.features import FEATURES, Feature
from bench.product import COMMAND, Product
from bench.report import BESIDE, VOID, Options, Row, disturbance, of
from bench.run import Bench

FIGURE = "prices"
PAIRS = 12
WEBHOOKS = 100
RECORD = {"mobile": "15550100", "email": "asha@example.test", "pointsBalance": 410}


def run(options: Options) -> list[Row]:
    """Measure every feature, or those that `--features` names."""
    rows: list[Row] = []
    for feature in FEATURES:
        if not options.features or feature.name in options.features:
            rows += _price(options, feature)
    return rows


def _price(options: Options, feature: Feature) -> list[Row]:
    pairs = PAIRS if options.pairs is None else options.pairs
    print(f"{FIGURE}, {feature.name}, {pairs} pairs", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        made: list[Product] = []
        try:
            for has_it in (False, True):
                made.append(_service(options, bench, feature, has_it))
            without, with_it = made
            plan: dict[str, Any] = {"connections": options.connections}
            warm_up(bench, made, **plan)
            less, more = interleave(bench, without, with_it, pairs, seconds=options.seconds, **plan)
        finally:
            for product in made:
                product.stop()
    price = spread(other.cpu_us - bare.cpu_us for bare, other in clean_pairs(less, more))
    verdict = VOID if any(run.faults for run in [*less, *more]) else BESIDE
    whole = of(more, "cpu_us").text(1)
    return [
        Row(FIGURE, f"{feature.name}: CPU µs/event", price.text(1), "", verdict),
        Row(FIGURE, f"{feature.name}: with it, the whole way, µs/event", whole),
        disturbance(FIGURE, [*less, *more]),
    ]


def _service(options: Options, bench: Bench, feature: Feature, has_it: bool) -> Product:
    taken = feature.take is not None and not has_it
    without = (sys.executable, "-m", "bench.prices.without", feature.name)
    product = Product(
        bench.folder,
        bench.receiver.port,
        crowd(1, WEBHOOKS, WEBHOOKS),
        cores=options.service_cores,
        command=without if taken else (COMMAND,),
        fields=feature.fields if has_it else {},
    )
    product.name = "with" if has_it else "without"
    if feature.name == "signature":
        product.secrets = {}  # the receiver cannot look at what is not there
    if feature.records:
        product.ask("PUT", f"/v1/reference/customers/{CUSTOMER_FIRST}", RECORD, ORG_FIRST)
    return product
