"""A budget that many owners draw on: each may hold as much as is left for the others.

So one owner alone holds half of it, two hold a third each, nine a tenth each; and there is always
something left for one who comes last. Nobody needs to know how many owners there are, and nothing
is taken from who holds it already.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)


def leaves_room(most: int, held: int, owned: int, amount: int = 1) -> bool:
    """Return whether an owner that holds `owned` of all that is `held` may hold so much more: no
    more than is then left of `most` for others."""
    return owned + amount <= most - held - amount


class SharedBudget(Generic[Owner]):
    """Counts how much of a budget each owner holds: bytes, places, or anything that is counted."""

    def __init__(self, most: int, owner_most: int | None = None) -> None:
        """`most`: of all owners together. `owner_most`: of one, where that is less than half."""
        self.most = most
        self._owner_most = most if owner_most is None else owner_most
        self._held: dict[Owner, int] = {}
        self.held = 0  # by all owners

    def held_by(self, owner: Owner) -> int:
        """Return how much an owner holds."""
        return self._held.get(owner, 0)

    def held_where(self, is_one: Callable[[Owner], bool]) -> int:
        """Return how much some owners hold together."""
        return sum(amount for owner, amount in self._held.items() if is_one(owner))

    def admits(self, owner: Owner, amount: int = 1) -> bool:
        """Return whether an owner may hold so much more: no more than is then left for others."""
        owned = self._held.get(owner, 0)
        if owned + amount > self._owner_most:
            return False
        return leaves_room(self.most, self.held, owned, amount)

    def take(self, owner: Owner, amount: int = 1) -> bool:
        """Give an owner so much more; return False, with nothing given, where it must not be."""
        if not self.admits(owner, amount):
            return False
        self.charge(owner, amount)
        return True

    def charge(self, owner: Owner, amount: int) -> None:
        """Count what an owner holds whether it may or not."""
        self._held[owner] = self._held.get(owner, 0) + amount
        self.held += amount

    def give(self, owner: Owner, amount: int = 1) -> None:
        """Take so much back from an owner."""
        self.held -= amount
        left = self._held.get(owner, 0) - amount
        if left > 0:
            self._held[owner] = left
        else:
            self._held.pop(owner, None)
