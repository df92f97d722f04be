"""Interleaved runs: both sides are up and take turns, so a slow minute hits both."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.run import Bench, Measured, measure
from bench.target import Target

WARM_UP_SECONDS = 1.0


def warm_up(bench: Bench, targets: Sequence[Target], **plan: Any) -> None:
    """Fill caches and connections; what it measures is thrown away."""
    for target in targets:
        measure(bench, target, seconds=WARM_UP_SECONDS, **plan)


def interleave(
    bench: Bench,
    first: Target,
    second: Target,
    runs: int,
    *,
    second_plan: Mapping[str, Any] | None = None,
    **plan: Any,
) -> tuple[list[Measured], list[Measured]]:
    """So many runs of each, in turns; who begins changes from pair to pair. Both have the same
    plan, if the second has none of its own."""
    kept: dict[int, list[Measured]] = {0: [], 1: []}
    for pair in range(runs):
        order = [(0, first, plan), (1, second, plan if second_plan is None else second_plan)]
        for side, target, own in order if pair % 2 == 0 else reversed(order):
            measured = measure(bench, target, **own)
            print(measured.line(), flush=True)
            kept[side].append(measured)
    return kept[0], kept[1]


def clean_pairs(
    first: Sequence[Measured], second: Sequence[Measured]
) -> list[tuple[Measured, Measured]]:
    """The pairs of which neither run is void."""
    pairs = zip(first, second, strict=True)
    return [(pair, other) for pair, other in pairs if not pair.faults and not other.faults]
