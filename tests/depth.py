"""How deep the tests go that try many cases: at random, or all pairs of a kind.

`make test` goes as deep as a change needs; `make test-systems` runs each file that asks here again,
with `TIDINGS_DEPTH=deep`. A setting of one test's own goes before both.
"""

import os

DEEP = os.environ.get("TIDINGS_DEPTH") == "deep"


def depth(usual: int, deep: int, setting: str = "") -> int:
    """How many are tried here and now."""
    return int(os.environ.get(setting) or (deep if DEEP else usual))
