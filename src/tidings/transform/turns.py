"""Who is next: one request of each org in turn, however many wait behind it."""

from collections import OrderedDict, deque
from typing import Generic, Protocol, TypeVar


class OrgWork(Protocol):
    """The waiting work of an org."""

    @property
    def org(self) -> int: ...


Item = TypeVar("Item", bound=OrgWork)


class FairQueue(Generic[Item]):
    """First come, first served within an org; orgs by turns."""

    def __init__(self) -> None:
        self._orgs: OrderedDict[int, deque[Item]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, org: int) -> int:
        """Count the waiting items of an org."""
        return len(self._orgs.get(org, ()))

    def push(self, item: Item) -> None:
        """Add a request behind all others of its org; an org that had nothing has the last turn."""
        self._orgs.setdefault(item.org, deque()).append(item)
        self._count += 1

    def push_back(self, items: list[Item]) -> None:
        """Put back what was taken and not done, in its order: it is next again."""
        for work in reversed(items):
            self._orgs.setdefault(work.org, deque()).appendleft(work)
            self._orgs.move_to_end(work.org, last=False)
            self._count += 1

    def pop(self) -> Item:
        """Take the next request. Raise IndexError if nothing waits."""
        if not self._orgs:
            raise IndexError
        org, waiting = next(iter(self._orgs.items()))
        item = waiting.popleft()
        self._count -= 1
        if waiting:
            self._orgs.move_to_end(org)
        else:
            del self._orgs[org]
        return item

    def take(self, org: int | None = None) -> list[Item]:
        """Take all that waits, or all of an org; none of it waits any more."""
        orgs = list(self._orgs) if org is None else [org] if org in self._orgs else []
        taken = [work for org in orgs for work in self._orgs.pop(org)]
        self._count -= len(taken)
        return taken
