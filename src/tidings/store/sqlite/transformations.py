"""Stored transformations, on the writer's connection."""

from collections.abc import Callable

import apsw
import msgspec

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sqlite.answers import answers

_COLUMNS = "SELECT org, name, version, template, created_by, created_ms FROM transformation t"


class TransformationRows:
    """The transformations of the embedded store. A few rows, written rarely."""

    def __init__(self, connection: apsw.Connection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms

    @answers(port.Store.load_transformations)
    def load_transformations(self) -> list[port.StoredTransformation]:
        return [
            port.StoredTransformation(*row)
            for row in self._connection.execute(
                f"{_COLUMNS} WHERE version = (SELECT max(version) FROM transformation n"
                " WHERE n.org = t.org AND n.name = t.name) ORDER BY org, name"
            )
        ]

    @answers(port.Store.put_transformation)
    def put_transformation(
        self, transformation: port.StoredTransformation
    ) -> port.StoredTransformation:
        kept = msgspec.structs.replace(transformation, created_ms=self._clock_ms())
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO transformation VALUES (?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(kept),
            )
        return kept

    @answers(port.Store.transformation_versions)
    def transformation_versions(
        self, org: OrgId, name: str, limit: int
    ) -> list[port.StoredTransformation]:
        return [
            port.StoredTransformation(*row)
            for row in self._connection.execute(
                f"{_COLUMNS} WHERE org = ? AND name = ? ORDER BY version DESC LIMIT ?",
                (org, name, limit),
            )
        ]
