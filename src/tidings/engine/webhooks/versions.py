"""The versions of webhooks: stored and sealed, then matched by, then told to whoever listens."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidings.core.audit.audit_actions import (
    WEBHOOK_CHANGED,
    WEBHOOK_CREATED,
    WEBHOOK_DELETED,
    AuditAction,
)
from tidings.core.audit.entries import Hidden
from tidings.core.connections.connection import Connections
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.webhooks.recorded_fields import recorded_settings
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.listeners import Listeners
from tidings.engine.vault import Vault
from tidings.engine.webhooks.book import WebhookBook
from tidings.engine.webhooks.idempotency_keys import IdempotencyKeys
from tidings.engine.webhooks.records import (
    Config,
    IdempotencyKey,
    WebhookState,
    configs,
    name_taken,
    webhook_of,
)
from tidings.engine.webhooks.secret_ends import SecretEnds
from tidings.errors import Conflict
from tidings.store import port
from tidings.store.port import NameTaken, StoredWebhook


class Versions:
    """Keeps each version of a webhook in the store, in the book and in the registry."""

    def __init__(
        self,
        *,
        store: port.Store,
        audit: AuditLog,
        book: WebhookBook,
        registry: Registry,
        changes: Changes,
        vault: Vault,
        clock: Clock,
        changed: Listeners[Webhook],
        connections: Connections,
    ) -> None:
        """`changed` hears of each new version, once it is stored and matched by."""
        self._store = store
        self._audit = audit
        self._book = book
        self._registry = registry
        self._changes = changes
        self._vault = vault
        self._clock = clock
        self._changed = changed
        self._default_connection = connections.default.name if connections.default else ""
        self._ends = SecretEnds(clock, self)
        self._idempotency_keys = IdempotencyKeys(clock, book.at)

    def load(self, snapshot: port.Snapshot) -> None:
        """Fill the book and the registry at start. VaultRefused where the key does not fit."""
        for stored in snapshot.webhooks:
            self._keep(stored, self._open(stored))
        self._changes.seen(snapshot.registry_version)

    def reload(self, snapshot: port.Snapshot) -> Sequence[Webhook]:
        """Take over what was written without an answer, as if it had been answered. Returns it."""
        fresh = []
        for stored in snapshot.webhooks:
            known = self._book.by_number(stored.number)
            if known is None or known.webhook.version < stored.version:
                record = self._keep(stored, self._open(stored))
                self._changed.tell(record.webhook)
                fresh.append(record.webhook)
        self._changes.seen(snapshot.registry_version)
        return fresh

    async def at(self, number: int, version: int) -> tuple[StoredWebhook, Config] | None:
        """Read a version of a webhook as it was, with its secrets; None where it is not there."""
        stored = await self._store.webhook_version(number, version)
        return None if stored is None else (stored, self._open(stored))

    def webhook(self, stored: StoredWebhook, config: Config, at_ms: int) -> Webhook:
        """Build a version as the engine knows it, with the secrets that are in force at a time."""
        return webhook_of(stored, config, at_ms, self._default_connection)

    async def put(
        self, fresh: StoredWebhook, config: Config, action: AuditAction | None = None
    ) -> WebhookState:
        """Store with its entry of the audit log, match by it, tell its lane. Runs inside
        `Changes.run`. `action`: what is done, where it is more than a change."""
        plain = msgspec.json.encode(config)
        sealed = self._vault.seal(plain, fresh.org, fresh.id, fresh.version)
        old = self._book.by_number(fresh.number)
        before = None if old is None else _recorded(old.webhook, old.config)
        if action is None:
            action = _action(fresh)
        try:
            with self._audit.recording(
                action, fresh.org, fresh.id, before, _recorded(fresh, config)
            ):
                stored, version = await self._store.put_webhook(
                    msgspec.structs.replace(fresh, config=sealed)
                )
        except NameTaken:
            raise Conflict(name_taken(fresh.name)) from None
        record = self._keep(stored, config)
        self._changes.seen(version)
        self._changed.tell(record.webhook)
        return record

    def would_be(self, fresh: StoredWebhook, config: Config) -> WebhookState:
        """Return what `put` would make, and keep nothing. Conflict as there."""
        if fresh.number == 0 and self._book.is_taken(fresh.org, fresh.name):
            raise Conflict(name_taken(fresh.name))
        now_ms = self._clock.now_ms()
        stored = msgspec.structs.replace(
            fresh, created_ms=fresh.created_ms or now_ms, updated_ms=now_ms
        )
        return self._record(stored, config)

    async def made_by(self, org: OrgId, call: IdempotencyKey) -> WebhookState | None:
        """Find the webhook that an earlier call with the same key has made, as it was answered;
        None where there is none."""
        record = self._idempotency_keys.find(org, call)
        if record is None or record.webhook.version == 1:
            return record
        stored = await self._store.webhook_version(record.webhook.number, 1)
        return None if stored is None else self._record(stored, self._open(stored))

    def look_at_ends(self) -> None:
        """Drop the old secrets whose overlap has ended; an alarm of its own does it in time."""
        self._ends.ring()

    def overdue_ends_s(self) -> float:
        """Tell for how long an end has come without being told, in seconds."""
        return self._ends.overdue_s()

    def close(self) -> None:
        """Watch the ends of secrets no more."""
        self._ends.close()

    def _open(self, stored: StoredWebhook) -> Config:
        plain = self._vault.open(stored.config, stored.org, stored.id, stored.version)
        return configs.decode(plain)

    def _record(self, stored: StoredWebhook, config: Config) -> WebhookState:
        webhook = self.webhook(stored, config, self._clock.now_ms())
        return WebhookState(webhook, config, stored.created_ms, updated_ms=stored.updated_ms)

    def end_overlap(self, number: int) -> None:
        """End an overlap: sign by what is still in force, without a new version."""
        record = self._book.at(number)
        now_ms = self._clock.now_ms()
        webhook, config = record.webhook, record.config
        secrets, pairs = config.in_force(now_ms), config.pairs_in_force(now_ms)
        if (secrets, pairs) == (webhook.secrets, webhook.key_pairs):
            return
        if webhook.status is WebhookStatus.DELETED:
            return
        webhook = msgspec.structs.replace(webhook, secrets=secrets, key_pairs=pairs)
        self._book.enter(msgspec.structs.replace(record, webhook=webhook))
        self._registry.put(webhook)
        self._changed.tell(webhook)

    def _keep(self, stored: StoredWebhook, config: Config) -> WebhookState:
        record = self._record(stored, config)
        webhook = record.webhook
        self._book.enter(record)
        if webhook.status is WebhookStatus.DELETED:
            self._registry.remove(webhook.number)
        else:
            self._registry.put(webhook)
            for end in config.key_ends:
                self._ends.note(webhook.number, end)
        self._idempotency_keys.note(record)
        return record


def _action(fresh: StoredWebhook) -> AuditAction:
    if fresh.number == 0:
        return WEBHOOK_CREATED
    is_deleted = fresh.status == WebhookStatus.DELETED.value
    return WEBHOOK_DELETED if is_deleted else WEBHOOK_CHANGED


def _recorded(version: Webhook | StoredWebhook, config: Config) -> dict[str, Any]:
    """Return what the audit log keeps of a version."""
    rings = config.rings
    return recorded_settings(config.settings) | {
        "status": WebhookStatus(version.status).value,
        "version": version.version,
        "disabledReason": config.reason,
        "signingKeys": {
            name or "shared": Hidden(ring.keys[0]) for name, ring in rings.items() if ring.keys
        },
    }
