"""Webhooks as the store keeps them: their versions, and disablings that are not done yet."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId, WebhookId
from tidings.errors import TidingsError


class NameTaken(TidingsError):
    """Another webhook of the org has this name."""


class StoredWebhook(msgspec.Struct, frozen=True, array_like=True):
    """One version of a webhook; `config` is sealed by the service and opaque to the store."""

    number: int  # 0 asks the store for a new one
    id: WebhookId
    consumer_group: str
    org: OrgId
    version: int
    name: str
    status: str
    config: bytes
    created_ms: int = 0
    updated_ms: int = 0


class Disabling(msgspec.Struct, frozen=True, array_like=True):
    """A webhook that an outcome disables; once it is disabled: one whose owner is to be told.

    It is written in the transaction of the outcome, and again in that of a version that is
    disabled, so that no kill between them forgets either.
    """

    webhook: int
    version: int  # that the attempt was made by; or that is disabled
    reason: str = ""
    parked: int = 0  # deliveries that were parked since that version


class WebhookStore(Protocol):
    """The store of webhooks. `Snapshot` tells a new owner all of it."""

    def put_webhook(self, webhook: StoredWebhook) -> Awaitable[tuple[StoredWebhook, int]]:
        """Store a new webhook (number 0), or the version behind its newest one; returns it with
        its number, and the registry version.

        Raise NameTaken, StaleChange. Of a disabled version it is kept that its owner is to be
        told, until `drop_disabling`. What is unfinished of a webhook that was deleted or disabled
        is ended by `retire`, not here.
        """

    def webhook_version(self, webhook: int, version: int) -> "Awaitable[StoredWebhook | None]":
        """Return a version of a webhook, by its number, as it was stored; None where there is
        none."""

    def drop_disabling(self, webhook: int, version: int) -> Awaitable[None]:
        """Forget a disabling that is done, or not wanted any more, as of that version of the
        webhook."""
