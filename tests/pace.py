"""How long work takes on the reference machine, wherever the tests run.

Figures of time in the code and in the tests are seconds of the machine on which they were measured
(docs/measured/catalogue.md). Another machine is slower, and the same one too while others use it:
by half from one second to the next. So a fixed piece of work is timed right before and after what
is judged, and the two are compared, in processor time: what others took is charged to neither.
"""

import time
from collections.abc import Callable

import jsonschema_rs
import msgspec

# Seconds of `_fixed_work` on the reference machine: what it takes here, beside the five figures of
# docs/measured/catalogue.md that were taken in one thread, taken here in turns with it.
REFERENCE_S = 1.40e-3
ROUNDS = 7
# What shares a core with us may slow down one kind of work alone for a while: we look again.
LOOKS, PAUSE_S = 4, 0.5
# No machine is as fast in all kinds of work alike, nor is one that others use: memory, C and Python
# differ by this. A machine that is a little faster in the fixed work may be slower in another.
KINDS = 1.5

_ITEM = {
    "type": "object",
    "required": ["sku"],
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        "qty": {"type": "integer", "minimum": 1},
    },
}
_SCHEMA = {"type": "object", "properties": {"lines": {"type": "array", "items": _ITEM}}}
_VALIDATOR = jsonschema_rs.validator_for(_SCHEMA)
_RAW = msgspec.json.encode({"lines": [{"sku": "AB-12", "qty": n + 1} for n in range(300)]})


def _fixed_work() -> None:
    """A little of what events are worked on with: Python for the most part, a parser, a check."""
    found: dict[str, int] = {}
    for number in range(6000):
        key = f"k{number % 97}"
        found[key] = found.get(key, 0) + len(key) * (number & 7)
    for _ in range(4):
        assert _VALIDATOR.is_valid(msgspec.json.decode(_RAW))


def cpu_s(work: Callable[[], object]) -> float:
    """Processor time of this thread for it, as it is here and now."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def slowness() -> float:
    """Measure how many times as long as on the reference machine any work may take here and now."""
    return allowance(min(cpu_s(_fixed_work) for _ in range(3)) / REFERENCE_S)


def allowance(slower: float) -> float:
    """Compute for how many times its reference time any work may last, at least 1.

    `slower` is how many times as long the fixed work takes. A machine that is faster in all kinds
    is given the whole of a budget: it is what the service promises there.
    """
    return max(1.0, slower * KINDS)


def reference_s(work: Callable[[], object], enough_s: float = 0.0) -> float:
    """What it takes on the reference machine: the best of some rounds, the first below `enough_s`.

    Only what is done in this thread counts. Where even the time as it is here is below `enough_s`,
    nothing is compared: a machine counts as no faster than the reference. What takes longer than
    that is looked at again a little later.
    """
    if (here_s := cpu_s(work)) < enough_s:
        return here_s
    best = _best_s(work, enough_s)
    for _ in range(LOOKS - 1):
        if best < enough_s or not enough_s:
            break
        time.sleep(PAUSE_S)
        best = min(best, _best_s(work, enough_s))
    return best


def _best_s(work: Callable[[], object], enough_s: float) -> float:
    best, before = float("inf"), slowness()
    for _ in range(ROUNDS):
        spent = cpu_s(work)
        after = slowness()
        best, before = min(best, spent / min(before, after)), after
        if best < enough_s:
            break
    return best
