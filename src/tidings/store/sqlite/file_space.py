"""The space that the database file takes, and how it is made shorter."""

import time
from typing import Any

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sqlite.connection import SqliteConnection


class FileSpaceRows:
    """Shares the writer's connection."""

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection

    @answers(port.SpaceStore.file_space)
    def file_space(self) -> port.FileSpace:
        return port.FileSpace(
            pages=self._pragma("page_count"),
            free_pages=self._pragma("freelist_count"),
            page_bytes=self._pragma("page_size"),
        )

    @answers(port.SpaceStore.give_back)
    def give_back(self, pages: int) -> port.DropReceipt:
        """See `port.SpaceStore.give_back`. The file itself gets shorter when the log is folded."""
        began = time.perf_counter()
        before = self._pragma("freelist_count")
        with self._connection.unsynced():
            self._run(f"PRAGMA incremental_vacuum({int(pages)})")
        given = before - self._pragma("freelist_count")
        return port.DropReceipt(given, given > 0, round((time.perf_counter() - began) * 1e6))

    def _pragma(self, name: str) -> int:
        [(value,)] = self._run(f"PRAGMA {name}")
        return int(value)

    def _run(self, statement: str) -> list[Any]:
        return self._connection.execute(statement).fetchall()
