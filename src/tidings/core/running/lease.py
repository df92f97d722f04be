"""The lease of a store's owner: how long it may act without hearing that it still is the owner.

Whoever waits to take a store over does so when its row has not changed for a whole lease, by its
own clock. So an owner that could not renew (frozen, cut off, its database gone) must have stopped
by itself before that. It counts from before it sent the last renewal that succeeded, on a clock
that goes on while the machine sleeps and that nobody sets, and ends early by what two such clocks
may differ. It looks immediately before the first byte of anything leaves; what was decided earlier
says nothing, because a process can be frozen between any two of its steps.

Pure: the clock is passed in. An embedded store is locked by its process for as long as that lives,
so its lease has no end.
"""

import math
from collections.abc import Callable
from typing import Protocol

LEASE_S = 10.0
EARLY_S = 2.0
# How a process says that another one owns the store: no fault of it, for whoever reads that.
STANDS_BY = "it stands by:"


class OwnerLease(Protocol):
    """Knows whether this process owns the store. May be asked in any thread."""

    def holds(self) -> bool:
        """Return whether anything may leave in this moment."""

    def left_s(self) -> float:
        """Return for how many seconds it holds if nothing renews it; 0 where it is over."""


class Lease:
    """See `OwnerLease`: one that is renewed by commits. It is over until the first of them."""

    __slots__ = ("_until_s", "now_s")

    def __init__(self, now_s: Callable[[], float]) -> None:
        """`now_s`: seconds since any beginning, those in which the machine slept too; never set
        (`CLOCK_BOOTTIME`)."""
        self.now_s = now_s
        self._until_s = -math.inf

    def renewed(self, asked_at_s: float) -> None:
        """Note a renewal that has succeeded, and was sent at `asked_at_s` or later, by the same
        clock. One that was sent before another that is known changes nothing."""
        until_s = min(asked_at_s, self.now_s()) + LEASE_S - EARLY_S
        self._until_s = max(self._until_s, until_s)

    def holds(self) -> bool:
        return self.now_s() < self._until_s

    def left_s(self) -> float:
        return max(0.0, self._until_s - self.now_s())


class EndlessLease:
    """See `OwnerLease`: that of a store which nobody else can open."""

    __slots__ = ()

    def holds(self) -> bool:
        return True

    def left_s(self) -> float:
        return math.inf
