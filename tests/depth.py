"""How deep the tests go that try many cases: at random, or all pairs of a kind.

`make test` goes as deep as a change needs; `make test-systems` runs each file that asks here again,
with `TIDINGS_DEPTH=deep`. A setting of one test's own goes before both.

Properties are tried with the same examples each time, so that a run that fails does so again, and
what was green stays so; `TIDINGS_EXAMPLES=new` tries others, for who looks for faults.
"""

import os

from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

DEEP = os.environ.get("TIDINGS_DEPTH") == "deep"
NEW_EXAMPLES = os.environ.get("TIDINGS_EXAMPLES") == "new"


def settle_examples() -> None:
    """Have the examples of a property follow from its test alone.

    No deadline: a property says what holds, not how fast, and on a busy machine one example in
    thousands takes longer. Hypothesis takes a part of its values out of the modules that are
    loaded: with another word anywhere, or in another order of tests, the examples are others.
    """
    settings.register_profile("new examples", deadline=None)
    settings.register_profile("the same examples", deadline=None, derandomize=True, database=None)
    settings.load_profile("new examples" if NEW_EXAMPLES else "the same examples")
    if not NEW_EXAMPLES:
        providers._get_local_constants = Constants


def depth(usual: int, deep: int, setting: str = "") -> int:
    """How many are tried here and now."""
    return int(os.environ.get(setting) or (deep if DEEP else usual))
