"""Credentials as rows."""

from collections.abc import Callable

from msgspec.structs import replace

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.configuration.saved_views import drop_views_of
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import FLAG, StoredTable

CREDENTIAL = StoredTable("credential", port.StoredCredential, {"platform": FLAG})
# Its last use and its creation stay: who changes a credential does not know the newest use.
_REVISED = RevisedTable(CREDENTIAL, "id", keeps=["created_ms", "used_ms"])


class CredentialRows:
    """Writes credentials; shares the writer's connection."""

    def __init__(self, connection: StoreConnection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms

    @answers(port.Store.put_credential)
    def put_credential(self, credential: port.StoredCredential) -> None:
        with self._connection:
            dated = replace(credential, created_ms=credential.created_ms or self._clock_ms())
            _REVISED.put(self._connection, dated)
            if credential.revoked_ms is not None:
                drop_views_of(self._connection, credential.id)
