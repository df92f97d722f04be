"""Tidings with several cells as the benchmark sees it: made by the command, served by one host."""

import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import psutil

from bench.layout import Hook
from bench.ledger import Book, Ids, OwnBooks
from bench.product import READY_SECONDS_MAX, STORE_FILE, Product

_ORGS = "SELECT id FROM org"
_MARK = "SELECT coalesce(max(seq), 0) FROM event"
CELL_OPTION = "--cell"
CELLS_PATH = "/v1/cells"
ANSWERS_ALIKE = 12  # in a row: of whichever process takes a connection


class CellsProduct(Product):
    """One installation of several cells, each a directory of SQLite."""

    name = "cells"
    cells = 2

    def set_up(self, hooks: Sequence[Hook]) -> None:
        """See `Product`: on as many cells, which are made before the organisations."""
        self.wait_ready()
        self.process.stop()
        for _ in range(1, self.cells):
            done = subprocess.run(
                [*self._command, "cells", "create", "--another", "--data", str(self.data)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"tidings cells create ended: {done.stderr}")
        self.start()
        self.wait_ready()
        self.wait_owned()
        super().set_up(hooks)
        self._marks: list[dict[Path, int]] = []

    def wait_owned(self) -> None:
        """Wait until every cell has an owner, as each process knows that answers."""
        deadline, alike = time.monotonic() + READY_SECONDS_MAX, 0
        while alike < ANSWERS_ALIKE:
            status, answer = self.call("GET", CELLS_PATH)
            cells = json.loads(answer)["cells"] if status == 200 else []
            alike = alike + 1 if cells and all(cell["address"] for cell in cells) else 0
            if time.monotonic() > deadline:
                raise RuntimeError(f"GET {CELLS_PATH} was answered {status}: {answer[:500]!r}")

    def stores(self) -> dict[int, Path]:
        """Return the data directory of each cell."""
        return {1: self.data} | {
            cell: self.data / "cells" / str(cell) for cell in range(2, self.cells + 1)
        }

    def orgs_by_cell(self) -> dict[int, list[int]]:
        """Return the organisations with events, by the cell that they are in."""
        return {
            cell: sorted(int(org) for (org,) in _rows(store, _ORGS) if org in self.webhooks_of)
            for cell, store in self.stores().items()
        }

    def org_count(self, cell: int) -> int:
        """Count the organisations of a cell."""
        return len(_rows(self.stores()[cell], _ORGS))

    def workers(self) -> dict[int, int]:
        """Return the process of each cell that runs now."""
        found = {}
        for child in psutil.Process(self.pid).children():
            words = child.cmdline()
            if CELL_OPTION in words:
                post = words[words.index(CELL_OPTION) + 1]
                cell = next(number for number in self.stores() if f'"cell":{number},' in post)
                found[cell] = child.pid
        return found

    @property
    def pid(self) -> int:
        """The host."""
        return self.process.pid

    def own_orgs(self) -> dict[int, list[int]]:
        """Return the organisations of each process, for calls that make no hop."""
        workers = self.workers()
        found = {workers[cell]: orgs for cell, orgs in self.orgs_by_cell().items()}
        if not all(found.values()):
            raise RuntimeError(f"every cell must have organisations with events; got {found}")
        return found

    def unfinished(self) -> int:
        """See `Product`."""
        return sum(self._of_all("SELECT count(*) FROM delivery WHERE state IN (0, 2)"))

    def mark(self) -> int:
        """See `Product`."""
        marks = {store: int(_rows(store, _MARK)[0][0]) for store in self.stores().values()}
        self._marks.append(marks)
        return len(self._marks) - 1

    def books(self, mark: int) -> OwnBooks:
        """See `Product`."""
        parts = [self._books_of(store, seq) for store, seq in self._marks[mark].items()]
        return OwnBooks(
            _joined([part.delivered for part in parts]),
            _joined([part.pending for part in parts]),
            _joined([part.failed for part in parts]),
        )

    def _books_of(self, store: Path, mark: int) -> OwnBooks:
        self._asked = store
        return super().books(mark)

    def _rows(self, query: str, bindings: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        return _rows(self._asked, query, bindings)

    def _of_all(self, query: str) -> list[int]:
        return [int(_rows(store, query)[0][0]) for store in self.stores().values()]


def _rows(store: Path, query: str, bindings: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
    file = apsw.Connection(str(store / STORE_FILE), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return file.execute(query, bindings).fetchall()
    finally:
        file.close()


def _joined(parts: Sequence[Book]) -> dict[int, Ids]:
    found: dict[int, set[bytes]] = defaultdict(set)
    for part in parts:
        for hook, ids in part.items():
            found[hook] |= ids
    return dict(found)
