"""The states of lists that are in force, kept sealed beside the store: a restart must not take a
new state of a file only because it does not know the former one.

A state is kept in pieces, each sealed by itself and for its place among them; the first has the
digest of the whole and how many there are. It takes the place of the earlier one in one moment.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import structlog

from tidings.core.sealed_columns import SealedPlace
from tidings.errors import TidingsError

PIECE_BYTES = 4 << 20
FOLDER = "lists"
_LENGTH = struct.Struct(">I")

log = structlog.get_logger(__name__)


class Sealer(Protocol):
    """Seals and opens bytes for a place."""

    def seal_at(self, plain: bytes, place: SealedPlace) -> bytes:
        """Seal for a place, which must be named to open it."""

    def open_at(self, sealed: bytes, place: SealedPlace, what: str) -> bytes:
        """Open what was sealed for a place. Raises TidingsError where it does not open."""


class _ListHead(msgspec.Struct):
    digest: str
    run: str  # of this state: pieces of two states do not mix
    pieces: int


_head = msgspec.json.Decoder(_ListHead).decode


class KeptList:
    """The state in force of one list. Its methods block: they are called in threads."""

    def __init__(self, folder: Path, path: str, sealer: Sealer) -> None:
        """`path`: of the list's file, by which it is known."""
        name = _name_of(path)
        self._file = folder / f"{name}.sealed"
        self._name = name
        self._sealer = sealer

    def digest(self) -> str | None:
        """Read the digest of the state; None where none is kept, or it does not open."""
        try:
            with self._file.open("rb") as file:
                return self._read_head(file).digest
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TidingsError, msgspec.DecodeError) as error:
            log.warning("a kept list cannot be read", file=self._file.name, reason=str(error))
            return None

    def load(self) -> bytes | None:
        """Read the state; None where none is kept, or it does not open."""
        try:
            with self._file.open("rb") as file:
                head = self._read_head(file)
                data = b"".join(
                    self._sealer.open_at(piece, self._place(head.run, at), "A kept list")
                    for at, piece in zip(range(1, head.pieces + 1), _pieces(file), strict=True)
                )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TidingsError, msgspec.DecodeError) as error:
            log.warning("a kept list cannot be read", file=self._file.name, reason=str(error))
            return None
        return data if hashlib.sha256(data).hexdigest() == head.digest else None

    def save(self, data: bytes, digest: str) -> None:
        """Keep another state. What the disk refuses is told by the log: the state is in force all
        the same, until the service is started again."""
        fresh = self._file.with_suffix(f".{os.getpid()}.new")
        run = os.urandom(8).hex()
        parts = range(0, len(data), PIECE_BYTES)
        head = msgspec.json.encode(_ListHead(digest, run, len(parts)))
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                _write(file, self._sealer.seal_at(head, self._place("head", 0)))
                for at, begin in enumerate(parts, start=1):
                    piece = data[begin : begin + PIECE_BYTES]
                    _write(file, self._sealer.seal_at(piece, self._place(run, at)))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            log.warning("a list cannot be kept", file=self._file.name, reason=str(error))
            with suppress(OSError):
                fresh.unlink()

    def _read_head(self, file: BinaryIO) -> _ListHead:
        sealed = next(_pieces(file), b"")
        return _head(self._sealer.open_at(sealed, self._place("head", 0), "A kept list"))

    def _place(self, run: str, piece: int) -> SealedPlace:
        return SealedPlace(f"list|{self._name}|{run}|{piece}".encode())


def drop_others(folder: Path, paths: Iterable[str]) -> None:
    """Forget the states of all lists but those of some files: they hold customers."""
    names = {f"{_name_of(path)}.sealed" for path in paths}
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name not in names:
                path.unlink()


def _name_of(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _write(file: BinaryIO, sealed: bytes) -> None:
    file.write(_LENGTH.pack(len(sealed)))
    file.write(sealed)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while head := file.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(head)
        if length > PIECE_BYTES + 1024:
            raise ValueError("a piece is larger than any that is written")
        yield file.read(length)
