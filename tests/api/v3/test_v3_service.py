"""The webhooks' service: versions, registry, lanes, parking and cancelling, restarts."""

import asyncio
from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, event, service
from tests.store.in_process import MemoryStore
from tidings.core.delivery.receivers.health import GONE
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.engine.vault import VaultRefused
from tidings.engine.webhooks import retirement
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import UnknownWebhook
from tidings.store import port

ORG = OrgId(1)


async def commit(s: Service, number: int, count: int) -> port.Receipt:
    """`count` events, each with a delivery for a webhook."""
    events = [
        event("pointsIssued", f"e{number}-{n}", [port.NewDelivery(number, 1)]) for n in range(count)
    ]
    receipt: port.Receipt = await s.store.commit(port.Batch(s.registry.version, events))
    return receipt


async def test_what_is_answered_is_in_force_for_the_next_commit() -> None:
    async with service() as s:
        before = s.registry.version
        record, secret, _ = await s.webhooks.create(ORG, dict(BASIC), "boss")
        assert s.registry.version == before + 1
        [webhook] = s.registry.match(ORG, "pointsIssued")
        assert webhook is record.webhook and webhook.secrets == (secret,)
        assert not (await commit(s, webhook.number, 1)).moved
        stale = port.Batch(before, [event("pointsIssued", "e", [])])
        assert (await s.store.commit(stale)).moved


async def test_the_registry_follows_although_the_caller_went_away() -> None:
    async with service() as s:
        before = s.registry.version
        call = asyncio.ensure_future(s.webhooks.create(ORG, dict(BASIC), "boss"))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while s.registry.version == before:
            await asyncio.sleep(0)
        assert len(s.registry) == 1


async def test_changes_of_one_webhook_follow_each_other() -> None:
    async with service() as s:
        record, _, _ = await s.webhooks.create(ORG, dict(BASIC), "boss")
        id = record.webhook.id
        await asyncio.gather(
            *(
                s.webhooks.replace(ORG, id, {"maxAllowedConnections": n}, "boss")
                for n in range(1, 9)
            ),
            s.orgs.create("Other"),
        )
        assert s.webhooks.get(ORG, id).webhook.version == 9
        [(version,)] = s.store.half.connection.execute(
            "SELECT value FROM meta WHERE key = 'registry_version'"
        )
        assert s.registry.version == version


async def test_delete_cancels_in_slices_and_stays_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retirement, "RETIRE_SLICE", 3)
    async with service() as s:
        record, _, _ = await s.webhooks.create(ORG, dict(BASIC), "boss")
        number = record.webhook.number
        await commit(s, number, 8)
        deleted = await s.webhooks.delete(ORG, record.webhook.id, "boss")
        assert deleted.webhook.status is WebhookStatus.DELETED
        assert s.registry.get(number) is None
        assert s.changed[-1].status is WebhookStatus.DELETED
        await s.webhooks.retired()
        assert (await s.store.counts()).by_state == {State.CANCELLED: 8}
        assert s.webhooks.list(ORG) == [deleted]
        with pytest.raises(UnknownWebhook):
            await s.webhooks.delete(ORG, record.webhook.id, "boss")


async def test_a_410_disables_parks_and_keeps_the_reason_until_it_is_set_active() -> None:
    async with service() as s:
        record, _, _ = await s.webhooks.create(ORG, dict(BASIC), "boss")
        webhook = record.webhook
        await commit(s, webhook.number, 2)
        s.webhooks.disable(webhook, GONE)
        s.webhooks.disable(webhook, GONE)
        await s.webhooks.close()
        disabled = s.webhooks.get(ORG, webhook.id)
        assert disabled.webhook.status is WebhookStatus.DISABLED
        assert disabled.webhook.version == 2
        assert "410" in (disabled.config.reason or "")
        assert (await s.store.counts()).by_state == {State.PARKED: 2}
        [matched] = s.registry.match(ORG, "pointsIssued")
        assert matched.status is WebhookStatus.DISABLED
        kept, _ = await s.webhooks.replace(ORG, webhook.id, {"slaInSeconds": 5}, "boss")
        assert kept.webhook.status is WebhookStatus.DISABLED and kept.config.reason
        active, _ = await s.webhooks.replace(ORG, webhook.id, {"active": True}, "boss")
        assert active.webhook.status is WebhookStatus.ACTIVE and active.config.reason is None


async def test_a_410_from_an_address_that_was_replaced_meanwhile_disables_nothing() -> None:
    async with service() as s:
        record, _, _ = await s.webhooks.create(ORG, dict(BASIC), "boss")
        body = {"webHookUrl": "https://new.example.com/", "webHookHeaders": {"X-Key": "new"}}
        await s.webhooks.replace(ORG, record.webhook.id, body, "boss")
        s.webhooks.disable(record.webhook, GONE)
        await s.webhooks.close()
        assert s.webhooks.get(ORG, record.webhook.id).webhook.sends


@pytest.mark.parametrize(
    ("standing", "active", "after"),
    [
        (WebhookStatus.PAUSED, True, WebhookStatus.PAUSED),
        (WebhookStatus.PAUSED, False, WebhookStatus.INACTIVE),
        (WebhookStatus.INACTIVE, None, WebhookStatus.INACTIVE),
        (WebhookStatus.INACTIVE, True, WebhookStatus.ACTIVE),
    ],
)
async def test_active_in_a_body_and_the_standing(
    standing: WebhookStatus, active: Any, after: WebhookStatus
) -> None:
    async with service() as s:
        record, _, _ = await s.webhooks.create(ORG, dict(BASIC), "boss")
        await s.webhooks.set_status(record.webhook.number, standing, None)
        new, _ = await s.webhooks.replace(ORG, record.webhook.id, {"active": active}, "boss")
        assert new.webhook.status is after


async def test_a_restart_finds_everything_and_finishes_what_was_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as s:
        made: list[WebhookState] = []
        for name in ("a", "b", "c"):
            body = BASIC | {"name": name, "ordering": "key", "rateLimit": 2.5}
            made.append((await s.webhooks.create(ORG, body, "boss"))[0])
        await commit(s, made[1].webhook.number, 4)

        async def interrupted(webhook: int, state: int, limit: int) -> int:
            raise port.StoreDown("the service stops here")

        monkeypatch.setattr(s.store, "retire", interrupted)
        await s.webhooks.delete(ORG, made[1].webhook.id, "boss")
        await s.webhooks.close()
        monkeypatch.undo()
        assert (await s.store.counts()).by_state == {State.PENDING: 4}

        again = Service(s.store, s.clock)
        await again.start()
        assert again.webhooks.list(ORG) == s.webhooks.list(ORG)
        assert len(again.registry) == 2 and again.registry.version == s.registry.version
        again.webhooks.resume()
        await again.webhooks.retired()
        assert (await s.store.counts()).by_state == {State.CANCELLED: 4}
        assert again.webhooks.list(ORG)[0].webhook.rate_per_s == 2.5


async def test_the_stored_configuration_opens_only_with_the_key() -> None:
    async with service() as s:
        body = BASIC | {"webHookHeaders": {"X-Key": "topsecretvalue"}}
        await s.webhooks.create(ORG, body, "boss")
        [stored] = (await s.store.load()).webhooks
        assert b"topsecret" not in stored.config
        other = Service(s.store, s.clock, key=b"x" * 32)
        with pytest.raises(VaultRefused, match="Put back the file `key`"):
            await other.start()


async def test_nothing_secret_shows_in_a_repr() -> None:
    async with service() as s:
        body = BASIC | {"webHookHeaders": {"X-Key": "topsecretvalue"}}
        record, _, _ = await s.webhooks.create(ORG, body, "boss")
        shown = repr(record) + repr(record.config) + repr(record.config.settings)
        assert BASIC["name"] in shown and record.webhook.id in shown
        assert "topsecret" not in shown and "secrets" not in shown


def test_a_store_fits_the_port() -> None:
    store: port.Store = MemoryStore.__new__(MemoryStore)
    assert store is not None
