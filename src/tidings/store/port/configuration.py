"""All configuration at once, for a new owner and for whoever reads it again."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.store.port.access import StoredCredential
from tidings.store.port.orgs import StoredOrg
from tidings.store.port.webhooks import Disabling, StoredWebhook


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """All configuration, as of one registry version."""

    registry_version: int
    orgs: Sequence[StoredOrg] = ()
    credentials: Sequence[StoredCredential] = ()
    webhooks: Sequence[StoredWebhook] = ()
    disablings: Sequence[Disabling] = ()


class KeptKey(msgspec.Struct, frozen=True, array_like=True):
    """A key for one purpose, of the store that this one was copied from; sealed."""

    purpose: str
    sealed: bytes


class ConfigurationStore(Protocol):
    """Reads the configuration; what is written is asked of its subjects."""

    def load(self) -> Awaitable[Snapshot]:
        """Load all configuration."""

    def installation(self) -> Awaitable[str]:
        """Return the id of this installation: made at its first start, and the same ever after."""

    def key_check(self) -> Awaitable[int | None]:
        """Return the number by which the master key is known; None where none was kept yet."""

    def put_key_check(self, value: int) -> Awaitable[None]:
        """Keep the number by which the master key is known. One that is there stays."""

    def kept_keys(self) -> Awaitable[Sequence[KeptKey]]:
        """Load the keys that are not derived from the master key: none but in a copy of a store
        that had another one."""
