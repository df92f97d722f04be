"""Event types that orgs declare themselves, on the writer's connection."""

from collections.abc import Callable

import apsw

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sqlite.answers import answers


class TypeRows:
    """The own event types of the embedded store. A few rows, written rarely."""

    def __init__(
        self,
        connection: apsw.Connection,
        clock_ms: Callable[[], int],
        raised: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._raised = raised

    @answers(port.Store.load_types)
    def load_types(self) -> list[port.StoredType]:
        return [
            port.StoredType(*row)
            for row in self._connection.execute(
                "SELECT org, name, version, declaration, created_ms, updated_ms FROM event_type"
                " ORDER BY org, name, version"
            )
        ]

    @answers(port.Store.put_type)
    def put_type(self, kind: port.StoredType) -> tuple[port.StoredType, int]:
        now = self._clock_ms()
        with self._connection:
            [(created,)] = self._connection.execute(
                "INSERT INTO event_type VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (org, name, version) DO UPDATE SET"
                " declaration = excluded.declaration, updated_ms = excluded.updated_ms"
                " RETURNING created_ms",
                (kind.org, kind.name, kind.version, kind.declaration, now, now),
            )
            version = self._raise_version()
        self._raised(version)
        stored = port.StoredType(kind.org, kind.name, kind.version, kind.declaration, created, now)
        return stored, version

    @answers(port.Store.delete_type)
    def delete_type(self, org: OrgId, name: str) -> int:
        with self._connection:
            self._connection.execute(
                "DELETE FROM event_type WHERE org = ? AND name = ?", (org, name)
            )
            version = self._raise_version()
        self._raised(version)
        return version

    def _raise_version(self) -> int:
        [(version,)] = self._connection.execute(
            "UPDATE meta SET value = value + 1 WHERE key = 'registry_version' RETURNING value"
        )
        return int(version)
