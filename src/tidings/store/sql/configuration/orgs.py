"""Orgs as rows."""

from msgspec.structs import replace

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.configuration.versioned_rows import VersionedRows
from tidings.store.sql.row_mapping import StoredTable

ORG = StoredTable("org", port.StoredOrg)
_REVISED = RevisedTable(ORG, "id", keeps=["created_ms"])


class OrgRows(VersionedRows):
    """Writes orgs."""

    @answers(port.Store.put_org)
    def put_org(self, org: port.StoredOrg) -> int:
        with self._connection:
            dated = replace(org, created_ms=org.created_ms or self._clock_ms())
            _REVISED.put(self._connection, dated)
            version = self._version.increase()
        self._version.announce(version)
        return version
