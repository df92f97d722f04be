"""Event types that orgs declare, as rows."""

from msgspec.structs import replace

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.configuration.versioned_rows import VersionedRows
from tidings.store.sql.row_mapping import StoredTable

_TYPE = StoredTable("event_type", port.StoredType)
_REVISED = RevisedTable(_TYPE, "org", "name", "version", keeps=["created_ms"])


class EventTypeRows(VersionedRows):
    """Reads and writes the types of orgs."""

    @answers(port.Store.load_types)
    def load_types(self) -> list[port.StoredType]:
        rows = self._connection.execute(f"{_TYPE.select} ORDER BY org, name, version")
        return [_TYPE.read(row) for row in rows]

    @answers(port.Store.put_type)
    def put_type(self, kind: port.StoredType) -> tuple[port.StoredType, int]:
        now = self._clock_ms()
        with self._connection:
            dated = replace(kind, created_ms=now, updated_ms=now)
            stored = _REVISED.put(self._connection, dated)
            version = self._version.increase()
        self._version.announce(version)
        return stored, version

    @answers(port.Store.delete_type)
    def delete_type(self, org: OrgId, name: str) -> int:
        with self._connection:
            self._connection.execute(
                "DELETE FROM event_type WHERE org = ? AND name = ?", (org, name)
            )
            version = self._version.increase()
        self._version.announce(version)
        return version
