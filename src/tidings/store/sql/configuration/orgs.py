"""Orgs as rows."""

from collections.abc import Callable

from msgspec.structs import replace

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sql.configuration.registry_version import RegistryVersion
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.configuration.versioned_rows import VersionedRows
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

ORG = StoredTable("org", port.StoredOrg)
_REVISED = RevisedTable(ORG, "id", keeps=["created_ms"])


class OrgRows(VersionedRows):
    """Writes orgs."""

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        version: RegistryVersion,
        families: FamilyRows,
    ) -> None:
        super().__init__(connection, clock_ms, version)
        self._families = families

    @answers(port.Store.put_org)
    def put_org(self, org: port.StoredOrg) -> int:
        dated = replace(org, created_ms=org.created_ms or self._clock_ms())
        try:
            with self._connection:
                _REVISED.put(self._connection, dated)
                if org.parent is None:
                    self._families.begin(org.id)
                version = self._version.increase()
        except BaseException:
            self._families.forget()
            raise
        self._version.announce(version)
        return version
