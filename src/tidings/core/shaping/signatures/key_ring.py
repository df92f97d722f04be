"""The keys of one scheme, newest first: in force, rotated with an overlap, pruned afterwards."""

from collections.abc import Sequence

import msgspec

KEYS_MAX = 4  # in force at once: each of them signs every message


class KeyRing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keys with their ends. Fields are only ever added, with a default. Not printable: it holds
    private keys."""

    keys: tuple[bytes, ...]
    ends: tuple[int, ...] = ()  # of each key but the newest: until when it signs

    def __repr__(self) -> str:
        """Show it without the keys."""
        return f"KeyRing({len(self.keys)})"

    def living(self, now_ms: int) -> Sequence[tuple[bytes, int | None]]:
        """List the keys that sign at this time, each with its end; None for the newest."""
        former = zip(self.keys[1:], self.ends, strict=False)
        newest: list[tuple[bytes, int | None]] = [(key, None) for key in self.keys[:1]]
        return newest + [(key, end) for key, end in former if end > now_ms]

    def in_force(self, now_ms: int) -> tuple[bytes, ...]:
        """List the keys that sign at this time."""
        return tuple(key for key, _ in self.living(now_ms))

    def rotated(self, fresh: bytes, overlap_ms: int, now_ms: int) -> "KeyRing":
        """Return the ring with a new key. Those in force go on for `overlap_ms`, none longer than
        it was given."""
        until = now_ms + overlap_ms
        kept = [
            (key, until if end is None else min(end, until)) for key, end in self.living(now_ms)
        ]
        if overlap_ms == 0:
            kept = []
        return KeyRing((fresh, *(key for key, _ in kept)), tuple(end for _, end in kept))

    def pruned(self, now_ms: int) -> "KeyRing":
        """Return the ring without the keys whose time is over."""
        ends = tuple(end for end in self.ends if end > now_ms)
        return KeyRing(self.in_force(now_ms), ends)
