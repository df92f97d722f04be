"""Reference data as rows: written on the writer's connection, read on the reader's."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable, insert_into, tuple_maker


class ReferenceInsert(NamedTuple):
    """A row of `reference`."""

    org: OrgId
    kind: int
    id: str
    value: bytes


class ReferenceCountRow(NamedTuple):
    """A row of `reference_count`."""

    org: OrgId
    kind: int
    records: int


_KNOWN = (
    "SELECT count(*) FROM reference WHERE org = ? AND kind = ?"
    " AND id IN (SELECT value FROM json_each(?))"
)
_PUT = (
    f"{insert_into('reference', ReferenceInsert)}"
    " ON CONFLICT (org, kind, id) DO UPDATE SET value = excluded.value"
)
_bind = tuple_maker(ReferenceInsert)
_DELETE = (
    "DELETE FROM reference WHERE org = ? AND kind = ? AND id IN (SELECT value FROM json_each(?))"
)
_COUNT = (
    f"{insert_into('reference_count', ReferenceCountRow)}"
    " ON CONFLICT (org, kind) DO UPDATE SET records = reference_count.records + excluded.records"
)
_ROW = StoredTable("reference", port.ReferenceRow)
GET = f"{_ROW.select} WHERE org = ? AND kind = ? AND id IN (SELECT value FROM json_each(?))"
LIST = f"{_ROW.select} WHERE org = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?"
_json = msgspec.json.Encoder()


def _texts(ids: Sequence[str]) -> str:
    return _json.encode(ids).decode()


class ReferenceWriter:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.put_reference)
    def put(self, org: OrgId, kind: int, rows: Sequence[port.ReferenceRow]) -> port.ReferenceWrite:
        began = time.perf_counter_ns()
        run = self._connection.execute
        with self._connection:
            [(known,)] = run(_KNOWN, (org, kind, _texts([row.id for row in rows])))
            self._connection.executemany(
                _PUT, sorted(_bind(org=org, kind=kind, id=row.id, value=row.value) for row in rows)
            )
            if fresh := len(rows) - known:
                run(_COUNT, ReferenceCountRow(org=org, kind=kind, records=fresh))
        return port.ReferenceWrite(fresh, (time.perf_counter_ns() - began) // 1000)

    @answers(port.Store.delete_reference)
    def delete(self, org: OrgId, kind: int, ids: Sequence[str]) -> port.ReferenceWrite:
        began = time.perf_counter_ns()
        run = self._connection.execute
        with self._connection:
            run(_DELETE, (org, kind, _texts(ids)))
            if gone := self._connection.changes():
                run(_COUNT, ReferenceCountRow(org=org, kind=kind, records=-gone))
        return port.ReferenceWrite(gone, (time.perf_counter_ns() - began) // 1000)


class ReferenceReader:
    """Shares the reader's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.reference)
    def get(self, org: OrgId, kind: int, ids: Sequence[str]) -> list[port.ReferenceRow]:
        return [_ROW.read(row) for row in self._connection.execute(GET, (org, kind, _texts(ids)))]

    @answers(port.Store.list_reference)
    def list(self, org: OrgId, kind: int, after: str, limit: int) -> list[port.ReferenceRow]:
        return [_ROW.read(row) for row in self._connection.execute(LIST, (org, kind, after, limit))]

    @answers(port.Store.count_reference)
    def count(self, org: OrgId, kind: int) -> int:
        row = self._connection.execute(
            "SELECT records FROM reference_count WHERE org = ? AND kind = ?", (org, kind)
        ).fetchone()
        return 0 if row is None else int(row[0])
