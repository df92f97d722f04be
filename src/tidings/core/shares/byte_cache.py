"""What was used last, within a bound of bytes. Pure."""

from collections.abc import Callable, Hashable
from enum import Enum
from typing import Final, Generic, Literal, TypeVar

from tidings.core.shares.table import SharedTable

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class CacheMiss(Enum):
    """Nothing is known of a key; None may be a known value."""

    MISSING = 0


MISSING: Final = CacheMiss.MISSING
ENTRY_BYTES = 400  # of the cache itself, for each entry: measured


class _RecentUse(dict[Key, Value]):
    """The values that were used lately: found without any code of ours, and anything else by a
    function."""

    def __init__(self, other: Callable[[Key], Value | Literal[CacheMiss.MISSING]]) -> None:
        self._other = other

    def __missing__(self, key: Key) -> Value | Literal[CacheMiss.MISSING]:
        return self._other(key)


class ByteCache(Generic[Key, Value]):
    """Least recently used goes first, of the owner that takes most (`SharedTable`): one org's
    values never push out those of an org that takes an equal part or less. The caller says how
    many bytes a value takes.

    It is asked several times for each event, nearly always for what was used a moment ago. So a use
    moves an entry to the end of the queue once, and again only when as many came as are a quarter
    of all: of what was used in between, the first use counts.
    """

    def __init__(
        self, bytes_max: int, owner_of: Callable[[Key], Hashable] = lambda key: None
    ) -> None:
        """`owner_of` a key: the org whose value it is; without it all are of one."""
        self._owner_of = owner_of
        self._lately: _RecentUse[Key, Value] = _RecentUse(self._use)
        self._entries: SharedTable[Hashable, Key, Value] = SharedTable(
            bytes_max, on_evict=lambda key, _: self._lately.pop(key, None)
        )
        self._arrived = 0  # since uses count anew
        # The value, which is now among the last used; MISSING where there is none.
        self.get: Callable[[Key], Value | Literal[CacheMiss.MISSING]] = self._lately.__getitem__

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Return how many bytes all values take."""
        return self._entries.used

    def put(self, key: Key, value: Value, bytes: int) -> None:
        """Keep a value; what was used least recently makes room. Too large a one is not kept."""
        self._lately.pop(key, None)
        if not self._entries.put(self._owner_of(key), key, value, bytes + ENTRY_BYTES):
            return
        self._arrived += 1
        if self._arrived * 4 >= len(self._entries):
            self._lately.clear()
            self._arrived = 0

    def pop(self, key: Key) -> None:
        """Forget a key."""
        self._entries.pop(key)
        self._lately.pop(key, None)

    def _use(self, key: Key) -> Value | Literal[CacheMiss.MISSING]:
        if key not in self._entries:
            return MISSING
        self._entries.touch(key)
        value = self._lately[key] = self._entries[key]
        return value
