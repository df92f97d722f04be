"""The states of look-up lists that are in force, in pieces that are opaque to the store.

A state is written piece by piece, and takes the place of the earlier one in one moment. Whatever is
left of one that was never put in force, or is not any more, is dropped by slices.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec


class KeptList(msgspec.Struct, frozen=True, array_like=True):
    """The state in force of one list."""

    name: str  # of the list
    run: str  # of this state: pieces of two states do not mix
    pieces: int
    sealed: bytes  # by what the state is known


class ListPiece(msgspec.Struct, frozen=True, array_like=True):
    """One of the pieces of a state, which are numbered from 1."""

    list: str
    run: str
    piece: int
    sealed: bytes


class KeptListStore(Protocol):
    """The store of lists. What is put is on the disk when it is answered."""

    def kept_list(self, name: str) -> Awaitable[KeptList | None]:
        """Return the state in force of a list; None where there is none."""

    def list_piece(self, list: str, run: str, piece: int) -> Awaitable[bytes | None]:
        """Read a piece of a state; None where it is not there."""

    def put_list_piece(self, piece: ListPiece) -> Awaitable[None]:
        """Keep a piece of a state that is not in force yet."""

    def put_kept_list(self, kept: KeptList) -> Awaitable[bool]:
        """Put a state in force, in the place of the earlier one. False, and the earlier one stays:
        not all of its pieces are there."""

    def forget_lists(self, but: Sequence[str]) -> Awaitable[None]:
        """Forget the states of all lists but those of these names."""

    def drop_list_pieces(self, most: int) -> Awaitable[bool]:
        """Drop pieces of no state that is in force, so many at most; return whether there may be
        more."""
