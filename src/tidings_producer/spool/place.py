"""How far the service has accepted what is in a spool: a segment's number, and an offset in it.

Two slots are written in turn, each with a number and a checksum, so that one that was torn leaves
the other. It is not synced: a place that is too early brings events again, which are known.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from tidings_producer.spool.files import MODE

NAME = "place"
_SLOT = struct.Struct(">QQQII")


class SpoolPosition(NamedTuple):
    """Everything before it is accepted."""

    segment: int
    offset: int
    checksum: int = 0
    """Of all before it in the segment: where that was changed, the offset means nothing."""


class PlaceFile:
    """The file of the place."""

    def __init__(self, folder: Path) -> None:
        """OSError."""
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, MODE)
        self._number = 0

    def read(self) -> SpoolPosition | None:
        """Return the newest place that is whole; None if there is none."""
        data = os.pread(self._file, 2 * _SLOT.size, 0)
        found = None
        for at in (0, _SLOT.size):
            slot = data[at : at + _SLOT.size]
            if len(slot) < _SLOT.size:
                continue
            number, *place, checksum = _SLOT.unpack(slot)
            if zlib.crc32(slot[:-4]) == checksum and number > self._number:
                self._number, found = number, SpoolPosition(*place)
        return found

    def write(self, place: SpoolPosition) -> None:
        """Write a place. On OSError the previous one remains."""
        number = self._number + 1
        slot = _SLOT.pack(number, *place, 0)[:-4]
        slot += zlib.crc32(slot).to_bytes(4, "big")
        os.pwrite(self._file, slot, number % 2 * _SLOT.size)
        self._number = number

    def sync(self) -> None:
        """Write the place to stable storage."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file. Its number may soon be that of another one."""
        os.close(self._file)
        self._file = -1
