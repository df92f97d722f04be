"""The store's part of event types that orgs declare themselves."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class StoredType(msgspec.Struct, frozen=True, array_like=True):
    """One version of an org's own event type. `declaration` is opaque to the store."""

    org: OrgId
    name: str
    version: int
    declaration: bytes
    created_ms: int = 0
    updated_ms: int = 0
    revision: int = 1  # of this version


class TypeStore(Protocol):
    """The store of own event types. Changes raise the registry version."""

    def load_types(self) -> Awaitable[Sequence[StoredType]]:
        """Load all own event types of all orgs, every version, by org, name and version."""

    def put_type(self, kind: StoredType) -> Awaitable[tuple[StoredType, int]]:
        """Insert one version, or replace the revision before; returns it with its times, and the
        registry version. Raise StaleChange."""

    def delete_type(self, org: OrgId, name: str) -> Awaitable[int]:
        """Forget every version; returns the registry version. Nothing where there is none."""
