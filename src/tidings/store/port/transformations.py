"""The store's part of transformations: templates that make a webhook's payload."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec


class StoredTransformation(msgspec.Struct, frozen=True, array_like=True):
    """One version. Without a template it says that the transformation was deleted."""

    org: int
    name: str
    version: int
    template: str | None
    created_by: str
    created_ms: int = 0


class TransformationStore(Protocol):
    """What is kept of transformations. Matching does not depend on them."""

    def load_transformations(self) -> Awaitable[Sequence[StoredTransformation]]:
        """The newest version of each, by org and name; of the deleted ones too."""
        ...

    def put_transformation(
        self, transformation: StoredTransformation
    ) -> Awaitable[StoredTransformation]:
        """Keep a further version; returns it with its time. The same version again replaces it."""
        ...

    def transformation_versions(
        self, org: int, name: str, limit: int
    ) -> Awaitable[Sequence[StoredTransformation]]:
        """The newest versions of one, newest first."""
        ...
