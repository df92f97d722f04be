"""The webhooks of all orgs: made, replaced, disabled, deleted; in the store and in the registry.

Every change is a new version. It is in the store first, then in the registry, then its lane is
told, and only then is the caller answered: an event that is accepted later is matched against it.
A deleted webhook leaves the registry and stays in the list.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from tidings.core.delivery import State
from tidings.core.form import Refusal
from tidings.core.registry import Registry
from tidings.core.webhook import Standing, Webhook
from tidings.core.webhook_rules import Reading, Settings, UrlCheck, read_webhook
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.vault import Vault
from tidings.engine.webhook_records import (
    Config,
    Record,
    configs,
    name_taken,
    next_version,
    replaced_standing,
    webhook_of,
)
from tidings.store import port
from tidings.store.port import NameTaken, StoredWebhook

SECRET_BYTES = 32
RETIRE_SLICE = 500
RETIRE_AGAIN_S = 1.0
GONE = (
    "The receiver answered 410: the address is gone for good. Give the webhook a new URL and set "
    "it active."
)
_RETIRED = {Standing.DELETED: State.CANCELLED, Standing.DISABLED: State.PARKED}


class WebhookRefused(Exception):
    """A webhook cannot be as asked, for these reasons."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__(refusals[0].message)
        self.refusals = refusals


class UnknownWebhook(Exception):
    """The org has no webhook of this id, or it was deleted."""


class Webhooks:
    """The newest version of every webhook, in memory, over the store."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        changes: Changes,
        vault: Vault,
        clock: Clock,
        draw: Callable[[int], bytes],
        event_types: Collection[str],
        check_url: UrlCheck,
        on_change: Callable[[Webhook], None],
    ) -> None:
        self._store = store
        self._registry = registry
        self._changes = changes
        self._vault = vault
        self._clock = clock
        self._draw = draw
        self._event_types = frozenset(event_types)
        self._check_url = check_url
        self._on_change = on_change
        self._records: dict[int, Record] = {}
        self._numbers: dict[str, int] = {}
        self._of_org: dict[int, set[int]] = {}
        self._retiring: dict[int, asyncio.Task[None]] = {}
        self._disabling: set[asyncio.Task[None]] = set()

    # -- reading ----------------------------------------------------------------------------------

    def load(self, snapshot: port.Snapshot) -> None:
        """Fill the registry at start. VaultRefused where the key does not fit."""
        for stored in snapshot.webhooks:
            sealed = (stored.config, stored.org, stored.id, stored.version)
            self._keep(stored, configs.decode(self._vault.open(*sealed)))
        self._changes.seen(snapshot.registry_version)

    def resume(self) -> None:
        """Finish what a stop has interrupted: parking and cancelling behind a change."""
        for record in self._records.values():
            self._retire(record.webhook)

    def get(self, org: int, webhook_id: str) -> Record:
        """A webhook of the org, also a deleted one. UnknownWebhook for anything else."""
        number = self._numbers.get(webhook_id)
        if number is None or (record := self._records[number]).org != org:
            raise UnknownWebhook(webhook_id)
        return record

    def by_number(self, number: int) -> Record | None:
        """A webhook by the store's number, whatever became of it."""
        return self._records.get(number)

    def list(self, org: int) -> list[Record]:
        """All webhooks of the org, deleted ones too, oldest first."""
        return [self._records[number] for number in sorted(self._of_org.get(org, ()))]

    # -- changing ---------------------------------------------------------------------------------

    async def create(
        self, org: int, body: dict[str, Any], by: str
    ) -> tuple[Record, bytes, tuple[Refusal, ...]]:
        """Make a webhook. Returns it, its signing secret (shown once) and warnings."""
        reading = self._read(body)
        secret = reading.secret or self._draw(SECRET_BYTES)
        webhook_id = int(self._clock.now_ms() // 1000 & 0xFFFFFFFF).to_bytes(4, "big")
        fresh = StoredWebhook(
            number=0,
            id=(webhook_id + self._draw(8)).hex(),
            consumer_group=str(uuid.UUID(bytes=self._draw(16), version=4)),
            org=org,
            version=1,
            name=reading.settings.name,
            standing=(Standing.INACTIVE if reading.active is False else Standing.ACTIVE).value,
            config=b"",
        )
        config = Config(reading.settings, (secret,), by, by)
        record = await self._changes.run(lambda: self._store_version(fresh, config))
        return record, secret, reading.warnings

    async def replace(
        self, org: int, webhook_id: str, body: dict[str, Any], by: str
    ) -> tuple[Record, tuple[Refusal, ...]]:
        """Replace what the body says, but not the name. UnknownWebhook also for a deleted one."""

        async def change() -> tuple[Record, tuple[Refusal, ...]]:
            old = self._living(org, webhook_id)
            reading = self._read(body, old.config.settings)
            standing = replaced_standing(old.webhook.standing, reading.active)
            config = Config(
                reading.settings,
                (reading.secret,) if reading.secret else old.config.secrets,
                old.config.created_by,
                by,
                old.config.reason if standing is Standing.DISABLED else None,
            )
            return await self._store_version(next_version(old, standing), config), reading.warnings

        return await self._changes.run(change)

    async def delete(self, org: int, webhook_id: str, by: str) -> Record:
        """Delete softly: still listed, matched no more, and what is unfinished is cancelled."""

        async def change() -> Record:
            old = self._living(org, webhook_id)
            config = msgspec.structs.replace(old.config, updated_by=by)
            record = await self._store_version(next_version(old, Standing.DELETED), config)
            return await self._finish(record)

        return await self._changes.run(change)

    async def set_standing(
        self, number: int, standing: Standing, reason: str | None, by: str = "tidings"
    ) -> Record:
        """Change what happens to new events; the engine disables a webhook after a 410 by this."""

        async def change() -> Record:
            old = self._records.get(number)
            if old is None or old.webhook.standing is Standing.DELETED:
                raise UnknownWebhook(str(number))
            if old.webhook.standing is standing:
                return old
            config = msgspec.structs.replace(old.config, updated_by=by, reason=reason)
            record = await self._store_version(next_version(old, standing), config)
            return await self._finish(record)

        return await self._changes.run(change)

    def gone(self, webhook: Webhook) -> None:
        """Disable behind the call: its receiver said 410, gone for good."""
        now = self._records.get(webhook.number)
        if now is None or now.webhook.url != webhook.url or not now.webhook.sends:
            return  # its owner was faster
        task = asyncio.ensure_future(self._disable(webhook.number, GONE))
        self._disabling.add(task)
        task.add_done_callback(self._disabling.discard)

    async def close(self) -> None:
        """Stop parking and cancelling; the next start goes on with it (`resume`)."""
        if self._disabling:
            await asyncio.wait(self._disabling)
        tasks = list(self._retiring.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def retired(self) -> None:
        """Until nothing is left to be parked or cancelled."""
        while self._retiring:
            await asyncio.wait(self._retiring.values())

    # -- inside -----------------------------------------------------------------------------------

    async def _disable(self, number: int, reason: str) -> None:
        with contextlib.suppress(port.StoreDown, UnknownWebhook):  # the next 410 asks again
            await self.set_standing(number, Standing.DISABLED, reason)

    def _read(self, body: dict[str, Any], old: Settings | None = None) -> Reading:
        reading = read_webhook(body, self._event_types, self._check_url, old)
        if not isinstance(reading, Reading):
            raise WebhookRefused(reading)
        return reading

    def _living(self, org: int, webhook_id: str) -> Record:
        record = self.get(org, webhook_id)
        if record.webhook.standing is Standing.DELETED:
            raise UnknownWebhook(webhook_id)
        return record

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
        self._on_change(record.webhook)
        return record

    def _keep(self, stored: StoredWebhook, config: Config) -> Record:
        webhook = webhook_of(stored, config)
        record = Record(webhook, config, stored.created_ms, stored.updated_ms)
        self._records[webhook.number] = record
        self._numbers[webhook.id] = webhook.number
        self._of_org.setdefault(webhook.org, set()).add(webhook.number)
        if webhook.standing is Standing.DELETED:
            self._registry.remove(webhook.number)
        else:
            self._registry.put(webhook)
        return record

    async def _finish(self, record: Record) -> Record:
        """The first slice before the answer, the rest behind it."""
        webhook = record.webhook
        if (state := _RETIRED.get(webhook.standing)) is not None:
            try:
                moved = await self._store.retire(webhook.number, state, RETIRE_SLICE)
            except port.StoreDown:
                moved = RETIRE_SLICE
            if moved >= RETIRE_SLICE:
                self._retire(webhook)
        return record

    def _retire(self, webhook: Webhook) -> None:
        number = webhook.number
        if webhook.standing in _RETIRED and number not in self._retiring:
            task = asyncio.ensure_future(self._retire_all(number))
            self._retiring[number] = task
            task.add_done_callback(lambda _: self._retiring.pop(number, None))

    async def _retire_all(self, number: int) -> None:
        while (state := _RETIRED.get(self._records[number].webhook.standing)) is not None:
            try:
                if not await self._store.retire(number, state, RETIRE_SLICE):
                    return
            except port.StoreDown:
                await asyncio.sleep(RETIRE_AGAIN_S)
