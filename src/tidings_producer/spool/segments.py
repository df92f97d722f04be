"""The files of a spool that hold its events: numbered, each written to its end, then read and
removed."""

from __future__ import annotations

import os
from pathlib import Path

from tidings_producer.spool.files import MODE, keep_damaged, sync_folder, write
from tidings_producer.spool.records import scan, torn

SUFFIX = ".events"


class Segments:
    """All of them; the newest one is open. Every method may raise OSError. Not to be used by two
    threads at once, except `sync`."""

    def __init__(self, folder: Path, first: int) -> None:
        """`first` is the least number of a new file. What stands behind the last whole record is
        what a writer had begun when it was killed."""
        self._folder = folder
        self.sizes = {
            int(path.stem): path.stat().st_size
            for path in sorted(folder.glob("*" + SUFFIX))
            if path.stem.isdigit()
        }
        if not self.sizes:
            self._file = self._new(first)
            return
        self._file = os.open(self.path(self.newest), os.O_RDWR | os.O_APPEND)
        data = self.path(self.newest).read_bytes()
        ends = [piece.end for piece in scan(data) if piece.body is not None]
        end = ends[-1] if ends else 0
        if end < len(data):
            if not torn(data[end:]):
                keep_damaged(folder, f"{self.newest}-{end}", data[end:])
            os.ftruncate(self._file, end)
            self.sizes[self.newest] = end
        os.fsync(self._file)  # who wrote it may have been killed before that

    @property
    def oldest(self) -> int:
        return min(self.sizes)

    @property
    def newest(self) -> int:
        return max(self.sizes)

    @property
    def total(self) -> int:
        """Bytes that they take on the disk."""
        return sum(self.sizes.values())

    def path(self, number: int) -> Path:
        """Return the path of a segment's file by its number."""
        return self._folder / f"{number:020d}{SUFFIX}"

    def append(self, data: bytes) -> None:
        """Append all of the data to the newest segment, or nothing."""
        size = self.sizes[self.newest]
        try:
            write(self._file, data)
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self.sizes[self.newest] = size + len(data)

    def cut(self, size: int) -> None:
        """Take back what stands behind `size` in the newest."""
        os.ftruncate(self._file, size)
        self.sizes[self.newest] = size

    def begin(self) -> None:
        """Begin a new one; the former is on the disk."""
        os.fsync(self._file)
        file = self._new(self.newest + 1)
        os.close(self._file)
        self._file = file

    def sync(self) -> None:
        """Write the newest segment to stable storage."""
        os.fsync(self._file)

    def read(self, number: int, offset: int, size: int) -> bytes:
        """Read at most `size` bytes of a segment, from `offset`."""
        file = os.open(self.path(number), os.O_RDONLY)
        try:
            return os.pread(file, size, offset)
        finally:
            os.close(file)

    def remove_before(self, number: int) -> None:
        """Remove those with lower numbers."""
        for old in [size for size in self.sizes if size < number]:
            self.path(old).unlink()
            del self.sizes[old]

    def close(self) -> None:
        """Let go of the file. Its number may soon be that of another one."""
        os.close(self._file)
        self._file = -1

    def _new(self, number: int) -> int:
        """An empty file; one of this number is of a `begin` that had failed."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        file = os.open(self.path(number), flags, MODE)
        try:
            sync_folder(self._folder)
        except OSError:
            os.close(file)
            raise
        self.sizes[number] = 0
        return file
