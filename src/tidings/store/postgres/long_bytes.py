"""A long value of bytes, read by pieces."""

from collections.abc import Callable
from functools import lru_cache
from types import TracebackType

PIECE_BYTES = 32 * 1024
PIECES_MAX = 64  # kept: 2 MiB


class PiecewiseBytes:
    """Asks for pieces, and keeps those that were read last."""

    def __init__(self, read_piece: Callable[[int, int], bytes]) -> None:
        """`read_piece` returns so many bytes from a place on, fewer at the end."""
        self._piece = lru_cache(PIECES_MAX)(
            lambda number: read_piece(number * PIECE_BYTES, PIECE_BYTES)
        )
        self._at = 0

    def __enter__(self) -> "PiecewiseBytes":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._piece.cache_clear()

    def seek(self, offset: int) -> None:
        """Go to so many bytes from the beginning."""
        self._at = offset

    def read(self, length: int) -> bytes:
        """Return the next bytes, and stand behind them."""
        start, end = self._at, self._at + length
        first, last = start // PIECE_BYTES, max(start, end - 1) // PIECE_BYTES
        if first == last:
            offset = start - first * PIECE_BYTES
            found = self._piece(first)[offset : offset + length]
        else:
            pieces = b"".join(self._piece(number) for number in range(first, last + 1))
            offset = start - first * PIECE_BYTES
            found = pieces[offset : offset + length]
        self._at = start + len(found)
        return found
