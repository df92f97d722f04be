"""A disk under SQLite that remembers what was written and synced, and that can be made to refuse.

Power loss: a write is certain to be on the disk once its file has been synced. Before that it is
there or not, whole or torn, in any order. `Disk.after` builds what may be found after a cut.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

NAME = "tidings-tests"


class Op(NamedTuple):
    """Something that happened to a file: write (at, data), truncate (at), sync or delete."""

    kind: str
    file: str
    at: int = 0
    data: bytes = b""


class Disk(apsw.VFS):
    """The operating system's files, recorded, or made to refuse.

    It is the default while it is registered, so that every connection of the test goes through it.
    An operation and its record are one: several threads may use the disk.
    """

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name, "unix", makedefault=True)
        self.name = name
        self.lock = threading.RLock()
        self.ops: list[Op] = []
        self.recording = True
        self._refuse: type[Exception] | None = None
        self._countdown = 0
        self._kinds: tuple[str, ...] = ()
        self.refused = 0

    def xOpen(self, name: Any, flags: list[int]) -> "DiskFile":
        """See apsw.VFS."""
        return DiskFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """See apsw.VFS."""
        with self.lock:
            self.note(Op("delete", Path(filename).name))
            super().xDelete(filename, syncdir)

    def note(self, op: Op) -> None:
        """Remember an operation, or refuse it."""
        if self._refuse is not None and op.kind in self._kinds:
            self._countdown -= 1
            if self._countdown < 0:
                self.refused += 1
                raise self._refuse("refused by the test")
        if self.recording:
            self.ops.append(op)

    @contextmanager
    def refusing(self, fault: type[Exception], after: int, *kinds: str) -> Iterator[None]:
        """Let `after` operations of these kinds pass, then refuse every further one."""
        self._refuse, self._countdown, self._kinds, self.refused = fault, after, kinds, 0
        try:
            yield
        finally:
            self._refuse = None


class DiskFile(apsw.VFSFile):
    """A file of a `Disk`."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name

    def xWrite(self, data: Any, offset: int) -> None:
        """See apsw.VFSFile."""
        with self._disk.lock:
            self._disk.note(Op("write", self._name, offset, bytes(data)))
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        """See apsw.VFSFile."""
        with self._disk.lock:
            self._disk.note(Op("truncate", self._name, newsize))
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        """See apsw.VFSFile."""
        with self._disk.lock:
            self._disk.note(Op("sync", self._name))
            super().xSync(flags)


class PowerCut:
    """Walks through what was recorded and tells what is on the disk after a cut at each point."""

    def __init__(self) -> None:
        self._certain: dict[str, bytearray] = {}
        self._unsynced: dict[str, list[Op]] = {}
        self.changes = 0
        """How often what is certain to be found has changed."""

    def pass_by(self, op: Op) -> None:
        """The operation happened before the cut."""
        self.changes += op.kind in ("sync", "delete")
        if op.kind == "sync":
            _apply(self._certain.setdefault(op.file, bytearray()), self._unsynced.pop(op.file, []))
        elif op.kind == "delete":
            self._certain.pop(op.file, None)
            self._unsynced.pop(op.file, None)
        else:
            self._unsynced.setdefault(op.file, []).append(op)

    def leave(self, directory: Path, rng: random.Random | None = None) -> None:
        """Write the files as they are found: synced writes only, or some of the others too."""
        directory.mkdir(exist_ok=True)
        for old in directory.iterdir():
            old.unlink()
        for file in sorted({*self._certain, *(self._unsynced if rng else ())}):
            content = bytearray(self._certain.get(file, b""))
            if rng is not None:
                _apply(content, [_torn(op, rng) for op in self._unsynced.get(file, ())])
            (directory / file).write_bytes(content)


def _torn(op: Op, rng: random.Random) -> Op:
    """The operation as a cut may leave it: whole, not at all, or a write's first half."""
    fate = rng.randrange(3)
    if fate == 0 or op.kind != "write":
        return op if fate else Op("none", op.file)
    return op if fate == 1 else op._replace(data=op.data[: len(op.data) // 2])


def _apply(content: bytearray, ops: list[Op]) -> None:
    for op in ops:
        if op.kind == "truncate":
            del content[op.at :]
        elif op.kind == "write":
            content.extend(bytes(max(0, op.at - len(content))))
            content[op.at : op.at + len(op.data)] = op.data
