"""What an org's own data asks of the embedded store: reference data, event types, templates."""

import asyncio
from collections.abc import Sequence

from tidings.store import port
from tidings.store.sqlite.hosting.child import Lines, decoder

_NUMBER = decoder(int)
_REFERENCE_ROWS = decoder(list[port.ReferenceRow])
_REFERENCE_WRITE = decoder(port.ReferenceWrite)
_TYPES = decoder(list[port.StoredType])
_TYPE = decoder(tuple[port.StoredType, int])
_TRANSFORMATION = decoder(port.StoredTransformation)
_TRANSFORMATIONS = decoder(list[port.StoredTransformation])


class OwnDataCalls(Lines):
    """A part of `SqliteStore`."""

    def put_reference(
        self, org: int, kind: int, rows: Sequence[port.ReferenceRow]
    ) -> asyncio.Future[port.ReferenceWrite]:
        """See `port.Store`."""
        return self._writing.call(_REFERENCE_WRITE, "put_reference", org, kind, rows)

    def delete_reference(
        self, org: int, kind: int, ids: Sequence[str]
    ) -> asyncio.Future[port.ReferenceWrite]:
        """See `port.Store`."""
        return self._writing.call(_REFERENCE_WRITE, "delete_reference", org, kind, ids)

    def reference(
        self, org: int, kind: int, ids: Sequence[str]
    ) -> asyncio.Future[Sequence[port.ReferenceRow]]:
        """See `port.Store`."""
        return self._reading.call(_REFERENCE_ROWS, "reference", org, kind, ids)

    def list_reference(
        self, org: int, kind: int, after: str, limit: int
    ) -> asyncio.Future[Sequence[port.ReferenceRow]]:
        """See `port.Store`."""
        return self._reading.call(_REFERENCE_ROWS, "list_reference", org, kind, after, limit)

    def count_reference(self, org: int, kind: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "count_reference", org, kind)

    def load_transformations(self) -> asyncio.Future[Sequence[port.StoredTransformation]]:
        """See `port.Store`."""
        return self._writing.call(_TRANSFORMATIONS, "load_transformations")

    def put_transformation(
        self, transformation: port.StoredTransformation
    ) -> asyncio.Future[port.StoredTransformation]:
        """See `port.Store`."""
        return self._writing.call(_TRANSFORMATION, "put_transformation", transformation)

    def transformation_versions(
        self, org: int, name: str, limit: int
    ) -> asyncio.Future[Sequence[port.StoredTransformation]]:
        """See `port.Store`."""
        return self._writing.call(_TRANSFORMATIONS, "transformation_versions", org, name, limit)

    def load_types(self) -> asyncio.Future[Sequence[port.StoredType]]:
        """See `port.Store`."""
        return self._writing.call(_TYPES, "load_types")

    def put_type(self, kind: port.StoredType) -> asyncio.Future[tuple[port.StoredType, int]]:
        """See `port.Store`."""
        return self._writing.call(_TYPE, "put_type", kind)

    def delete_type(self, org: int, name: str) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "delete_type", org, name)
