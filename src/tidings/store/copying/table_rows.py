"""The rows of a table, read by pages in the order of its key, with what is sealed in them open; and
the sums by which two stores are compared: of what is read from each, not of what was written."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.store.copying.plan import TablePlan
from tidings.store.copying.sides import StoreSecrets
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_columns

ROWS_MAX = 8192
PAGE_BYTES = 4 << 20  # of texts and bytes, but for a row that is longer by itself

DIGEST_BYTES = 16
_MODULUS = 1 << 8 * DIGEST_BYTES
_encode = msgspec.msgpack.Encoder().encode

Row = list[Any]


class TableRows:
    """The rows of one table of one store, as they are without its key: what two stores are compared
    by, and what is passed from one to the other."""

    def __init__(self, plan: TablePlan, connection: StoreConnection, secrets: StoreSecrets) -> None:
        self._plan = plan
        self._connection = connection
        self._secrets = secrets
        self._sealed: list[tuple[int, int, int]] = []  # the column, and where its place's parts are
        selected = list(plan.columns)
        for sealed in plan.sealed:
            at = plan.columns.index(sealed.column)
            self._sealed.append((at, len(selected), len(selected) + len(sealed.of)))
            selected += sealed.of
        self._select = f"SELECT {', '.join(selected)} FROM {plan.name}"
        self._key = [plan.columns.index(column) for column in plan.key]
        self._insert = insert_columns(plan.name, plan.columns)

    def key_of(self, row: Row) -> Row:
        """Return the key of a row."""
        return [row[place] for place in self._key]

    def count(self) -> int:
        """Count the rows."""
        [(count,)] = self._connection.execute(f"SELECT count(*) FROM {self._plan.name}").fetchall()
        return int(count)

    def open_first(self) -> None:
        """Open what is sealed in the first row: another key than its own opens nothing."""
        for sealed in self._plan.sealed:
            found = f"{self._select} WHERE {sealed.column} IS NOT NULL LIMIT 1"
            self._opened(self._connection.execute(found).fetchall())

    def pages(self, after: Sequence[Any] | None = None) -> Iterator[list[Row]]:
        """Read the rows behind the key `after`; all without one."""
        while limit := self._fitting(after):
            rows = self._read(after, limit)
            if not rows:
                return
            page = self._opened(rows)
            yield page
            if len(rows) < limit or not self._key:
                return
            after = self.key_of(page[-1])

    def insert(self, page: list[Row]) -> None:
        """Insert rows, sealed with the key of this store, in the transaction that is open."""
        if not self._sealed:
            self._connection.executemany(self._insert, page)
            return
        width = len(self._plan.columns)
        rows = [list(row) for row in page]
        for sealed, (at, begin, end) in zip(self._plan.sealed, self._sealed, strict=True):
            for row in rows:
                if row[at] is not None:
                    row[at] = self._secrets.seal(sealed, row[begin:end], row[at])
        self._connection.executemany(self._insert, [row[:width] for row in rows])

    def _fitting(self, after: Sequence[Any] | None) -> int:
        """Return how many of the next rows are a page: what they hold is known beforehand."""
        if not self._key or not self._plan.long:
            return ROWS_MAX
        lengths = " + ".join(f"coalesce(length({column}), 0)" for column in self._plan.long)
        count = held = 0
        for (length,) in self._ordered(f"SELECT {lengths} FROM {self._plan.name}", after, ROWS_MAX):
            held += length
            if count and held > PAGE_BYTES:
                break
            count += 1
        return count

    def _read(self, after: Sequence[Any] | None, limit: int) -> list[Any]:
        if not self._key:
            return self._connection.execute(self._select).fetchall()
        return self._ordered(self._select, after, limit)

    def _ordered(self, select: str, after: Sequence[Any] | None, limit: int) -> list[Any]:
        key = ", ".join(self._plan.key)
        where = ""
        if after is not None:
            places = ", ".join("?" for _ in self._plan.key)
            where = f" WHERE ({key}) > ({places})" if len(after) > 1 else f" WHERE {key} > ?"
        text = f"{select}{where} ORDER BY {key} LIMIT ?"
        return self._connection.execute(text, (*(after or ()), limit)).fetchall()

    def _opened(self, rows: list[Any]) -> list[Row]:
        if not self._sealed:
            return rows
        opened = [list(row) for row in rows]
        for sealed, (at, begin, end) in zip(self._plan.sealed, self._sealed, strict=True):
            for row in opened:
                if row[at] is not None:
                    row[at] = self._secrets.open(sealed, row[begin:end], row[at])
        return opened


class TableSum(NamedTuple):
    """The count of a table's rows, and a sum over the digests of all, in whatever order."""

    rows: int = 0
    digest: int = 0

    def with_page(self, page: list[Row]) -> "TableSum":
        """Add rows."""
        digest = self.digest
        for row in page:
            hashed = hashlib.blake2b(_encode(list(row)), digest_size=DIGEST_BYTES)
            digest += int.from_bytes(hashed.digest(), "big")
        return TableSum(self.rows + len(page), digest % _MODULUS)
