"""What the rows of all configuration share: the connection, the clock, the registry version."""

from collections.abc import Callable

import apsw

from tidings.store.sql.configuration.registry_version import RegistryVersion


class VersionedRows:
    """Rows that matching depends on: each change raises the registry version with it."""

    def __init__(
        self, connection: apsw.Connection, clock_ms: Callable[[], int], version: RegistryVersion
    ) -> None:
        """`connection` is the writer's."""
        self._connection = connection
        self._clock_ms = clock_ms
        self._version = version
