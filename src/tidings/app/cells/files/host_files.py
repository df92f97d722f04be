"""Whether a host may start processes for cells with the files that lie on its machine.

Its workers look once more, by what they have read themselves; the host looks first, so that a cell
is not taken and given up again and again. One whose stores are directories has all processes of the
installation: what they start with is in force.
"""

import asyncio
import os
from pathlib import Path

import structlog

from tidings.app.cells.cell_settings import door_address
from tidings.app.cells.files.file_rows import judge, refusal_of
from tidings.app.cells.files.own_digests import digests_of, files_of
from tidings.app.cells.map_view import MapView
from tidings.app.keys.master_key import find_key
from tidings.core.cells.file_digests import Digests
from tidings.engine.vault import SealedSecret, VaultRefused
from tidings.settings.settings import Settings

log = structlog.get_logger(__name__)


class HostFiles:
    """Looks at the files of a machine. To be used within one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.refusal = ""  # why no process is started now
        self._settings = settings
        self._is_asked = settings.database is not None
        self._master: SealedSecret | None = None
        self._seen: dict[Path, tuple[int, int]] | None = None
        self._own: Digests = {}

    async def may_start(self, view: MapView) -> bool:
        """Return whether a process may be started for a cell, by the map as it was read. Said once
        in the log where it may not."""
        if not self._is_asked:
            return True
        if self._master is None and not await self._find_key():
            return True  # each process says itself why it does not start
        await asyncio.to_thread(self._read)
        judgement = judge(self._own, view, door_address(self._settings))
        refusal = ""
        if judgement.differing:
            refusal = refusal_of(self._settings, judgement.differing, self._own, view)
        if refusal != self.refusal:
            self.refusal = refusal
            if refusal:
                log.error("no cell is taken here", reason=refusal)
            else:
                log.info("the files here are those in force")
        return not refusal

    async def _find_key(self) -> bool:
        try:
            self._master = await asyncio.to_thread(find_key, self._settings)
        except VaultRefused:
            self._master = None
        if self._master is None:
            self._is_asked = False
        return self._master is not None

    def _read(self) -> None:
        """Read the files again where one of them has changed."""
        if self._seen is not None and _seen(list(self._seen)) == self._seen:
            return
        assert self._master is not None, "there is no key"
        self._seen = _seen([*files_of(self._settings)])
        self._own = digests_of(self._settings, self._master)


def _seen(paths: list[Path]) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in paths:
        try:
            status = os.stat(path)
            found[path] = status.st_mtime_ns, status.st_size
        except OSError:
            found[path] = 0, -1
    return found
