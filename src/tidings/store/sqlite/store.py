"""The embedded store as the engine sees it: the store port over the files of a data directory."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tidings.store import port
from tidings.store.hosting.child import Child
from tidings.store.hosting.client import HostedStore, forwarding, started
from tidings.store.hosting.reader import StoreReader
from tidings.store.sqlite.directory_lock import DirectoryLock, must_be_writable
from tidings.store.sqlite.halves import WritingHalf


def command(role: str, directory: Path) -> Sequence[str]:
    """Build the command that starts a half over a data directory."""
    return sys.executable, "-m", "tidings.store.sqlite.process", role, str(directory)


@forwarding(port.SpaceStore, _writing=WritingHalf)
class SqliteStore(HostedStore, port.SpaceStore):
    """`port.Store` on a data directory that this process owns."""

    def __init__(self, lock: DirectoryLock, writing: Child, reading: StoreReader) -> None:
        super().__init__(writing, reading)
        self._lock = lock

    @classmethod
    async def open(cls, directory: Path, died: Callable[[], None]) -> "SqliteStore":
        """Take the directory and start both processes. StoreRefused says why it cannot be.

        StoreDown, or OSError of `DISK_ERRNOS`: the disk takes nothing now, ask again.
        """
        lock = await asyncio.to_thread(DirectoryLock, directory)
        inherits = (lock.descriptor,)
        reader = StoreReader(partial(started, "read", command("read", directory), inherits))
        children: list[Child] = []
        try:
            for role, heard in (("write", died), ("read", reader.died)):
                children.append(await Child.start(role, command(role, directory), heard, inherits))
            for child in children:  # in this order: the first makes what the second reads
                await child.opened()
            lock.lock_database()  # of a first start
        except BaseException as error:
            for child in children:
                await child.close()
            lock.release()
            if isinstance(error, port.StoreDown):
                must_be_writable(directory)
            raise
        writing, reading = children
        reader.take(reading)
        return cls(lock, writing, reader)

    def _let_go(self) -> None:
        self._lock.release()
