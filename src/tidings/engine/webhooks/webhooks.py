"""The webhooks of all orgs: made, replaced, disabled, deleted; in the store and in the registry.

Every change is a new version. It is in the store first, then in the registry, then its lane is
told, and only then is the caller answered: an event that is accepted later is matched against it.
A deleted webhook leaves the registry and stays in the list.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, Protocol

import msgspec

from tidings.catalogue.event_type import EventType
from tidings.core.budget import LOOP_S
from tidings.core.delivery.standing import Standing
from tidings.core.events.attribution import Attribution
from tidings.core.form import Refusal
from tidings.core.shaping.filter import compile_filter
from tidings.core.shaping.filter_cost import worst_s
from tidings.core.webhooks.hearing import unheard
from tidings.core.webhooks.known_paths import unknown_paths
from tidings.core.webhooks.registry import Registry
from tidings.core.webhooks.rules import Reading, Settings, UrlCheck, read_webhook
from tidings.core.webhooks.webhook import HTTP, Webhook
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.listeners import Listeners
from tidings.engine.outage import Outage
from tidings.engine.vault import Vault
from tidings.engine.webhooks.book import WebhookBook
from tidings.engine.webhooks.faults import (
    KeyReused,
    UnknownWebhook,
    WebhookMoved,
    WebhookRefused,
    WrongStanding,
    filters_too_slow,
)
from tidings.engine.webhooks.idempotency_keys import IdempotencyKeys
from tidings.engine.webhooks.records import (
    SECRETS_MAX,
    Author,
    Config,
    IdempotencyKey,
    Record,
    Verb,
    after,
    configs,
    idempotency_key,
    name_taken,
    name_unresolved,
    next_version,
    pruned,
    replaced,
    replaced_standing,
    rotated,
    same,
    too_many_secrets,
    unborn,
    webhook_of,
    with_ids,
    wrong_standing,
)
from tidings.engine.webhooks.retirement import Retirement
from tidings.engine.webhooks.secret_ends import SecretEnds
from tidings.store import port
from tidings.store.port import NameTaken, StoredWebhook

__all__ = [
    "KeyReused",
    "UnknownWebhook",
    "WebhookMoved",
    "WebhookRefused",
    "Webhooks",
    "WrongStanding",
]

SECRET_BYTES = 32
DISABLE_AGAIN_S = 0.5
Made = tuple[Record, bytes, tuple[Refusal, ...]]


class OwnerListener(Protocol):
    """Who tells the owners of webhooks."""

    def disabled(
        self,
        webhook: Webhook,
        reason: str,
        parked: int,
        since_ms: int | None,
        told: Callable[[], None],
    ) -> None:
        """It is disabled, and so many deliveries were parked; it has failed since then. `told` is
        called once the telling is sure."""
        ...


class Webhooks(WebhookBook):
    """The book of all webhooks, and every change of it."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        changes: Changes,
        vault: Vault,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        event_types: Callable[[int], Collection[str]],  # what an org can subscribe to
        check_url: UrlCheck,
        changed: Listeners[Webhook],
        owners: OwnerListener,
        failing_since_ms: Callable[[int], int | None],  # of a webhook, by its number
        unresolved: Callable[[str], Awaitable[str | None]] | None = None,
        transformations: Callable[[int], Collection[str]] = lambda _: (),  # an org's, by name
        aliases: Mapping[str, str] | None = None,  # other names of event types
        kind: Callable[[int, str, int], EventType | None] = lambda *_: (
            None
        ),  # of an org, by version
        admits_unknown: Callable[[int], bool] = lambda _: False,  # whether an org takes others
    ) -> None:
        """`changed` hears of each new version, once it is stored and matched by; `owners` tells of
        what was disabled. `unresolved` says which host of a URL has no address that may be dialled,
        if it has none; it answers soon and never raises."""
        super().__init__()
        self._store = store
        self._registry = registry
        self._changes = changes
        self._vault = vault
        self._clock = clock
        self._random_bytes = random_bytes
        self._event_types = event_types
        self._check_url = check_url
        self._changed = changed
        self._owners = owners
        self._failing_since_ms = failing_since_ms
        self._unresolved = unresolved
        self._transformations = transformations
        self._aliases = aliases or {}
        self._kind = kind
        self._admits_unknown = admits_unknown
        self._ends = SecretEnds(clock, self._secret_over)
        self._idempotency_keys = IdempotencyKeys(clock, lambda number: self._records[number])
        self._retirement = Retirement(
            store, lambda number: self._records[number].webhook, self._disabled
        )
        self._disabling: set[asyncio.Task[None]] = set()
        self._owed: dict[int, port.Disabling] = {}  # by a former owner
        self._closing = False
        changes.reread.add(lambda snapshot, _: self._reload(snapshot))

    # -- reading ----------------------------------------------------------------------------------

    def load(self, snapshot: port.Snapshot) -> None:
        """Fill the registry at start. VaultRefused where the key does not fit."""
        for stored in snapshot.webhooks:
            self._keep(stored, self._open(stored))
        self._owed = {one.webhook: one for one in snapshot.disablings}
        self._changes.seen(snapshot.registry_version)

    def _reload(self, snapshot: port.Snapshot) -> None:
        """Take over what was written without an answer, as if it had been answered."""
        for stored in snapshot.webhooks:
            known = self._records.get(stored.number)
            if known is None or known.webhook.version < stored.version:
                record = self._keep(stored, self._open(stored))
                self._changed.tell(record.webhook)
                self._retirement.go_on(record.webhook, 0)
        self._changes.seen(snapshot.registry_version)

    async def disable_owed(self) -> None:
        """Before anything is sent: disable what the outcomes of a former owner have disabled.

        A kill may have come between. StoreDown.
        """
        for owed in list(self._owed.values()):
            record = self._records.get(owed.webhook)
            if record is None or record.webhook.standing is Standing.DISABLED:
                continue
            found = await self.version(owed.webhook, owed.version)
            same = found is not None and found[1].settings.url == record.webhook.url
            if same and owed.reason and record.webhook.sends:
                await self.set_standing(owed.webhook, Standing.DISABLED, owed.reason)
            else:
                await self._store.drop_disabling(owed.webhook, record.webhook.version)
            del self._owed[owed.webhook]  # its owner is told by the disabling itself

    def resume(self) -> None:
        """Finish what a stop has interrupted: parking and cancelling behind a change, and telling
        the owner of a disabled webhook."""
        for record in self._records.values():
            owed = self._owed.pop(record.webhook.number, None)
            self._retirement.go_on(record.webhook, None if owed is None else owed.parked)

    def unheard(self, record: Record) -> list[str]:
        """The names that a webhook asks for in vain, as its org refuses unknown types."""
        if self._admits_unknown(record.org):
            return []
        return unheard(record.config.settings.event_names, self._event_types(record.org))

    async def version(self, number: int, version: int) -> tuple[StoredWebhook, Config] | None:
        """A version of a webhook as it was, with its secrets; None where it is not there."""
        stored = await self._store.webhook_version(number, version)
        return None if stored is None else (stored, self._open(stored))

    def unsaved(
        self,
        org: int,
        body: dict[str, Any],
        webhook_id: str | None = None,
        *,
        source: Settings | None = None,
        tried: bool = False,
    ) -> tuple[Webhook, tuple[Refusal, ...]]:
        """The webhook that a body would make, or make of an existing one; nothing is kept.

        `source` is what it is copied from. `tried`: a test message is sent to it, which stored
        values do not go along with to another URL than theirs. WebhookRefused, UnknownWebhook.
        """
        old = None if webhook_id is None else self._living(org, webhook_id)
        settings = None if old is None else old.config.settings
        reading = self._read(org, body, settings, source=source, tried=tried)
        if old is None:
            stored = StoredWebhook(0, "", "", org, 1, reading.settings.name, "active", b"")
        else:
            stored = next_version(old, Standing.ACTIVE)
        config = Config(reading.settings, (), "", "")
        return webhook_of(stored, config, self._clock.now_ms()), reading.warnings

    # -- changing ---------------------------------------------------------------------------------

    async def create(
        self,
        org: int,
        body: dict[str, Any],
        by: Author,
        key: str | None = None,
        *,
        source: Settings | None = None,
        dry_run: bool = False,
    ) -> Made:
        """Make a webhook. Returns it, its signing secret (shown once) and warnings.

        `source` is what it is copied from: masked values of headers are its stored ones.

        With an idempotency `key` the same call within 24 hours returns the same again; KeyReused
        for another body. WebhookRefused says why not. With `dry_run` nothing is kept: it has no
        ids, and no secret but the one that the body brings.
        """
        call = None if key is None else idempotency_key(key, body)
        if call is not None and (made := await self._made_by(org, call)) is not None:
            return made
        reading = self._read(org, body, source=source)
        warnings = reading.warnings + await self._warn_of_name(reading.settings)
        secret = reading.secret or (b"" if dry_run else self._random_bytes(SECRET_BYTES))
        fresh = unborn(org, reading)
        if not dry_run:
            fresh = with_ids(fresh, self._clock.now_ms(), self._random_bytes)
        if call is not None:
            call = msgspec.structs.replace(call, warnings=warnings)
        config = Config(reading.settings, (secret,) if secret else (), by, by, call=call)

        async def change() -> Made:
            if call is not None and (made := await self._made_by(org, call)) is not None:
                return made  # the same call came twice at the same time
            return await self._come_to(fresh, config, dry_run), secret, warnings

        return await self._changes.run(change)

    async def replace(
        self,
        org: int,
        webhook_id: str,
        body: dict[str, Any],
        by: Author,
        expect: Collection[int] | None = None,
        *,
        if_changed: bool = False,
        dry_run: bool = False,
    ) -> tuple[Record, tuple[Refusal, ...]]:
        """Replace what the body says, but not the name. UnknownWebhook also for a deleted one.

        WebhookMoved where `expect` is given and does not hold the version that is replaced. With
        `if_changed` a body that changes nothing makes no version. With `dry_run` nothing is kept,
        and `if_changed` is passed over: whoever may not see the value of a header could ask
        whether it is this one, as often as they like.
        """
        return await self.patch(
            org, webhook_id, lambda _: body, by, expect, if_changed=if_changed, dry_run=dry_run
        )

    async def patch(
        self,
        org: int,
        webhook_id: str,
        body_for: Callable[[Record], dict[str, Any]],
        by: Author,
        expect: Collection[int] | None = None,
        *,
        if_changed: bool = False,
        dry_run: bool = False,
    ) -> tuple[Record, tuple[Refusal, ...]]:
        """Like `replace`, by a body that is made from the webhook as it is at that moment."""

        async def change() -> tuple[Record, Record, tuple[Refusal, ...]]:
            old = self._living(org, webhook_id, expect)
            reading = self._read(org, body_for(old), old.config.settings)
            standing = replaced_standing(old.webhook.standing, reading.active)
            config = replaced(old.config, reading, standing, by, self._clock.now_ms())
            stands = standing is old.webhook.standing
            if if_changed and not dry_run and stands and same(config, old.config):
                return old, old, reading.warnings
            record = await self._come_to(next_version(old, standing), config, dry_run)
            return old, record, reading.warnings

        old, record, warnings = await self._changes.run(change)
        if (record.webhook.kind, record.webhook.url) != (old.webhook.kind, old.webhook.url):
            warnings += await self._warn_of_name(record.config.settings)
        return record, warnings

    async def rotate_secret(
        self,
        org: int,
        webhook_id: str,
        overlap_ms: int,
        by: Author,
        expect: Collection[int] | None = None,
    ) -> tuple[Record, bytes]:
        """Make a new signing secret (shown once); the old ones sign on for `overlap_ms`."""

        async def change() -> tuple[Record, bytes]:
            old = self._living(org, webhook_id, expect)
            secret = self._random_bytes(SECRET_BYTES)
            config = rotated(old.config, secret, overlap_ms, self._clock.now_ms())
            if len(config.secrets) > SECRETS_MAX:
                raise WebhookRefused([too_many_secrets()])
            config = msgspec.structs.replace(config, updated_by=by)
            fresh = next_version(old, old.webhook.standing)
            return await self._store_version(fresh, config), secret

        return await self._changes.run(change)

    async def delete(
        self,
        org: int,
        webhook_id: str,
        by: Author,
        expect: Collection[int] | None = None,
        *,
        dry_run: bool = False,
    ) -> Record:
        """Delete softly: still listed, matched no more, and what is unfinished is cancelled.

        With `dry_run` nothing is kept.
        """

        async def change() -> Record:
            old = self._living(org, webhook_id, expect)
            if dry_run:
                config = pruned(old.config, self._clock.now_ms())
                config = msgspec.structs.replace(config, updated_by=by)
                return self._would_be(next_version(old, Standing.DELETED), config)
            return await self._stand(old, Standing.DELETED, old.config.reason, by)

        return await self._changes.run(change)

    async def say(
        self,
        org: int,
        webhook_id: str,
        verb: Verb,
        by: Author,
        expect: Collection[int] | None = None,
    ) -> Record:
        """Pause, resume, enable or disable by its owner's word. WrongStanding where that cannot be.

        What is so already stays as it is, at the same version.
        """

        async def change() -> Record:
            old = self._living(org, webhook_id, expect)
            standing = after(verb, old.webhook.standing)
            if standing is None:
                raise WrongStanding([wrong_standing(verb, old.webhook.standing)])
            if old.webhook.standing is standing:
                return old
            name = by.name if isinstance(by, Attribution) else by
            reason = f"Disabled by {name}." if standing is Standing.DISABLED else None
            return await self._stand(old, standing, reason, by)

        return await self._changes.run(change)

    async def set_standing(
        self, number: int, standing: Standing, reason: str | None, by: Author = "tidings"
    ) -> Record:
        """Change what happens to new events; the engine disables a webhook after a 410 by this."""

        async def change() -> Record:
            old = self._records.get(number)
            if old is None or old.webhook.standing is Standing.DELETED:
                raise UnknownWebhook(str(number))
            if old.webhook.standing is standing:
                return old
            return await self._stand(old, standing, reason, by)

        return await self._changes.run(change)

    def disable(self, webhook: Webhook, reason: str) -> None:
        """Disable behind the call, for a reason that its owner is told. It is owed until done."""
        self._behind(self._disable(webhook, reason))

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._disabling.add(task)
        task.add_done_callback(self._disabling.discard)

    def look_at_ends(self) -> None:
        """Drop the old secrets whose overlap has ended; an alarm of its own does it in time."""
        self._ends.ring()

    async def close(self) -> None:
        """Stop parking and cancelling; the next start goes on with it (`resume`)."""
        self._closing = True
        self._ends.close()
        if self._disabling:
            await asyncio.wait(self._disabling)
        await self._retirement.close()

    async def retired(self) -> None:
        """Until nothing is left to be parked or cancelled."""
        await self._retirement.done()

    # -- inside -----------------------------------------------------------------------------------

    async def _disable(self, webhook: Webhook, reason: str) -> None:
        """Until it is done, or its owner was faster. What a stop cuts short the next start does."""
        number, outage = webhook.number, Outage("the disabling of a webhook")
        while True:
            now = self._records.get(number)
            if now is None or now.webhook.url != webhook.url or not now.webhook.sends:
                if now is not None and now.webhook.standing is not Standing.DISABLED:
                    await self._forget_owed(number, now.webhook.version)
                return
            with outage, contextlib.suppress(UnknownWebhook):  # it may be gone meanwhile
                await self.set_standing(number, Standing.DISABLED, reason)
            if outage.lasts:
                if self._closing:
                    return
                await asyncio.sleep(DISABLE_AGAIN_S)

    def _disabled(self, webhook: Webhook, parked: int) -> None:
        """Nothing is left of it. Its owner is told, and that is written down; a store that refuses
        has it told again."""
        number, record = webhook.number, self._records[webhook.number]
        version = record.webhook.version
        self._owners.disabled(
            record.webhook,
            record.config.reason or "It was disabled.",
            parked,
            self._failing_since_ms(number),
            lambda: self._behind(self._forget_owed(number, version)),
        )

    async def _forget_owed(self, number: int, version: int) -> None:
        with Outage("that an owner was told of a disabling"):
            await self._store.drop_disabling(number, version)

    def _read(
        self,
        org: int,
        body: dict[str, Any],
        old: Settings | None = None,
        *,
        source: Settings | None = None,
        tried: bool = False,
    ) -> Reading:
        reading = read_webhook(
            body,
            self._event_types(org),
            self._check_url,
            old,
            self._transformations(org),
            aliases=self._aliases,
            source=source,
            tried=tried,
            admits_unknown=self._admits_unknown(org),
        )
        if not isinstance(reading, Reading):
            raise WebhookRefused(reading)
        self._bound_filters(org, reading.settings.filter, None if old is None else old.filter)
        lost = unknown_paths(reading.settings, self._kinds(org, reading.settings))
        return msgspec.structs.replace(reading, warnings=reading.warnings + lost)

    def _kinds(self, org: int, settings: Settings) -> list[EventType]:
        """The types that a webhook subscribes to, in the versions that it gets."""
        versions = dict(settings.event_versions)
        found = (self._kind(org, name, versions.get(name, 1)) for name in settings.event_names)
        return [kind for kind in found if kind is not None]

    def _bound_filters(
        self, org: int, new: dict[str, Any] | None, old: dict[str, Any] | None
    ) -> None:
        """Refuse a new filter with which those of the org together may take too long."""
        if new is None or new == old:
            return
        filters = [one.filter for one in self._registry.of_org(org) if one.filter is not None]
        total_s = worst_s(compile_filter(new)) + sum(map(worst_s, filters))
        if old is not None:
            total_s -= worst_s(compile_filter(old))
        if total_s > LOOP_S:
            raise WebhookRefused([filters_too_slow(total_s)])

    async def _made_by(self, org: int, call: IdempotencyKey) -> Made | None:
        """What an earlier call with the same key has made, as it was answered."""
        record = self._idempotency_keys.find(org, call)
        if record is None:
            return None
        if record.webhook.version > 1:
            stored = await self._store.webhook_version(record.webhook.number, 1)
            if stored is None:
                return None
            record = self._record(stored, self._open(stored))
        first = record.config.call
        return record, record.config.secrets[0], first.warnings if first else ()

    async def _warn_of_name(self, settings: Settings) -> tuple[Refusal, ...]:
        if self._unresolved is None or settings.kind != HTTP:
            return ()
        host = await self._unresolved(settings.url)
        return () if host is None else (name_unresolved(host),)

    async def _stand(
        self, old: Record, standing: Standing, reason: str | None, by: Author
    ) -> Record:
        config = pruned(old.config, self._clock.now_ms())
        config = msgspec.structs.replace(config, updated_by=by, reason=reason)
        record = await self._store_version(next_version(old, standing), config)
        await self._retirement.begin(record.webhook)
        return record

    def _open(self, stored: StoredWebhook) -> Config:
        plain = self._vault.open(stored.config, stored.org, stored.id, stored.version)
        return configs.decode(plain)

    def _record(self, stored: StoredWebhook, config: Config) -> Record:
        webhook = webhook_of(stored, config, self._clock.now_ms())
        return Record(webhook, config, stored.created_ms, stored.updated_ms)

    def _secret_over(self, number: int) -> None:
        """An overlap has ended: sign by what is still in force, without a new version."""
        record = self._records[number]
        secrets = record.config.in_force(self._clock.now_ms())
        if secrets == record.webhook.secrets or record.webhook.standing is Standing.DELETED:
            return
        webhook = msgspec.structs.replace(record.webhook, secrets=secrets)
        self._records[number] = msgspec.structs.replace(record, webhook=webhook)
        self._registry.put(webhook)
        self._changed.tell(webhook)

    async def _come_to(self, fresh: StoredWebhook, config: Config, dry_run: bool) -> Record:
        if dry_run:
            return self._would_be(fresh, config)
        return await self._store_version(fresh, config)

    def _would_be(self, fresh: StoredWebhook, config: Config) -> Record:
        """What `_store_version` would come to, kept nowhere. WebhookRefused as there."""
        if fresh.number == 0 and self._is_taken(fresh.org, fresh.name):
            raise WebhookRefused([name_taken(fresh.name)])
        now_ms = self._clock.now_ms()
        stored = msgspec.structs.replace(
            fresh, created_ms=fresh.created_ms or now_ms, updated_ms=now_ms
        )
        return self._record(stored, config)

    async def _store_version(self, fresh: StoredWebhook, config: Config) -> Record:
        """Store, match by it, tell its lane. Runs inside `Changes.run`."""
        plain = msgspec.json.encode(config)
        sealed = self._vault.seal(plain, fresh.org, fresh.id, fresh.version)
        try:
            stored, version = await self._store.put_webhook(
                msgspec.structs.replace(fresh, config=sealed)
            )
        except NameTaken:
            raise WebhookRefused([name_taken(fresh.name)]) from None
        record = self._keep(stored, config)
        self._changes.seen(version)
        self._changed.tell(record.webhook)
        return record

    def _keep(self, stored: StoredWebhook, config: Config) -> Record:
        record = self._record(stored, config)
        webhook = record.webhook
        self._enter(record)
        if webhook.standing is Standing.DELETED:
            self._registry.remove(webhook.number)
        else:
            self._registry.put(webhook)
            for end in config.secret_ends:
                self._ends.note(webhook.number, end)
        self._idempotency_keys.note(record)
        return record
