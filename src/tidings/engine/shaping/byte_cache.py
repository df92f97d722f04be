"""What was used last, within a bound of bytes. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Final, Generic, Literal, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Missing(Enum):
    """Nothing is known of a key; None may be a known value."""

    MISSING = 0


MISSING: Final = Missing.MISSING
ENTRY_BYTES = 400  # of the cache itself, for each entry: measured


class _RecentUse(dict[Key, Value]):
    """What was used lately: found without any code of ours, and anything else by a function."""

    def __init__(self, other: Callable[[Key], Value | Literal[Missing.MISSING]]) -> None:
        self._other = other

    def __missing__(self, key: Key) -> Value | Literal[Missing.MISSING]:
        return self._other(key)


class ByteCache(Generic[Key, Value]):
    """Least recently used goes first. The caller says how many bytes a value takes.

    It is asked several times for each event, nearly always for what was used a moment ago. So a use
    moves an entry to the end of the queue once, and again only when as many came as are a quarter
    of all: of what was used in between, the first use counts.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lately: _RecentUse[Key, Value] = _RecentUse(self._use)
        self._came = 0  # since uses count anew
        self.bytes = 0
        # The value, which is now among the last used; MISSING where there is none.
        self.get: Callable[[Key], Value | Literal[Missing.MISSING]] = self._lately.__getitem__

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Key, value: Value, bytes: int) -> None:
        """Keep a value; what was used least recently makes room. Too large a one is not kept."""
        self.pop(key)
        bytes += ENTRY_BYTES
        if bytes > self._bytes_max:
            return
        self._entries[key] = (value, bytes)
        self.bytes += bytes
        while self.bytes > self._bytes_max:
            self.pop(next(iter(self._entries)))
        self._came += 1
        if self._came * 4 >= len(self._entries):
            self._lately.clear()
            self._came = 0

    def pop(self, key: Key) -> None:
        """Forget a key."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry[1]
            self._lately.pop(key, None)

    def _use(self, key: Key) -> Value | Literal[Missing.MISSING]:
        entry = self._entries.get(key)
        if entry is None:
            return MISSING
        self._entries.move_to_end(key)
        self._lately[key] = entry[0]
        return entry[0]
