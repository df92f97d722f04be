"""Transformations in the console: kept, checked at their line, and tried on real events."""

import json
import re
from html import unescape
from typing import Any

from tests.api.control_client import basic, call, event
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.core.ids import OrgId, WebhookId
from tidings.store import port

ORG = OrgId(7)
AT = "/console/o/7/transformations"
TEMPLATE = '{"id": {{ event.eventId }}, "n": {{ data.n }}, "more": {{ data.more }}}'
HOSTILE = '{"a": "</textarea><script>alert(1)</script>"}'


async def ready(p: Pages, *ids: str, scopes: str = "*", **more: Any) -> tuple[Browser, WebhookId]:
    """An org with a webhook and events of its type; the browser of a credential."""
    browser = await p.browser(7, scopes)
    webhook, _ = await p.webhook(7, **more)
    for id in ids:
        stored = event("pointsIssued", id, [], org=7)
        await p.s.store.commit(port.Batch(p.s.registry.version, events=[stored]))
    return browser, webhook


async def looks(p: Pages) -> list[str]:
    await p.s.parts.running.views.write()
    return [
        change.object for change in entries_of(p.s.store, 7) if change.action == "payload.viewed"
    ]


def bodies(page: str, name: str) -> list[Any]:
    """The bodies that a page shows under a name."""
    shown = re.findall(rf'aria-label="{name}, event \d">(.*?)</pre>', page, re.S)
    return [json.loads(unescape(re.sub(r"</?mark>", "", body))) for body in shown]


async def test_a_transformation_is_made_listed_changed_and_deleted() -> None:
    async with pages() as p:
        browser, _ = await ready(p)
        assert "No transformation yet" in text(await browser.get(AT))
        made = await browser.post(f"{AT}/new", {"name": "crm", "template": HOSTILE, "do": "save"})
        assert made.status == 303 and made.headers["location"] == f"{AT}/crm/versions"
        for path in (f"{AT}/crm/versions", f"{AT}/crm/edit"):
            page = text(await browser.get(path))
            assert "&lt;/textarea&gt;&lt;script&gt;" in page and "<script>alert" not in page
        assert 'href="/console/o/7/transformations/crm/versions"' in text(await browser.get(AT))
        changed = {"template": TEMPLATE, "version": "1", "do": "save"}
        assert (await browser.post(f"{AT}/crm/edit", changed)).status == 303
        page = unescape(text(await browser.get(f"{AT}/crm/versions")))
        assert TEMPLATE in page and HOSTILE in page and "Version 1," in page
        late = await browser.post(f"{AT}/crm/edit", changed | {"template": "{}"})
        assert late.status == 409 and "somebody else has saved" in text(late)
        asked = await browser.post(f"{AT}/crm/delete")
        assert asked.status == 200 and "Delete this transformation" in text(asked)
        assert (await browser.post(f"{AT}/crm/delete", {"sure": "yes"})).status == 303
        assert "No transformation yet" in text(await browser.get(AT))


async def test_one_that_a_webhook_uses_stays() -> None:
    async with pages() as p:
        await p.s.add_org(7)
        await p.s.services.shaping.transformations.create(ORG, "crm", TEMPLATE, "tests")
        browser, webhook = await ready(p, transformation="crm")
        page = text(await browser.get(AT))
        assert f'href="/console/o/7/webhooks/{webhook}"' in page and "Acme CRM" in page
        refused = await browser.post(f"{AT}/crm/delete", {"sure": "yes"})
        assert refused.status == 409 and "must not be in use" in text(refused)
        link = f'href="{AT}/crm/versions"'
        assert link in text(await browser.get(f"/console/o/7/webhooks/{webhook}"))


async def test_a_check_says_what_is_wrong_and_marks_its_line_and_keeps_nothing() -> None:
    async with pages() as p:
        browser, _ = await ready(p)
        fits = await browser.post(f"{AT}/new", {"name": "crm", "template": TEMPLATE, "do": "check"})
        assert fits.status == 200 and "The template can be read." in text(fits)
        wrong = '{\r\n "a": {{ event. }}\r\n}'
        for do in ("check", "try", "save"):
            sent = {"name": "crm", "template": wrong, "do": do}
            answer = await browser.post(f"{AT}/new", sent)
            page = unescape(text(answer))
            assert answer.status == 400 and "has a fault in line 2" in page, do
            assert re.search(r"<mark>\s*2  \s*\"a\": {{ event\. }}</mark>", page), do
        empty = await browser.post(f"{AT}/new", {"name": "a b", "template": "", "do": "save"})
        assert empty.status == 400
        for field in ("name", "template"):
            assert f'id="h-{field}" role="alert"' in text(empty), field
        assert p.s.services.shaping.transformations.names(ORG) == []


async def test_a_preview_shows_what_the_saved_webhook_would_be_sent() -> None:
    """One judgement: what the page shows is what the API's preview of the saved one shows."""
    async with pages() as p:
        browser, webhook = await ready(p, "e-1", "e-2", "e-3", "e-4", rename={"data.n": "points"})
        template = '{"id": {{ event.eventId }}, "points": {{ data.points }}}'
        sent = {"name": "crm", "template": template, "webhook": str(webhook), "do": "try"}
        page = text(await browser.post(f"{AT}/new", sent))
        given, made = bodies(page, "Given"), bodies(page, "Made")
        assert [body["eventId"] for body in given] == ["e-4", "e-3", "e-2"]
        assert (
            given[0]["data"] == {"points": 1.5}
            and p.s.services.shaping.transformations.names(ORG) == []
        )
        await p.s.services.shaping.transformations.create(ORG, "crm", template, "tests")
        auth = {"authorization": basic("boss", "s3cret"), "x-tidings-org": "7"}
        asked = {"webHookId": str(webhook), "transformation": "crm", "last": 3}
        reply = await call(p.app, "POST", "/v1/webHooks/preview", json.dumps(asked).encode(), auth)
        rows = reply.json["events"]
        assert len(rows) == 3
        assert made == [json.loads(row["body"]["text"]) for row in rows]


async def test_who_tries_a_template_on_events_is_noted_and_sees_none_without_the_right() -> None:
    async with pages() as p:
        browser, webhook = await ready(p, "e-1", "e-2")
        sent = {"name": "crm", "template": TEMPLATE, "webhook": str(webhook), "do": "try"}
        assert "e-2" in text(await browser.post(f"{AT}/new", sent))
        assert sorted(await looks(p)) == ["e-1", "e-2"]
    async with pages() as p:
        browser, webhook = await ready(p, "e-1", scopes="webhooks:write")
        page = text(await browser.post(f"{AT}/new", sent | {"webhook": str(webhook)}))
        assert "your role does not show real events" in page and "e-1" not in page
        assert bodies(page, "Given") and await looks(p) == []


async def test_a_template_that_fails_or_runs_away_says_so_beside_its_line() -> None:
    async with pages() as p:
        browser, webhook = await ready(p, "e-1")
        sent = {"name": "crm", "webhook": str(webhook), "do": "try"}
        fails = {"template": '{"id": 1,\n "n": {{ data.nope + 1 }}}'}
        page = unescape(text(await browser.post(f"{AT}/new", sent | fails)))
        assert "The delivery would fail: The template cannot be run on this event in line 2" in page
        assert re.search(r"<mark>\s*2  .*nope", page) and bodies(page, "Given")
        loops = "{% for a in range(9999) %}" * 2 + "{% endfor %}" * 2
        answer = await browser.post(f"{AT}/new", sent | {"template": loops})
        assert answer.status == 200 and "The delivery would" in text(answer)
        assert p.s.services.web.answer_memory.held == 0


async def test_of_another_org_there_is_neither_template_nor_event() -> None:
    async with pages() as p:
        browser, webhook = await ready(p, "e-1")
        saved = {"name": "crm", "template": TEMPLATE, "do": "save"}
        assert (await browser.post(f"{AT}/new", saved)).status == 303
        other = await p.browser(8)
        theirs = AT.replace("/7/", "/8/")
        assert "No transformation yet" in text(await other.get(theirs))
        for path in ("/crm/versions", "/crm/edit"):
            assert (await other.get(theirs + path)).status == 404, path
        sent = {"name": "crm", "template": TEMPLATE, "webhook": str(webhook), "do": "try"}
        answer = await other.post(f"{theirs}/new", sent)
        assert answer.status == 404 and "e-1" not in text(answer)
