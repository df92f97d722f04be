"""What a process that owns a cell has to do with the files and settings that are in force.

One that differs takes no cell (`core/cells/file_digests.py`); one that serves goes on with what it
has read at its start, and says in the map what that is.
"""

import structlog

from tidings.app.cells.cell_settings import door_address
from tidings.app.cells.files.file_rows import (
    IN_FORCE,
    judge,
    read_digests,
    refusal_of,
    row_name,
    row_of,
)
from tidings.app.cells.files.own_digests import digests_of
from tidings.app.cells.installation import Installation
from tidings.app.operator_files.operator_file import FileRefused
from tidings.engine.vault import SealedSecret
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import PlatformKind

log = structlog.get_logger(__name__)


class FilesInForce:
    """Admits a process by its files. To be used within one event loop."""

    def __init__(
        self, installation: Installation, settings: Settings, master: SealedSecret
    ) -> None:
        """`settings`: of the installation. The files are read here, once."""
        self._installation = installation
        self._settings = settings
        self.own = digests_of(settings, master)
        self._puts = False

    async def admit(self) -> None:
        """Refuse a start with other files than those in force. Raise FileRefused. While the map is
        away it is not known, and the cell is served."""
        reader = self._installation.reader
        if not await reader.look():
            log.warning("it is not known which files are in force", reason=reader.problem)
            return
        judgement = judge(self.own, reader.view, door_address(self._settings))
        self._puts = judgement.puts
        if judgement.differing:
            raise FileRefused(
                refusal_of(self._settings, judgement.differing, self.own, reader.view)
            )

    async def follow(self) -> None:
        """Have the map say with what this process runs; the first time also that it is in force, if
        that was decided at the start. MapDown, MapRefused."""
        view = self._installation.reader.view
        rows = []
        wanted = [row_name(self._installation.cell)] + [IN_FORCE] * self._puts
        for name in wanted:
            known = view.platform_row(PlatformKind.FILE, name)
            if read_digests(known) != dict(self.own):
                rows.append(row_of(name, self.own, known))
        if rows and not await self._installation.store.put_platform(rows):
            await self._installation.reader.look()  # somebody was faster: once more, next time
            return
        self._puts = False
