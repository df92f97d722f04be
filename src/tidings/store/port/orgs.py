"""Orgs as the store keeps them."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class StoredOrg(msgspec.Struct, frozen=True, array_like=True):
    """A tenant. `settings` is opaque to the store."""

    id: OrgId
    name: str
    parent: OrgId | None = None
    time_zone: str = "UTC"
    settings: bytes = b"{}"
    created_ms: int = 0
    revision: int = 1


class OrgStore(Protocol):
    """The store of orgs. `Snapshot` tells a new owner all of it."""

    def put_org(self, org: StoredOrg) -> Awaitable[int]:
        """Insert an org, or replace the revision before; returns the new registry version. Raise
        StaleChange."""
