"""How deep the tests go that try many cases: at random, or all pairs of a kind.

`make test` goes as deep as a change needs; `make test-systems` runs each file that asks here again,
with `TIDINGS_DEPTH=deep`. A setting of one test's own goes before both.

Properties are tried with the same examples each time, so that a run that fails does so again, and
what was green stays so; `TIDINGS_EXAMPLES=new` tries others, for who looks for faults.
"""

import itertools
import os
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

DEEP = os.environ.get("TIDINGS_DEPTH") == "deep"
NEW_EXAMPLES = os.environ.get("TIDINGS_EXAMPLES") == "new"


def settle_examples() -> None:
    """Have the examples of a property follow from its test alone.

    No deadline, and no bound on how long values take to be drawn: a property says what holds, not
    how fast, and on a busy machine one example in thousands takes longer. Hypothesis takes a part
    of its values out of the modules that are loaded: with another word anywhere, or in another
    order of tests, the examples are others.
    """
    any_speed: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("new examples", **any_speed)
    settings.register_profile("the same examples", **any_speed, derandomize=True, database=None)
    settings.load_profile("new examples" if NEW_EXAMPLES else "the same examples")
    if not NEW_EXAMPLES:
        providers._get_local_constants = Constants


def depth(usual: int, deep: int, setting: str = "") -> int:
    """How many are tried here and now."""
    return int(os.environ.get(setting) or (deep if DEEP else usual))


def crossed(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return what `parametrize` is given of several axes at once: in the deep run all of their
    cases, else a few in which any two values of two axes meet at least once.

    Of a rule that is broken for one value, or where two meet, one of them tells; what needs three
    to meet is found by the deep run.
    """
    values = [list(axis) for axis in axes]
    return list(itertools.product(*values)) if DEEP else covering(values)


def covering(axes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return few cases that hold each pair of values of two axes, the same ones each time."""
    cases = list(itertools.product(*(range(len(axis)) for axis in axes)))
    places = list(itertools.combinations(range(len(axes)), 2))
    pairs = {case: {(i, case[i], k, case[k]) for i, k in places} for case in cases}
    missing = set().union(*pairs.values())
    if len(axes) == 1:
        return [(value,) for value in axes[0]]
    chosen = []
    while missing:
        best = max(cases, key=lambda case: len(pairs[case] & missing))
        missing -= pairs[best]
        chosen.append(best)
    return [tuple(axis[at] for axis, at in zip(axes, case, strict=True)) for case in sorted(chosen)]


def share(cases: Sequence[Any], which: int, of: int) -> Sequence[Any]:
    """Return what one of so many takes of the cases: between them they take all of them. In the
    deep run each takes all."""
    return cases if DEEP else cases[which % of :: of]
