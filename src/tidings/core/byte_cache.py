"""What was used last, within a bound of bytes. Pure."""

from collections import OrderedDict
from collections.abc import Hashable
from enum import Enum
from typing import Final, Generic, Literal, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Missing(Enum):
    """Nothing is known of a key; None may be a known value."""

    MISSING = 0


MISSING: Final = Missing.MISSING
ENTRY_BYTES = 200  # of the cache itself, for each entry


class ByteCache(Generic[Key, Value]):
    """Least recently used goes first. The caller says how many bytes a value takes."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | Literal[Missing.MISSING]:
        """The value, which is now the last used; MISSING where there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return MISSING
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Key, value: Value, bytes: int) -> None:
        """Keep a value; what was used least recently makes room. Too large a one is not kept."""
        self.pop(key)
        bytes += ENTRY_BYTES
        if bytes > self._bytes_max:
            return
        self._entries[key] = (value, bytes)
        self.bytes += bytes
        while self.bytes > self._bytes_max:
            _, (_, freed) = self._entries.popitem(last=False)
            self.bytes -= freed

    def pop(self, key: Key) -> None:
        """Forget a key."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry[1]
