"""Places that many owners take for a while, one after the other: lines to a database, questions.

Who waits is served by turns of owners, and in order within an owner. Whoever holds none gets the
next place that is free; whoever holds some gets more only as far as it leaves as many to others
(`budget.py`). An owner that has been alone for a while may hold all of them: so one org alone loses
nothing, and where a second one comes, its first wait is as long as one of the others' holds.
"""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from tidings.core.shares.budget import SharedBudget, leaves_room

ALONE_AFTER_S = 600.0  # without a wish of any other owner

Owner = TypeVar("Owner", bound=Hashable)
Waiter = TypeVar("Waiter")


class PlaceQueue(Generic[Owner, Waiter]):
    """Counts who holds places, and lines up who waits for one. Pure; time is passed in."""

    def __init__(self, most: int, crowd_most: int | None = None) -> None:
        """`most`: places in all. `crowd_most`: of one owner while there are others, where that is
        less than what leaves room to them."""
        self.most = most
        self._crowd_most = most if crowd_most is None else crowd_most
        self._held: SharedBudget[Owner] = SharedBudget(most)
        self._waiting: dict[Owner, deque[Waiter]] = {}  # in the order of their turns
        self._newest: Owner | None = None  # who has asked last, and when
        self._newest_s = self._others_s = float("-inf")  # when anybody else did

    @property
    def held(self) -> int:
        """Return how many places are taken."""
        return self._held.held

    def held_by(self, owner: Owner) -> int:
        """Return how many places an owner has."""
        return self._held.held_by(owner)

    def ask(self, owner: Owner, waiter: Waiter, now_s: float) -> None:
        """Put somebody behind all others of its owner; `grant` says when it has its turn."""
        if owner != self._newest:
            self._newest, self._others_s = owner, self._newest_s
        self._newest_s = now_s
        self._waiting.setdefault(owner, deque()).append(waiter)

    def grant(self, now_s: float) -> tuple[Owner, Waiter] | None:
        """Give a place to whoever is next, until `give` takes it back; return the owner and who
        waited. None where no place is free, or for nobody who waits."""
        if self._held.held >= self.most:
            return None
        for owner, waiters in self._waiting.items():
            if self._admits(owner, now_s):
                waiter = waiters.popleft()
                del self._waiting[owner]
                if waiters:  # behind all others
                    self._waiting[owner] = waiters
                self._held.charge(owner, 1)
                return owner, waiter
        return None

    def give(self, owner: Owner) -> None:
        """Take a place back from an owner; `grant` has to be asked then."""
        self._held.give(owner)

    def drain(self) -> list[Waiter]:
        """Return all who wait; nobody waits any more."""
        waiting, self._waiting = self._waiting, {}
        return [waiter for waiters in waiting.values() for waiter in waiters]

    def _admits(self, owner: Owner, now_s: float) -> bool:
        owned = self._held.held_by(owner)
        if owned == 0 or self._is_alone(owner, now_s):
            return True
        if owned >= self._crowd_most:
            return False
        return leaves_room(self.most, self._held.held, owned)

    def _is_alone(self, owner: Owner, now_s: float) -> bool:
        if len(self._waiting) > 1:
            return False
        others_s = self._others_s if owner == self._newest else self._newest_s
        return now_s - others_s >= ALONE_AFTER_S
