"""A bounded table that many owners fill: whoever fills most of it makes room, of its own.

An owner is an org, a credential or an address: whoever decides how many entries come. When the
table is full, the owner with most loses its oldest entry, and nobody else loses any. So an owner
that holds no more than an equal part of the table keeps what it has, whatever others do.
"""

import heapq
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_SPARE = 64  # outdated places in the ranking that are let be


class _OwnerShare(Generic[Key]):
    """The entries of one owner."""

    __slots__ = ("keys", "used")

    def __init__(self) -> None:
        self.keys: dict[Key, None] = {}  # the oldest first
        self.used = 0


class SharedTable(Generic[Owner, Key, Value]):
    """Values by key, each with its owner and its size. Reading costs what a dict costs."""

    def __init__(
        self,
        most: int,
        *,
        owner_most: int | None = None,
        on_evict: Callable[[Key, Value], object] | None = None,
    ) -> None:
        """`most`: the bound of all sizes together; `owner_most`: of those of one owner. `on_evict`
        hears what has made room."""
        self._most = most
        self._owner_most = most if owner_most is None else owner_most
        self._on_evict = on_evict
        self._values: dict[Key, Value] = {}
        self._places: dict[Key, tuple[Owner, int]] = {}
        self._parts: dict[Owner, _OwnerShare[Key]] = {}
        self._ranking: list[tuple[int, int, Owner]] = []  # a heap: minus what is used, a number
        self._changes = 0
        self.used = 0
        self.get: Callable[[Key], Value | None] = self._values.get

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[Key]:
        return iter(self._values)

    def __getitem__(self, key: Key) -> Value:
        """Return the value of a key, which may be None. KeyError where there is none."""
        return self._values[key]

    def replace(self, key: Key, value: Value) -> None:
        """Set the value of an entry, which stays as old and as large as it is. KeyError where there
        is none."""
        self._values[key]
        self._values[key] = value

    def used_by(self, owner: Owner) -> int:
        """Return the sizes of what an owner holds, together."""
        part = self._parts.get(owner)
        return 0 if part is None else part.used

    def put(self, owner: Owner, key: Key, value: Value, size: int = 1) -> bool:
        """Keep a value as the newest of its owner; return False where it is too large to be kept.

        A value that stood under the key before goes.
        """
        self.pop(key)
        if size > self._owner_most:
            return False
        part = self._parts.get(owner)
        if part is None:
            part = self._parts[owner] = _OwnerShare()
        self._values[key] = value
        self._places[key] = owner, size
        part.keys[key] = None
        part.used += size
        self.used += size
        self._rank(owner, part)
        while part.used > self._owner_most:
            self._evict(part)
        while self.used > self._most:
            self._evict(self._largest(owner))
        return True

    def touch(self, key: Key) -> None:
        """Make an entry the newest of its owner: it was used."""
        place = self._places.get(key)
        if place is not None:
            part = self._parts[place[0]]
            del part.keys[key]
            part.keys[key] = None

    def pop(self, key: Key) -> Value | None:
        """Forget an entry; return its value, or None where there is none."""
        place = self._places.pop(key, None)
        if place is None:
            return None
        owner, size = place
        part = self._parts[owner]
        del part.keys[key]
        part.used -= size
        self.used -= size
        if not part.keys:
            del self._parts[owner]
        return self._values.pop(key)

    def drop_owner(self, owner: Owner) -> None:
        """Forget all that an owner holds."""
        part = self._parts.get(owner)
        for key in list(part.keys) if part is not None else ():
            self.pop(key)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._places.clear()
        self._parts.clear()
        self._ranking.clear()
        self.used = 0

    def oldest_of_largest(self) -> Iterator[Key]:
        """Yield the entries of the owner with most, the oldest first; nothing must change
        meanwhile."""
        if self._parts:
            yield from self._largest(None).keys

    def _evict(self, part: _OwnerShare[Key]) -> None:
        key = next(iter(part.keys))
        value = self._values[key]
        self.pop(key)
        if self._on_evict is not None:
            self._on_evict(key, value)

    def _rank(self, owner: Owner, part: _OwnerShare[Key]) -> None:
        self._changes += 1
        heapq.heappush(self._ranking, (-part.used, self._changes, owner))
        if len(self._ranking) > 4 * len(self._parts) + _SPARE:
            self._ranking = [
                (-part.used, number, owner)
                for number, (owner, part) in enumerate(self._parts.items())
            ]
            heapq.heapify(self._ranking)

    def _largest(self, newest: Owner | None) -> _OwnerShare[Key]:
        """Return the part that makes room: of two that are as large, that of who has just come,
        if somebody has, unless it holds nothing else."""
        ranking, parts = self._ranking, self._parts
        while True:
            minus_used, number, owner = ranking[0]
            part = parts.get(owner)
            if part is None:
                heapq.heappop(ranking)
            elif part.used != -minus_used:  # it holds less by now
                heapq.heapreplace(ranking, (-part.used, number, owner))
            else:
                break
        own = part if newest is None else parts[newest]
        return own if own.used == part.used and len(own.keys) > 1 else part
