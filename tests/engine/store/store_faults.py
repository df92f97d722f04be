"""Has operations of a store fail: before they are done, or after, with their answer lost."""

import itertools
from collections.abc import Callable
from typing import Any

from tidings.store import port

FULL = port.StoreDown("the disk is full")
WRONG = RuntimeError("ConstraintError: a fault of ours")


def refusing(
    store: Any,
    name: str,
    which: Callable[[int], bool] = lambda call: True,
    *,
    fault: Exception = FULL,
    lost: bool = False,
) -> list[int]:
    """Calls of an operation fail, by their number; with `lost` after they were done. Returns the
    numbers of those that have failed, which grows."""
    whole, calls, failed = getattr(store, name), itertools.count(), list[int]()

    async def answer(*arguments: Any) -> Any:
        call = next(calls)
        if not which(call):
            return await whole(*arguments)
        if lost:
            await whole(*arguments)
        failed.append(call)
        raise type(fault)(*fault.args)  # one that is raised again keeps all frames it went through

    setattr(store, name, answer)
    return failed


def counted(store: Any, name: str) -> list[int]:
    """Count the calls of an operation, which is done as ever; returns their numbers, which grow."""
    whole, calls = getattr(store, name), list[int]()

    async def answer(*arguments: Any) -> Any:
        calls.append(len(calls))
        return await whole(*arguments)

    setattr(store, name, answer)
    return calls


def first(count: int) -> Callable[[int], bool]:
    """The first so many calls."""
    return lambda call: call < count
