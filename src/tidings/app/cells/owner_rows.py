"""Looks at who owns the store of each cell, beside what a host does besides."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

import structlog

from tidings.app.cells.cell_settings import SchemaPlace, settings_of_cell
from tidings.app.cells.store_identity import database_of
from tidings.core.cells.families import CellId
from tidings.core.cells.owners_seen import WatchedOwner
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store.hosting.daemon_thread import run_in_daemon_thread
from tidings.store.port.cell_map import CellEntry, CellState, MapRefused

WAIT_S = 1.0  # for an answer; one that comes later counts at the next look

Owners = Mapping[CellId, WatchedOwner | None]

log = structlog.get_logger(__name__)


class OwnerRows:
    """Asks all databases that hold cells at once, so that one which is away keeps none of the
    others from being seen. To be used within one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._databases: dict[str, _DatabaseRows] = {}
        self._refused: dict[CellId, str] = {}

    async def look(self, cells: Iterable[CellEntry]) -> Owners:
        """Return the row of each cell's owner, as it is now; nothing of those whose database gives
        no answer soon, or is not named here."""
        schemas: dict[str, dict[str, CellId]] = {}
        for cell in cells:
            if cell.state is not CellState.REMOVED and self._is_named(cell):
                place = SchemaPlace.read(cell.setting)
                schemas.setdefault(place.database, {})[place.schema] = cell.cell
        for database in self._databases.keys() - schemas.keys():
            await self._databases.pop(database).close()
        found = await asyncio.gather(
            *(self._databases[database].look(schemas[database]) for database in schemas)
        )
        return {cell: row for rows in found for cell, row in rows.items()}

    async def close(self) -> None:
        """Let the connections go. Idempotent."""
        for database in self._databases.values():
            await database.close()
        self._databases.clear()

    def _is_named(self, cell: CellEntry) -> bool:
        """Return whether the settings name the database of a cell; log once where they do not."""
        place = SchemaPlace.read(cell.setting)
        if place.database in self._databases:
            return True
        try:
            own = settings_of_cell(self._settings, cell)
        except MapRefused as refused:
            if self._refused.get(cell.cell) != str(refused):
                self._refused[cell.cell] = str(refused)
                log.error("a cell is not taken here", cell=cell.cell, reason=str(refused))
            return False
        self._databases[place.database] = _DatabaseRows(own)
        return True


class _DatabaseRows:
    """The rows of one database: one question at a time, over one connection."""

    def __init__(self, settings: Settings) -> None:
        # What speaks to a database is an extra.
        from tidings.store.postgres.inspection.owner_rows import OwnerRowReader  # noqa: PLC0415

        self._reader = OwnerRowReader(database_of(settings))
        self._asked: asyncio.Task[Owners] | None = None

    async def look(self, schemas: Mapping[str, CellId]) -> Owners:
        """Return the rows, or nothing where the database gives no answer soon."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._read(schemas))
        done, _ = await asyncio.wait((self._asked,), timeout=WAIT_S)
        if not done:
            return {}
        asked, self._asked = self._asked, None
        return asked.result()

    async def close(self) -> None:
        """Let the connection go. Idempotent."""
        asked, self._asked = self._asked, None
        if asked is None:
            self._reader.close()
        else:
            asked.cancel()  # whoever reads may never have an answer, and ends with the process
            with suppress(asyncio.CancelledError):
                await asked

    async def _read(self, schemas: Mapping[str, CellId]) -> Owners:
        try:
            rows = await run_in_daemon_thread(lambda: self._reader.read(schemas))
        except (Unavailable, Unusable):
            return {}  # the workers say why, and wait
        return {schemas[schema]: row for schema, row in rows.items()}
