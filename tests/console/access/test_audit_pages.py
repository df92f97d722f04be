"""The audit log's pages, and "changed by" on the page of each thing."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.console.access.visitor import visitor
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.openapi.world import SOURCE, TYPE
from tidings.core.access.portal_rules import ROLES
from tidings.core.audit.actor import Actor
from tidings.core.audit.audit_actions import AuditAction, actions
from tidings.core.audit.entries import PLATFORM_CHAIN, draft
from tidings.core.ids import OrgId
from tidings.engine.audit.current_actor import acting_as

ORG = OrgId(7)
XSS = "\"><script>alert(1)</script>'{{7*7}}"
TESTED = AuditAction("webhook.tested", "webhook", "sent a test message to the webhook")
ASHA = Actor("person", "usr_asha", "asha@acme.example", "console", "192.0.2.7")


async def append(p: Pages, action: str, object: str, actor: Actor = ASHA, **after: Any) -> None:
    """Write an entry of a change of these fields, each of which was "before" before."""
    chain, before = after.pop("chain", ORG), dict.fromkeys(after, "before") or None
    write = p.s.parts.base.audit.write_of(
        draft(chain, actor, actions()[action], object, before, after or None)
    )
    await p.s.store.append_audit(write)


async def test_each_entry_tells_who_when_what_on_what_and_what_it_was() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook()
        await append(p, "webhook.rotated", webhook)
        await append(p, "payload.viewed", "e-1")
        with acting_as(ASHA):
            body = {"name": "Acme Ltd", "timeZone": "UTC", "settings": {"validation": "lenient"}}
            await p.s.orgs.change(ORG, body, platform=False)
        page = text(await browser.get("/console/o/7/audit"))
        rows = page.split('<td data-label="When">')[1:]
        assert 'href="/console/o/7/audit" aria-current="page">Audit log' in page
        changed = rows[0]
        assert "asha@acme.example" in changed and "In the console, from 192.0.2.7" not in rows[-1]
        assert "changed the org" in changed and 'href="/console/o/7/settings">7</a>' in changed
        assert "<li>name: <code>Org 7</code> → <code>Acme Ltd</code></li>" in changed
        assert "settings.validation: <code>strict</code> → <code>lenient</code>" in changed
        assert "timeZone" not in changed and "payloadDays" not in changed, "what stays is not shown"
        assert 'href="/console/o/7/find?q=e-1">e-1</a>' in page
        assert f'href="/console/o/7/webhooks/{webhook}">{webhook}</a>' in page
        assert "created the org" in rows[-1]


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("actor=usr_asha", "w-asha", "w-other"),
        ("action=webhook.rotated", "w-asha", "w-other"),
        ("kind=webhook&object=w-other", "w-other", "w-asha"),
        ("object=w-asha&span=1h", "w-asha", "w-other"),
    ],
)
async def test_filters_stand_in_the_address_and_narrow(query: str, shown: str, hidden: str) -> None:
    async with pages() as p:
        browser = await p.browser()
        await append(p, "webhook.rotated", "w-asha")
        await append(p, "webhook.changed", "w-other", Actor("credential", "tdk_1", "engine", "api"))
        page = text(await browser.get(f"/console/o/7/audit?{query}"))
        rows = page.partition("<tbody>")[2]
        assert f">{shown}</a>" in rows and f">{hidden}</a>" not in rows
        assert 'class="filtered"' in page
        wrong = await browser.get("/console/o/7/audit?action=nothing")
        assert wrong.status == 400 and "action must be one of" in text(wrong)
        none = text(await browser.get("/console/o/7/audit?actor=usr_nobody"))
        assert "No entry matches" in none


async def test_a_new_thing_is_named_and_shows_the_fields_that_are_set() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook()
        page = text(await browser.get("/console/o/7/audit"))
        [row] = [row for row in page.split("<tr>") if "created the webhook" in row]
        name = p.s.webhooks.get(ORG, webhook).webhook.name
        assert f"created the webhook <b>{name}</b>" in row
        count = row.count("<li>")
        assert 3 < count < 30 and f"<summary>{count} fields</summary>" in row
        assert "webHookUrl: <code>" in row and "disabledReason" not in row
        assert ">None<" not in row and "<code></code>" not in row


async def test_older_pages_are_led_to() -> None:
    async with pages() as p:
        browser = await p.browser()
        for number in range(60):
            await append(p, "webhook.rotated", f"w{number}")
        first = text(await browser.get("/console/o/7/audit"))
        [older] = re.findall(r'rel="next" href="([^"]+)"', first)
        second = text(await browser.get(f"/console/o/7/audit{unescape(older)}"))
        assert ">w59</a>" in first and ">w5</a>" not in first
        assert ">w5</a>" in second and "created the org" in second


async def test_what_is_hostile_in_an_entry_is_shown_as_text() -> None:
    async with pages() as p:
        browser = await p.browser()
        hostile = Actor("person", XSS[:200], XSS, "api", XSS, XSS)
        await append(p, "webhook.changed", XSS, hostile, **{XSS: XSS, "nested": {XSS: [XSS, {}]}})
        await append(p, "org.changed", "7", hostile, **{XSS: XSS})
        for path in ("/audit", "/settings"):
            page = text(await browser.get(f"/console/o/7{path}"))
            assert "<script>alert" not in page and "&lt;script&gt;" in page, path
            assert "'{{7*7}}" in unescape(page), "it is no template"
        found = text(await browser.get(f"/console/o/7/audit?{urlencode({'object': XSS})}"))
        assert "<script>alert" not in found and "no. " in found


async def test_an_org_s_page_shows_its_own_chain_alone() -> None:
    async with pages() as p:
        seven, eight = await p.browser(), await p.browser(8)
        await append(p, "webhook.rotated", "of-seven")
        await append(p, "webhook.rotated", "of-eight", chain=8)
        await append(p, "sending.stopped", "of-all", chain=PLATFORM_CHAIN)
        boss = await p.platform()
        own = {
            "of-seven": (seven, "/console/o/7/audit"),
            "of-eight": (eight, "/console/o/8/audit"),
            "of-all": (boss, "/console/audit"),
        }
        for mark, (browser, path) in own.items():
            page = text(await browser.get(path))
            assert [name for name in own if name in page] == [mark]
        assert "of-seven" in text(await boss.get("/console/o/7/audit"))
        assert (await seven.get("/console/o/8/audit")).status == 403
        assert (await seven.get("/console/audit")).status == 403
        assert "/console/audit" not in text(await seven.get("/console/orgs"))
        assert "/console/audit" in text(await boss.get("/console/orgs"))


@pytest.mark.parametrize("role", ROLES)
async def test_a_portal_never_shows_it(role: str) -> None:
    async with pages() as p:
        await p.browser()
        webhook, _ = await p.webhook()
        await append(p, "webhook.rotated", webhook)
        v = await visitor(p, role=role)
        assert (await v.get("/console/portal/o/7/audit")).status == 403
        assert (await v.get("/console/portal/audit")).status == 404
        page = text(await v.get(f"/console/portal/o/7/webhooks/{webhook}"))
        assert "Acme CRM" in page and "asha@acme.example" not in page and "/audit" not in page


async def things(p: Pages) -> dict[str, tuple[str, str, str]]:
    """The page of one thing of each kind, with its kind and id."""

    async def made(path: str, body: Any, method: str = "POST") -> Any:
        reply = await p.s.call(method, path, body, X_Tidings_Org="7")
        assert reply.status in (200, 201), reply.body
        return reply.json

    webhook, _ = await p.webhook()
    inbox = (await made("/v1/inboxes", {"name": "shop"}))["id"]
    user = (await made("/v1/orgs/7/users", {"email": "bo@acme.example", "role": "reader"}))["id"]
    source = (await made("/v1/sources", SOURCE | {"name": "orders"}))["id"]
    await made("/v1/eventTypes/parcelSent", TYPE, "PUT")
    return {
        "webhook": (f"/webhooks/{webhook}", "webhook", webhook),
        "inbox": (f"/inboxes/{inbox}", "inbox", inbox),
        "user": (f"/access/users/{user}", "user", user),
        "source": (f"/sources/{source}", "source", source),
        "event type": ("/catalogue/parcelSent", "event_type", "parcelSent"),
        "org": ("/settings", "org", "7"),
        "credential": ("/access/credentials/org7/rotate", "credential", "org7"),
        "credential to end": ("/access/credentials/org7/revoke", "credential", "org7"),
        "stop": ("/stop", "sending", "7"),
    }


VERBS = {"webhook": "changed", "inbox": "changed", "user": "changed", "source": "changed"} | {
    "event_type": "changed",
    "org": "changed",
    "credential": "rotated",
    "sending": "stopped",
}


async def shown(browser: Browser, path: str) -> str:
    reply = await browser.get(f"/console/o/7{path}")
    assert reply.status == 200, path
    found = re.search(r'<details class="changed-by">.*?</details>', text(reply), re.DOTALL)
    return found[0] if found else ""


async def test_every_thing_says_who_changed_it_last_and_what_it_was() -> None:
    async with pages() as p:
        browser = await p.browser()
        for path, kind, id in (await things(p)).values():
            verb = VERBS[kind]
            await append(p, f"{kind}.{verb}", id, field="after-of-it")
            part = await shown(browser, path)
            assert f"{verb.capitalize()} by <b>asha@acme.example</b> at <time" in part, path
            assert "field: <code>before</code> → <code>after-of-it</code>" in part, path
            assert f"/console/o/7/audit?kind={kind}&amp;object={id}" in part, path
            await append(p, f"{kind}.{verb}", f"{id}-other", Actor("person", "usr_bo", "bo"))
            if kind != "sending":
                assert "asha@acme.example" in await shown(browser, path), "another one's is not its"


async def test_a_test_message_is_no_change_of_its_webhook() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook()
        await append(p, "webhook.rotated", webhook)
        tested = draft(ORG, Actor("person", "usr_bo", "bo"), TESTED, webhook)
        await p.s.store.append_audit(p.s.parts.base.audit.write_of(tested))
        assert "Rotated by <b>asha@acme.example</b>" in await shown(browser, f"/webhooks/{webhook}")


async def test_the_operator_s_switch_says_who_has_thrown_it() -> None:
    async with pages() as p:
        boss = await p.platform()
        await append(p, "sending.stopped", "0", chain=PLATFORM_CHAIN)
        page = text(await boss.get("/console/stop-all"))
        assert "Stopped by <b>asha@acme.example</b>" in page
        assert 'href="/console/audit?kind=sending&amp;object=0"' in page


async def test_who_may_not_read_the_log_sees_nothing_of_it_on_any_page() -> None:
    async with pages() as p:
        browser = await p.browser()
        known = await things(p)
        for _, kind, id in known.values():
            await append(p, f"{kind}.{VERBS[kind]}", id)
        other = await p.browser(scopes="webhooks:write sources:write logs:read events:read")
        for name in ("webhook", "inbox", "source", "event type"):
            path = known[name][0]
            assert await shown(other, path) == "", path
        assert browser is not other


async def test_where_nothing_was_changed_nothing_is_said() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert await shown(browser, "/stop") == ""
