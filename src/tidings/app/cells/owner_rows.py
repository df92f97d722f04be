"""Looks at who owns the store of each cell, beside what a host does besides."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

from tidings.app.cells.store_identity import database_of
from tidings.core.cells.families import CellId
from tidings.core.cells.owners_seen import WatchedOwner
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store.hosting.daemon_thread import run_in_daemon_thread
from tidings.store.port.cell_map import CellEntry, CellState

WAIT_S = 1.0  # for an answer; one that comes later counts at the next look

Owners = Mapping[CellId, WatchedOwner | None]


class OwnerRows:
    """One question at a time, over one connection. To be used within one event loop."""

    def __init__(self, settings: Settings) -> None:
        # What speaks to a database is an extra.
        from tidings.store.postgres.inspection.owner_rows import OwnerRowReader  # noqa: PLC0415

        self._reader = OwnerRowReader(database_of(settings))
        self._asked: asyncio.Task[Owners] | None = None

    async def look(self, cells: Iterable[CellEntry]) -> Owners:
        """Return the row of each cell's owner, as it is now; nothing where the database gives no
        answer soon."""
        if self._asked is None:
            schemas = {
                cell.setting: cell.cell for cell in cells if cell.state is not CellState.REMOVED
            }
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
