"""Orgs as rows."""

from collections.abc import Callable

import apsw
from msgspec.structs import replace

from tidings.store import port
from tidings.store.sqlite.answers import answers
from tidings.store.sqlite.configuration.registry_version import RegistryVersion
from tidings.store.sqlite.row_mapping import StoredTable

ORG = StoredTable("org", port.StoredOrg)
_PUT_ORG = ORG.upsert("id", keeps=["created_ms"])


class OrgRows:
    """Writes orgs; shares the writer's connection."""

    def __init__(
        self, connection: apsw.Connection, clock_ms: Callable[[], int], version: RegistryVersion
    ) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._version = version

    @answers(port.Store.put_org)
    def put_org(self, org: port.StoredOrg) -> int:
        with self._connection:
            dated = replace(org, created_ms=org.created_ms or self._clock_ms())
            self._connection.execute(_PUT_ORG, ORG.write(dated))
            version = self._version.increase()
        self._version.announce(version)
        return version
