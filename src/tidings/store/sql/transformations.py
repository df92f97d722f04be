"""Stored transformations, on the writer's connection."""

from collections.abc import Callable

import msgspec

from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

_TRANSFORMATION = StoredTable("transformation", port.StoredTransformation)
_SELECT = f"{_TRANSFORMATION.select} t"
_ORG, _NAME, _VERSION = (
    f"?{_TRANSFORMATION.place(field) + 1}" for field in ("org", "name", "version")
)
_IS_NEXT = (
    f"{_VERSION} = (SELECT coalesce(max(version), 0) + 1 FROM transformation"
    f" WHERE org = {_ORG} AND name = {_NAME})"
)
_PUT = f"{_TRANSFORMATION.insert_where(_IS_NEXT)} ON CONFLICT DO NOTHING"


class TransformationRows:
    """The transformations of the embedded store. A few rows, written rarely."""

    def __init__(self, connection: StoreConnection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms

    @answers(port.Store.load_transformations)
    def load_transformations(self) -> list[port.StoredTransformation]:
        return [
            _TRANSFORMATION.read(row)
            for row in self._connection.execute(
                f"{_SELECT} WHERE version = (SELECT max(version) FROM transformation n"
                " WHERE n.org = t.org AND n.name = t.name) ORDER BY org, name"
            )
        ]

    @answers(port.Store.put_transformation)
    def put_transformation(
        self, transformation: port.StoredTransformation
    ) -> port.StoredTransformation:
        kept = msgspec.structs.replace(transformation, created_ms=self._clock_ms())
        with self._connection:
            self._connection.execute(_PUT, _TRANSFORMATION.write(kept))
            if not self._connection.changes():
                raise port.StaleChange(
                    f"version {kept.version} of a transformation is not the next one"
                )
        return kept

    @answers(port.Store.transformation_versions)
    def transformation_versions(
        self, org: OrgId, name: str, limit: int
    ) -> list[port.StoredTransformation]:
        return [
            _TRANSFORMATION.read(row)
            for row in self._connection.execute(
                f"{_SELECT} WHERE org = ? AND name = ? ORDER BY version DESC LIMIT ?",
                (org, name, limit),
            )
        ]
