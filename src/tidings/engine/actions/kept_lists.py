"""The states of look-up lists that are in force, kept sealed in the store: neither a restart nor a
machine that takes over may take a new state of a file only because it does not know the former one.

A state is kept in pieces, each sealed by itself and for its place among them, and short enough that
no commit waits for one. One list is written at a time, so whatever is of no state that is in force
is left of a write that was ended half-way, and may be dropped.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from tidings.core.sealed_columns import KEPT_LIST, LIST_PIECE, SealedPlace
from tidings.engine.callables import RandomBytes
from tidings.engine.vault import Vault, VaultRefused
from tidings.errors import Unusable
from tidings.store import port

PIECE_BYTES = 512 << 10
DROPPED_AT_A_TIME = 4  # pieces: 2 MiB

log = structlog.get_logger(__name__)


class ListSpoilt(Unusable):
    """Tells how what is kept of a list is not whole."""


class KeptLists:
    """The lists of a service; each is known by the path of its file."""

    def __init__(
        self,
        store: port.KeptListStore,
        vault: Vault,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._store = store
        self._vault = vault
        self._random_bytes = random_bytes
        self._turn = asyncio.Lock()

    def of(self, path: str) -> "StoredList":
        """Return the list of a file."""
        return StoredList(self, path)

    async def forget_others(self, paths: Iterable[str]) -> None:
        """Forget the states of all lists but those of these files: they hold customers. Drop what
        was left of writing others. StoreDown."""
        async with self._turn:
            await self._store.forget_lists([_name_of(path) for path in paths])
            await self._drop_loose()

    async def digest(self, path: str) -> str | None:
        """See `KeptState.digest`. StoreDown."""
        kept = await self._store.kept_list(_name_of(path))
        try:
            return None if kept is None else self._digest_of(kept)
        except VaultRefused as error:
            log.warning("a kept list cannot be read", file=Path(path).name, reason=str(error))
            return None

    async def load(self, path: str) -> bytes | None:
        """See `KeptState.load`. StoreDown."""
        async with self._turn:
            kept = await self._store.kept_list(_name_of(path))
            try:
                return None if kept is None else await self._load(kept)
            except (ListSpoilt, VaultRefused) as error:
                log.warning("a kept list cannot be read", file=Path(path).name, reason=str(error))
                return None

    async def save(self, path: str, data: bytes, digest: str) -> bool:
        """See `KeptState.save`. StoreDown: the earlier state is still the one that is kept."""
        name = _name_of(path)
        async with self._turn:
            if await self.digest(path) == digest:
                return True
            await self._drop_loose()  # of a write that the store has refused half-way
            run = self._random_bytes(8).hex()
            parts = range(0, len(data), PIECE_BYTES)
            for number, begin in enumerate(parts, start=1):
                plain = data[begin : begin + PIECE_BYTES]
                place = LIST_PIECE.at(name, run, number)
                sealed = await asyncio.to_thread(self._vault.seal_at, plain, place)
                piece = port.ListPiece(name, run, piece=number, sealed=sealed)
                await self._store.put_list_piece(piece)
            place = KEPT_LIST.at(name, run, len(parts))
            known_by = self._vault.seal_at(digest.encode(), place)
            kept = port.KeptList(name, run, pieces=len(parts), sealed=known_by)
            if not await self._store.put_kept_list(kept):
                return False
            await self._drop_loose()
        return True

    # -- inside -----------------------------------------------------------------------------------

    async def _drop_loose(self) -> None:
        while await self._store.drop_list_pieces(DROPPED_AT_A_TIME):
            pass

    async def _load(self, kept: port.KeptList) -> bytes:
        """Read a state. Raise ListSpoilt or VaultRefused where it is not what was kept."""
        digest = self._digest_of(kept)
        pieces: list[bytes] = []
        for number in range(1, kept.pieces + 1):
            sealed = await self._store.list_piece(kept.name, kept.run, number)
            if sealed is None:
                raise ListSpoilt(f"piece {number} of {kept.pieces} is missing")
            place = LIST_PIECE.at(kept.name, kept.run, number)
            pieces.append(await asyncio.to_thread(self._open, sealed, place))
        return await asyncio.to_thread(_join, pieces, digest)

    def _digest_of(self, kept: port.KeptList) -> str:
        place = KEPT_LIST.at(kept.name, kept.run, kept.pieces)
        return self._open(kept.sealed, place).decode()

    def _open(self, sealed: bytes, place: SealedPlace) -> bytes:
        return self._vault.open_at(sealed, place, "A kept list")


class StoredList:
    """The state in force of the list of one file. See `KeptState`."""

    def __init__(self, lists: KeptLists, path: str) -> None:
        self._lists = lists
        self._path = path

    async def digest(self) -> str | None:
        """Read by what the state is known. StoreDown."""
        return await self._lists.digest(self._path)

    async def load(self) -> bytes | None:
        """Read the state. StoreDown."""
        return await self._lists.load(self._path)

    async def save(self, data: bytes, digest: str) -> bool:
        """Keep another state. StoreDown."""
        return await self._lists.save(self._path, data, digest)


def _join(pieces: Sequence[bytes], digest: str) -> bytes:
    """Put the pieces of a state together. Raise ListSpoilt where they are another one."""
    data = b"".join(pieces)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ListSpoilt("it is another one than was kept")
    return data


def _name_of(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
