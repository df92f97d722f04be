"""What messages are made of: what the platform knows, and the templates that orgs write.

Reference data are what the platform knows of stores, tills and customers, by org, kind and id:
`kind` is a number of `core.shaping.reference_rules.Kind`; `value` is sealed by the service and
opaque to the store. Transformations are templates that make a webhook's payload; matching does not
depend on them.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class ReferenceRow(msgspec.Struct, frozen=True, array_like=True):
    """One record."""

    id: str
    value: bytes


class ReferenceWrite(msgspec.Struct, frozen=True, array_like=True):
    """The result of a write."""

    changed: int  # rows that are there now and were not, or the other way round
    took_us: int  # how long the writer was busy with it: background work keeps its slices short

    @property
    def is_change(self) -> bool:
        """Return whether there are more rows than before, or fewer."""
        return self.changed > 0


class ReferenceStore(Protocol):
    """The store of reference data."""

    def put_reference(
        self, org: OrgId, kind: int, rows: Sequence[ReferenceRow]
    ) -> Awaitable[ReferenceWrite]:
        """Insert or replace in one transaction. Each id stands at most once among `rows`."""

    def delete_reference(
        self, org: OrgId, kind: int, ids: Sequence[str]
    ) -> Awaitable[ReferenceWrite]:
        """Delete those that are there, in one transaction."""

    def reference(
        self, org: OrgId, kind: int, ids: Sequence[str]
    ) -> Awaitable[Sequence[ReferenceRow]]:
        """Return the rows of the ids that are there, in any order; every write answered before is
        seen."""

    def list_reference(
        self, org: OrgId, kind: int, after: str, limit: int
    ) -> Awaitable[Sequence[ReferenceRow]]:
        """Return up to `limit` records with a greater id than `after`, in the order of their ids'
        bytes."""

    def count_reference(self, org: OrgId, kind: int) -> Awaitable[int]:
        """Count the rows; does not cost more where there are many."""


class StoredTransformation(msgspec.Struct, frozen=True, array_like=True):
    """One version. Without a template it says that the transformation was deleted."""

    org: OrgId
    name: str
    version: int
    template: str | None
    created_by: str
    created_ms: int = 0


class TransformationStore(Protocol):
    """The store of transformations. Matching does not depend on them."""

    def load_transformations(self) -> Awaitable[Sequence[StoredTransformation]]:
        """Load the newest version of each transformation, by org and name; of the deleted ones
        too."""

    def put_transformation(
        self, transformation: StoredTransformation
    ) -> Awaitable[StoredTransformation]:
        """Keep the version behind the newest one; returns it with its time. Raise StaleChange for
        every other."""

    def transformation_versions(
        self, org: OrgId, name: str, limit: int
    ) -> Awaitable[Sequence[StoredTransformation]]:
        """Return the newest versions of one transformation, newest first."""
