"""Every change of a webhook leaves an entry with what it was, and no secret in it."""

from typing import Any

import msgspec
import pytest

from tests.api.control_client import BASIC, Service, service
from tests.declared_actions import welcome
from tests.engine.audit.kept_log import entries_of
from tidings.core.audit.entries import AuditEntry
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.engine.actions.declared import declare

ORG = OrgId(7)
HOOK = "/v3/webHooks"
SECRETS = ("whsec_", "Bearer 01", "cdef", "s3cr3t", "hunter2", "tok3n", "4bc9")
FULL: dict[str, Any] = BASIC | {
    "webHookUrl": "https://crm.example.com/hook?key=tok3n4bc9&flag",
    "webHookHeaders": {"X-Brand-Key": "Bearer 0123456789abcdef", "X-Plain": "hunter2"},
    "authentication": {"type": "apiKey", "header": "X-Api-Key", "value": "s3cr3ts3cr3t4bc9"},
    "signingSecret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
}


def recorded(s: Service, chain: int = ORG, of: str = "webhook") -> list[AuditEntry]:
    return [change for change in entries_of(s.store, chain) if change.object_kind == of]


def fields(kept: bytes | None) -> dict[str, Any]:
    return dict(msgspec.json.decode(kept or b"{}"))


async def made(s: Service, **more: Any) -> str:
    auth = await s.add_org(ORG)
    reply = await s.call("POST", HOOK, {**FULL, **more}, auth)
    assert reply.status < 300, reply.json
    return str(reply.json["data"]["webHookId"])


async def test_a_webhook_that_is_made_is_recorded_without_its_secrets() -> None:
    async with service() as s:
        id = await made(s)
        [entry] = recorded(s)
        assert (entry.action, entry.object) == ("webhook.created", id)
        assert (entry.actor, entry.actor_kind, entry.face) == ("org7", "credential", "api")
        assert entry.address and entry.before is None
        after = fields(entry.after)
        assert after["webHookUrl"] == "https://crm.example.com/hook?key=…&…"
        assert after["webHookHeaders"] == {"X-Brand-Key": "…", "X-Plain": "…"}
        assert after["authentication"] == {"type": "apiKey", "header": "X-Api-Key", "value": "…"}
        assert after["status"] == "active" and after["version"] == 1
        assert after["signingKeys"] == {"shared": "…"}


CHANGED = "… (changed)"
SECRET_CHANGES: list[tuple[dict[str, Any], str, Any, Any]] = [
    (
        {"webHookHeaders": {"X-Brand-Key": "another value of s3cr3t"}},
        "webHookHeaders",
        {"X-Brand-Key": "…", "X-Plain": "…"},
        {"X-Brand-Key": CHANGED, "X-Plain": "…"},
    ),
    (
        {"authentication": {"type": "apiKey", "header": "X-Api-Key", "value": "s3cr3t of now"}},
        "authentication",
        {"type": "apiKey", "header": "X-Api-Key", "value": "…"},
        {"type": "apiKey", "header": "X-Api-Key", "value": CHANGED},
    ),
    (
        {"webHookUrl": "https://crm.example.com/hook?key=tok3n-of-now&flag"},
        "webHookUrl",
        "https://crm.example.com/hook?key=…&…",
        "https://crm.example.com/hook?key=…&… (changed)",
    ),
    (
        {"signingSecret": "whsec_" + "OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2"},
        "signingKeys",
        {"shared": "…"},
        {"shared": CHANGED},
    ),
]


@pytest.mark.parametrize(("body", "field", "before", "after"), SECRET_CHANGES)
async def test_of_a_secret_it_is_told_that_it_was_changed(
    body: dict[str, Any], field: str, before: Any, after: Any
) -> None:
    async with service() as s:
        id = await made(s)
        reply = await s.call("PATCH", f"{HOOK}/{id}", body, await s.add_org(ORG))
        assert reply.status == 200, reply.json
        entry = recorded(s)[1]
        assert entry.action == "webhook.changed"
        assert fields(entry.before) == {field: before, "version": 1}
        assert fields(entry.after) == {field: after, "version": 2}


async def test_every_way_of_changing_a_webhook_is_recorded() -> None:
    async with service() as s:
        id = await made(s)
        auth, path = await s.add_org(ORG), f"{HOOK}/{id}"
        ways = [
            ("PUT", path, {**FULL, "maxAllowedConnections": 3}, "webhook.changed"),
            ("PATCH", path, {"slaInSeconds": 7}, "webhook.changed"),
            ("POST", f"{path}/pause", None, "webhook.changed"),
            ("POST", f"{path}/resume", None, "webhook.changed"),
            ("POST", f"{path}/disable", None, "webhook.changed"),
            ("POST", f"{path}/enable", None, "webhook.changed"),
            ("POST", f"{path}/rotateSecret", {"overlapInHours": 0}, "webhook.rotated"),
            ("DELETE", path, None, "webhook.deleted"),
        ]
        for method, at, body, _ in ways:
            reply = await s.call(method, at, body, auth)
            assert reply.status < 300, (method, at, reply.json)
        entries = recorded(s)[1:]
        assert [change.action for change in entries] == [way[3] for way in ways]
        assert fields(entries[0].after)["maxAllowedConnections"] == 3
        statuses = [fields(change.after).get("status") for change in entries[2:6]]
        assert statuses == ["paused", "active", "disabled", "active"]
        assert fields(entries[6].after)["signingKeys"] == {"shared": CHANGED}
        assert fields(entries[7].after)["status"] == "deleted"
        assert {change.actor for change in entries} == {"org7"}


async def test_what_changes_nothing_leaves_nothing() -> None:
    async with service() as s:
        auth = await s.add_org(ORG)
        await s.call("POST", f"{HOOK}?dryRun=true", dict(FULL), auth)
        await s.call("POST", HOOK, FULL | {"webHookUrl": "no URL"}, auth)
        assert recorded(s) == []


async def test_a_store_that_refuses_has_neither_the_change_nor_its_entry() -> None:
    async with service() as s:
        id = await made(s)
        auth, before = await s.add_org(ORG), len(entries_of(s.store, ORG))
        s.store.down = True
        for method, path, body in (
            ("POST", HOOK, FULL | {"name": "other"}),
            ("PATCH", f"{HOOK}/{id}", {"slaInSeconds": 9}),
            ("DELETE", f"{HOOK}/{id}", None),
        ):
            assert (await s.call(method, path, body, auth)).status == 503
        s.store.down = False
        assert len(entries_of(s.store, ORG)) == before
        [webhook] = (await s.store.load()).webhooks
        assert (webhook.version, webhook.status) == (1, "active")


async def test_a_webhook_that_its_outcomes_disable_is_disabled_by_the_service() -> None:
    async with service() as s:
        id = await made(s)
        webhook = next(state.webhook for state in s.webhooks.list(ORG) if state.webhook.id == id)
        s.webhooks.disable(webhook, "The receiver answered 410.")
        await s.webhooks.close()
        entry = recorded(s)[-1]
        assert (entry.actor_kind, entry.actor, entry.face) == ("service", "tidings", "service")
        after = fields(entry.after)
        assert after["status"] == "disabled"
        assert after["disabledReason"] == "The receiver answered 410."


async def test_webhooks_of_the_file_are_changed_by_the_file() -> None:
    async with service(actions_org=7) as s:
        await s.add_org(ORG)
        action = welcome()
        await declare(s.webhooks, ORG, {action.name: action}, "actions.toml")
        await declare(s.webhooks, ORG, {}, "actions.toml")
        made, disabled = recorded(s)
        for change in (made, disabled):
            assert (change.actor_kind, change.actor, change.face) == (
                "file",
                "actions.toml",
                "file",
            )
        assert made.action == "webhook.created"
        assert fields(disabled.after)["status"] == WebhookStatus.DISABLED.value


async def test_no_org_finds_the_changes_of_another_in_its_chain() -> None:
    async with service() as s:
        id = await made(s)
        other = await s.add_org(8)
        refused = await s.call("DELETE", f"{HOOK}/{id}", None, other)
        assert refused.status == 400
        assert recorded(s, 8) == [] and len(recorded(s)) == 1


async def test_no_part_of_a_secret_is_in_any_entry() -> None:
    async with service() as s:
        id = await made(s)
        auth, path = await s.add_org(ORG), f"{HOOK}/{id}"
        for body, *_ in SECRET_CHANGES:
            await s.call("PATCH", path, body, auth)
        oauth = {
            "type": "oauth2ClientCredentials",
            "tokenUrl": "https://id.example.com/t?a=tok3n",
            "clientId": "brand",
            "clientSecret": "hunter2-s3cr3t",
        }
        basic = {"type": "basic", "username": "u", "password": "hunter2-4bc9"}
        for authentication in (oauth, basic):
            url = {"authentication": authentication}
            assert (await s.call("PATCH", path, url, auth)).status == 200
        await s.call("POST", f"{path}/rotateSecret", None, auth)
        await s.call("DELETE", path, None, auth)
        entries = recorded(s)
        assert len(entries) == 9
        for change in entries:
            kept = (change.before or b"") + (change.after or b"")
            for secret in SECRETS:
                assert secret.encode() not in kept, (secret, kept)
