"""What the rows of all configuration share: the connection, the clock, the registry version."""

from collections.abc import Callable

from tidings.store.sql.configuration.registry_version import RegistryVersion
from tidings.store.sql.connection import StoreConnection


class VersionedRows:
    """Rows that matching depends on: each change raises the registry version with it."""

    def __init__(
        self, connection: StoreConnection, clock_ms: Callable[[], int], version: RegistryVersion
    ) -> None:
        """`connection` is the writer's."""
        self._connection = connection
        self._clock_ms = clock_ms
        self._version = version
