"""The webhooks of all orgs: made, replaced, disabled, deleted; in the store and in the registry.

Every change is a new version. It is in the store first, then in the registry, then its lane is
told, and only then is the caller answered: an event that is accepted later is matched against it.
A deleted webhook leaves the registry and stays in the list.
"""

from collections.abc import Callable, Collection
from typing import Any, Protocol

import msgspec

from tidings.core.actions.action import Actions
from tidings.core.audit.audit_actions import WEBHOOK_ROTATED
from tidings.core.connections.connection import Connections
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.attribution import StoredAttribution
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shaping.signatures.secrets import SECRET_BYTES
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import RandomBytes
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.listeners import Listeners
from tidings.engine.vault import Vault
from tidings.engine.webhooks.bodies import WebhookBodyParser
from tidings.engine.webhooks.book import WebhookBook
from tidings.engine.webhooks.disabler import DisableOwnerListener, Disabler
from tidings.engine.webhooks.faults import (
    KeyReused,
    UnknownWebhook,
    WebhookMoved,
    action_in_file,
    action_left_file,
)
from tidings.engine.webhooks.records import (
    Author,
    Config,
    IdempotencyKey,
    Verb,
    WebhookState,
    after,
    first_version,
    idempotency_key,
    name_taken,
    next_version,
    pruned,
    refuse_verb,
    replaced,
    replaced_status,
    rotated,
    same,
    with_ids,
)
from tidings.engine.webhooks.retirement import Retirement
from tidings.engine.webhooks.versions import Versions
from tidings.errors import Conflict, FieldRefusal
from tidings.store import port
from tidings.store.port import StoredWebhook

__all__ = [
    "KeyReused",
    "UnknownWebhook",
    "WebhookMoved",
    "Webhooks",
]

Made = tuple[WebhookState, bytes, tuple[FieldRefusal, ...]]


class DeclaredOfOrgs(Protocol):
    """Knows the actions of the operator's file."""

    def of(self, org: OrgId) -> Actions:
        """Return those of an org, by name."""


class Webhooks(WebhookBook):
    """The book of all webhooks, and every change of it."""

    def __init__(
        self,
        *,
        store: port.Store,
        audit: AuditLog,
        registry: Registry,
        changes: Changes,
        vault: Vault,
        clock: Clock,
        random_bytes: RandomBytes,
        bodies: WebhookBodyParser,
        changed: Listeners[Webhook],
        probed: Listeners[int],
        owners: DisableOwnerListener,
        healths: HealthTracker,
        actions: DeclaredOfOrgs,
        connections: Connections,
    ) -> None:
        """`bodies` reads what calls ask for. `changed` hears of each new version, once it is stored
        and matched by; `probed` of one whose owner wants to see it sent to, by its number; `owners`
        tells of what was disabled, and `healths` since when it has failed. `actions`: those of the
        operator's file."""
        super().__init__()
        self._actions = actions
        self._bodies = bodies
        self._probed = probed
        self._clock = clock
        self._random_bytes = random_bytes
        self._changes = changes
        self._versions = Versions(
            store=store,
            audit=audit,
            book=self,
            registry=registry,
            changes=changes,
            vault=vault,
            clock=clock,
            changed=changed,
            connections=connections,
        )
        self._disabler = Disabler(
            store=store,
            book=self,
            versions=self._versions,
            webhooks=self,
            owners=owners,
            healths=healths,
        )
        self._retirement = Retirement(
            store, lambda number: self.at(number).webhook, self._disabler.parked
        )
        changes.reread.add(lambda snapshot, _: self._reload(snapshot))

    # -- starting and ending ----------------------------------------------------------------------

    def load(self, snapshot: port.Snapshot) -> None:
        """Fill the registry at start. VaultRefused where the key does not fit."""
        self._versions.load(snapshot)
        self._disabler.load(snapshot.disablings)

    def _reload(self, snapshot: port.Snapshot) -> None:
        for webhook in self._versions.reload(snapshot):
            self._retirement.go_on(webhook, 0)

    async def disable_owed(self) -> None:
        """Disable, before anything is sent, what the outcomes of a former owner have disabled.

        A kill may have come between. Raise StoreDown.
        """
        await self._disabler.disable_owed()

    def resume(self) -> None:
        """Finish what a stop has interrupted: parking and cancelling behind a change, and telling
        the owner of a disabled webhook."""
        for record in self._records.values():
            number = record.webhook.number
            self._retirement.go_on(record.webhook, self._disabler.parked_before(number))

    def look_at_ends(self) -> None:
        """Drop the old secrets whose overlap has ended; an alarm of its own does it in time."""
        self._versions.look_at_ends()

    def overdue_secrets_s(self) -> float:
        """Tell for how long an old secret should have ended, in seconds."""
        return self._versions.overdue_ends_s()

    async def close(self) -> None:
        """Stop parking and cancelling; the next start goes on with it (`resume`)."""
        self._versions.close()
        await self._disabler.close()
        await self._retirement.close()

    async def retired(self) -> None:
        """Wait until nothing is left to be parked or cancelled."""
        await self._retirement.done()

    # -- reading ----------------------------------------------------------------------------------

    def unheard_names(self, record: WebhookState) -> list[str]:
        """List the names that a webhook asks for in vain, as its org refuses unknown types."""
        return self._bodies.unheard_names(record)

    async def version(self, number: int, version: int) -> tuple[StoredWebhook, Config] | None:
        """Read a version of a webhook as it was, with its secrets; None where it is not there."""
        return await self._versions.at(number, version)

    def as_it_was(self, stored: StoredWebhook, config: Config, at_ms: int) -> Webhook:
        """Build a version as the engine knew it, with the secrets that were in force at a time."""
        return self._versions.webhook(stored, config, at_ms)

    def unsaved(
        self,
        org: OrgId,
        body: dict[str, Any],
        webhook_id: WebhookId | None = None,
        *,
        source: WebhookSettings | None = None,
        tried: bool = False,
        strict: bool = False,
        platform: bool = False,
    ) -> tuple[Webhook, tuple[FieldRefusal, ...]]:
        """Read the webhook that a body would make, or make of an existing one; nothing is kept.

        `source` is what it is copied from. `tried`: a test message is sent to it, which stored
        values do not go along with to another URL than theirs. `strict`: a misspelt field is
        refused. `platform`: the platform asks, which may name every connection. Raise Invalid or
        UnknownWebhook.
        """
        old = None if webhook_id is None else self.living(org, webhook_id)
        settings = None if old is None else old.config.settings
        reading = self._bodies.read(
            org, body, settings, source=source, tried=tried, strict=strict, platform=platform
        )
        if old is None:
            stored = first_version(org, reading.settings.name)
        else:
            stored = next_version(old, WebhookStatus.ACTIVE)
        config = Config(reading.settings, (), "", updated_by="")
        return self._versions.webhook(stored, config, self._clock.now_ms()), reading.warnings

    # -- changing ---------------------------------------------------------------------------------

    async def create(
        self,
        org: OrgId,
        body: dict[str, Any],
        by: Author,
        key: str | None = None,
        *,
        source: WebhookSettings | None = None,
        dry_run: bool = False,
        platform: bool = False,
    ) -> Made:
        """Create a webhook. Returns it, its signing secret (shown once) and warnings.

        `source` is what it is copied from: masked values of headers are its stored ones.

        With an idempotency `key` the same call within 24 hours returns the same again; KeyReused
        for another body. Invalid, Conflict. With `dry_run` nothing is kept: it has no
        ids, and no secret but the one that the body brings. `platform` as in `unsaved`.
        """
        call = None if key is None else idempotency_key(key, body)
        if call is not None and (made := await self._made_by(org, call)) is not None:
            return made
        reading = self._bodies.read(org, body, source=source, platform=platform)
        warnings = reading.warnings + await self._bodies.warn(org, reading.settings)
        secret = reading.secret or (b"" if dry_run else self._random_bytes(SECRET_BYTES))
        status = WebhookStatus.INACTIVE if reading.active is False else WebhookStatus.ACTIVE
        fresh = first_version(org, reading.settings.name, status)
        if not dry_run:
            fresh = with_ids(fresh, self._clock.now_ms(), self._random_bytes)
        if call is not None:
            call = msgspec.structs.replace(call, warnings=warnings)
        config = Config(reading.settings, (secret,) if secret else (), by, updated_by=by, call=call)

        async def change() -> Made:
            if call is not None and (made := await self._made_by(org, call)) is not None:
                return made  # the same call came twice at the same time
            return await self._come_to(fresh, config, dry_run), secret, warnings

        return await self._changes.run(change)

    async def replace(
        self,
        org: OrgId,
        webhook_id: WebhookId,
        body: dict[str, Any],
        by: Author,
        expect: Collection[int] | None = None,
        *,
        if_changed: bool = False,
        dry_run: bool = False,
        platform: bool = False,
    ) -> tuple[WebhookState, tuple[FieldRefusal, ...]]:
        """Replace what the body says, but not the name. UnknownWebhook also for a deleted one.

        WebhookMoved where `expect` is given and does not hold the version that is replaced. With
        `if_changed` a body that changes nothing makes no version. With `dry_run` nothing is kept,
        and `if_changed` is passed over: whoever may not see the value of a header could ask
        whether it is this one, as often as they like.
        """
        return await self.patch(
            org,
            webhook_id,
            lambda _: body,
            by,
            expect,
            if_changed=if_changed,
            dry_run=dry_run,
            platform=platform,
        )

    async def patch(
        self,
        org: OrgId,
        webhook_id: WebhookId,
        body_for: Callable[[WebhookState], dict[str, Any]],
        by: Author,
        expect: Collection[int] | None = None,
        *,
        if_changed: bool = False,
        dry_run: bool = False,
        strict: bool = False,
        platform: bool = False,
    ) -> tuple[WebhookState, tuple[FieldRefusal, ...]]:
        """Change a webhook as `replace` does, by a body that is made from the webhook as it is at
        that moment. `strict`: a misspelt field is refused."""

        async def change() -> tuple[WebhookState, WebhookState, tuple[FieldRefusal, ...]]:
            old = self.living(org, webhook_id, expect)
            reading = self._bodies.read(
                org, body_for(old), old.config.settings, strict=strict, platform=platform
            )
            status = replaced_status(old.webhook.status, reading.active)
            config = replaced(old.config, reading, status, by, self._clock.now_ms())
            stands = status is old.webhook.status
            if if_changed and not dry_run and stands and same(config, old.config):
                return old, old, reading.warnings
            record = await self._come_to(next_version(old, status), config, dry_run)
            return old, record, reading.warnings

        old, record, warnings = await self._changes.run(change)
        if _asked_others(record.webhook) != _asked_others(old.webhook):
            warnings += await self._bodies.warn(record.org, record.config.settings)
        return record, warnings

    async def declare(self, org: OrgId, settings: WebhookSettings, by: Author) -> WebhookState:
        """Let the webhook of an action be as its file says: made where there is none, and a new
        version where it says something else. Conflict where its name is another webhook's."""

        async def change() -> WebhookState:
            named = (record for record in self.list(org) if record.webhook.name == settings.name)
            old = next(
                (record for record in named if record.webhook.status is not WebhookStatus.DELETED),
                None,
            )
            if old is None:
                fresh = first_version(org, settings.name)
                fresh = with_ids(fresh, self._clock.now_ms(), self._random_bytes)
                config = Config(settings, (self._random_bytes(SECRET_BYTES),), by, updated_by=by)
                return await self._come_to(fresh, config, False)
            if not old.webhook.type.of_file:
                raise Conflict(name_taken(settings.name))
            if old.config.settings == settings:
                return old
            config = pruned(old.config, self._clock.now_ms())
            config = msgspec.structs.replace(config, settings=settings, updated_by=by)
            return await self._come_to(next_version(old, old.webhook.status), config, False)

        return await self._changes.run(change)

    async def rotate_secret(
        self,
        org: OrgId,
        webhook_id: WebhookId,
        overlap_ms: int,
        by: Author,
        expect: Collection[int] | None = None,
        scheme: str | None = None,
    ) -> tuple[WebhookState, bytes | None]:
        """Make a new key for each scheme that the webhook has chosen, or for one of them; the old
        ones sign on for `overlap_ms`. Returns it, and its new signing secret (shown once) where
        there is one."""

        async def change() -> tuple[WebhookState, bytes | None]:
            old = self.living(org, webhook_id, expect)
            now_ms = self._clock.now_ms()
            config = rotated(old.config, self._random_bytes, overlap_ms, now_ms, scheme)
            shared = config.secrets[0] if config.secrets != old.config.secrets else None
            config = msgspec.structs.replace(config, updated_by=by)
            fresh = next_version(old, old.webhook.status)
            return await self._versions.put(fresh, config, WEBHOOK_ROTATED), shared

        return await self._changes.run(change)

    async def delete(
        self,
        org: OrgId,
        webhook_id: WebhookId,
        by: Author,
        expect: Collection[int] | None = None,
        *,
        dry_run: bool = False,
    ) -> WebhookState:
        """Delete softly: still listed, matched no more, and what is unfinished is cancelled.

        With `dry_run` nothing is kept.
        """

        async def change() -> WebhookState:
            old = self.living(org, webhook_id, expect)
            if old.webhook.type.of_file and self._in_file(org, old.webhook.name):
                raise Conflict(action_in_file(old.webhook.name))
            if dry_run:
                config = pruned(old.config, self._clock.now_ms())
                config = msgspec.structs.replace(config, updated_by=by)
                return self._versions.would_be(next_version(old, WebhookStatus.DELETED), config)
            return await self._stand(old, WebhookStatus.DELETED, old.config.reason, by)

        return await self._changes.run(change)

    async def change_status(
        self,
        org: OrgId,
        webhook_id: WebhookId,
        verb: Verb,
        by: Author,
        expect: Collection[int] | None = None,
    ) -> WebhookState:
        """Pause, resume, enable or disable by its owner's word. Conflict where that cannot be.

        What is so already stays as it is, at the same version; of one that is left alone the
        receiver is asked at once.
        """

        async def change() -> WebhookState:
            old = self.living(org, webhook_id, expect)
            status = after(verb, old.webhook.status)
            acts = old.webhook.type.of_file and status is WebhookStatus.ACTIVE
            if acts and not self._in_file(org, old.webhook.name):
                raise Conflict(action_left_file(old.webhook.name))
            if status is None:
                raise Conflict(refuse_verb(verb, old.webhook.status))
            if old.webhook.status is status:
                if old.webhook.sends:
                    self._probed.tell(old.webhook.number)
                return old
            name = by.name if isinstance(by, StoredAttribution) else by
            reason = f"Disabled by {name}." if status is WebhookStatus.DISABLED else None
            return await self._stand(old, status, reason, by)

        return await self._changes.run(change)

    async def set_status(
        self, number: int, status: WebhookStatus, reason: str | None, by: Author = "tidings"
    ) -> WebhookState:
        """Change what happens to new events; the engine disables a webhook after a 410 by this."""

        async def change() -> WebhookState:
            old = self._records.get(number)
            if old is None or old.webhook.status is WebhookStatus.DELETED:
                raise UnknownWebhook(str(number))
            if old.webhook.status is status:
                return old
            return await self._stand(old, status, reason, by)

        return await self._changes.run(change)

    def disable(self, webhook: Webhook, reason: str) -> None:
        """Disable behind the call, for a reason that its owner is told. It is owed until done."""
        self._disabler.disable(webhook, reason)

    # -- inside -----------------------------------------------------------------------------------

    def own_path(self, url: str) -> str | None:
        """Say why no webhook may lead to a URL, as it is the service itself; None where one may."""
        return self._bodies.addresses.own_path(url)

    def _in_file(self, org: OrgId, name: str) -> bool:
        """Return whether the file of actions has an action of an org, by its name."""
        return name in self._actions.of(org)

    async def _stand(
        self, old: WebhookState, status: WebhookStatus, reason: str | None, by: Author
    ) -> WebhookState:
        config = pruned(old.config, self._clock.now_ms())
        config = msgspec.structs.replace(config, updated_by=by, reason=reason)
        record = await self._versions.put(next_version(old, status), config)
        await self._retirement.begin(record.webhook)
        return record

    async def _come_to(self, fresh: StoredWebhook, config: Config, dry_run: bool) -> WebhookState:
        if dry_run:
            return self._versions.would_be(fresh, config)
        return await self._versions.put(fresh, config.with_missing_pairs(self._random_bytes))

    async def _made_by(self, org: OrgId, call: IdempotencyKey) -> Made | None:
        """Return what an earlier call with the same key has made, as it was answered."""
        record = await self._versions.made_by(org, call)
        if record is None:
            return None
        first = record.config.call
        return record, record.config.secrets[0], first.warnings if first else ()


def _asked_others(webhook: Webhook) -> tuple[object, ...]:
    """Collect what others are asked about before a webhook is answered."""
    return webhook.kind, webhook.url, webhook.email
