"""States of look-up lists in files of the data directory (`lists/`): releases before have kept them
there. A start takes them over into the store; each file goes once the store has its state."""

import asyncio
import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from tidings.core.sealed_columns import SealedPlace
from tidings.engine.actions.kept_lists import KeptLists
from tidings.engine.vault import Vault
from tidings.errors import TidingsError

FOLDER = "lists"
PIECE_BYTES = 4 << 20
_LENGTH = struct.Struct(">I")

log = structlog.get_logger(__name__)


class _FileHead(msgspec.Struct):
    digest: str
    run: str
    pieces: int


_head = msgspec.json.Decoder(_FileHead).decode


async def take_over_lists(data: Path, paths: Sequence[str], lists: KeptLists, vault: Vault) -> None:
    """Have the store keep what files of a data directory do, of the lists of these paths. Remove
    those of others, which hold customers. What the store has already is the newer one. StoreDown.
    """
    folder = data / FOLDER
    if not await asyncio.to_thread(folder.is_dir):
        return
    for path in paths:
        await _take_over(_file_of(folder, path), path, lists, vault)
    await asyncio.to_thread(_remove_others, folder, paths)


async def _take_over(file: Path, path: str, lists: KeptLists, vault: Vault) -> None:
    if await lists.digest(path) is None:
        found = await asyncio.to_thread(_read, file, vault)
        if found is None:
            return
        data, digest = found
        if not await lists.save(path, data, digest):
            return  # not all of it is there: the file stays
    with suppress(OSError):
        await asyncio.to_thread(file.unlink)


def _read(file: Path, vault: Vault) -> tuple[bytes, str] | None:
    """Read the state of a file, and its digest; None where there is none, or it does not open."""
    name = file.stem
    try:
        with file.open("rb") as opened:
            pieces = _pieces(opened)
            head = _head(_opened(vault, next(pieces, b""), name, "head", 0))
            data = b"".join(
                _opened(vault, piece, name, head.run, at)
                for at, piece in zip(range(1, head.pieces + 1), pieces, strict=True)
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TidingsError, msgspec.DecodeError) as error:
        log.warning("a kept list cannot be read", file=str(file), reason=str(error))
        return None
    return (data, head.digest) if hashlib.sha256(data).hexdigest() == head.digest else None


def _opened(vault: Vault, sealed: bytes, name: str, run: str, piece: int) -> bytes:
    return vault.open_at(sealed, SealedPlace(f"list|{name}|{run}|{piece}".encode()), "A kept list")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while head := file.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(head)
        if length > PIECE_BYTES + 1024:
            raise ValueError("a piece is larger than any that was written")
        yield file.read(length)


def _remove_others(folder: Path, paths: Iterable[str]) -> None:
    """Remove what is no list's of these, and the folder where nothing is left in it."""
    kept = {_file_of(folder, path).name for path in paths}
    with suppress(OSError):
        for file in folder.iterdir():
            if file.name not in kept:
                file.unlink()
        folder.rmdir()


def _file_of(folder: Path, path: str) -> Path:
    name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return folder / f"{name}.sealed"
