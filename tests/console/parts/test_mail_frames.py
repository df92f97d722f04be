"""A mail as its reader sees it: in a frame that runs and loads nothing, for whoever may see it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.api.log_client import accept
from tests.console.crawl import act
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.declared_actions import text_message, welcome
from tests.engine.audit.kept_log import entries_of
from tidings.core.actions.action import Action, MailAct, TemplatedText
from tidings.core.connections.connection import Connection, Connections
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.engine.actions.declared import declare
from tidings.store import port

ORG = OrgId(7)
AT = "/console/o/7/actions/hello"
HTML = (
    '<html><body style="color: red"><script>alert(1)</script><h1>'
    "{{ event.data.customerIdentifiers.customerId }}</h1>"
    '<img src="https://tracker.example/pixel.gif"></body></html>'
)
HOSTILE = "Asha <img src=x onerror=alert(1)>"


def directives(policy: str) -> dict[str, str]:
    """The parts of a policy by their names."""
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in parts}


def harmless(policy: str) -> None:
    """Nothing runs, nothing is loaded from elsewhere, and nobody else holds it in a frame."""
    found = directives(policy)
    assert found["sandbox"] == "", "no scripts, no forms, of no origin"
    assert found["default-src"] == "'none'" and found["img-src"] == "data:"
    assert "script-src" not in found and found["style-src"] == "'unsafe-inline'"
    assert found["frame-ancestors"] == "'self'" and found["form-action"] == "'none'"


@asynccontextmanager
async def mailing(html: str | None = HTML) -> AsyncIterator[tuple[Pages, Browser]]:
    """A service with an action that sends a mail, and somebody who may try it."""
    act_of_it = MailAct(
        "mail",
        (TemplatedText("a@acme.example"),),
        TemplatedText("Hello {{ event.data.customerIdentifiers.customerId }}"),
        TemplatedText("In plain text."),
        None if html is None else TemplatedText(html, html=True),
    )
    hello = Action("hello", ("customerAdded",), {"": act_of_it})
    async with pages(actions={"hello": hello}) as p:
        await p.s.add_org(ORG)
        await declare(p.s.webhooks, ORG, {"hello": hello}, "actions.toml")
        yield p, await p.browser()


async def looks(p: Pages) -> list[tuple[str, str]]:
    await p.s.parts.running.views.write()
    return [
        (change.object_kind, change.object)
        for change in entries_of(p.s.store, 7)
        if change.action == "payload.viewed"
    ]


async def tried(p: Pages, browser: Browser, path: str, **form: str) -> Any:
    p.s.clock.ms += 2000
    return await browser.post(path, form)


async def test_the_mail_of_a_real_event_is_shown_as_it_looks_and_the_look_is_noted() -> None:
    async with mailing() as (p, browser):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        page = text(await tried(p, browser, f"{AT}/test", event="newest"))
        assert 'action="/console/o/7/actions/hello/mail"' in page and 'target="letter"' in page
        assert '<iframe class="letter" sandbox name="letter"' in page
        assert "In plain text." in page and "Hello 100" in page and "<script>alert" not in page
        answer = await tried(p, browser, f"{AT}/mail", event="e-1")
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
        harmless(answer.headers["content-security-policy"])
        assert answer.headers["cache-control"] == "no-store"
        assert '<body style="color: red">' in text(answer)
        assert ("event", "e-1") in await looks(p)


async def test_what_an_event_says_is_no_markup_of_the_mail() -> None:
    async with mailing() as (p, browser):
        await accept(p.s, "e-1", org=7, name="customerAdded", customer=HOSTILE)
        shown = text(await tried(p, browser, f"{AT}/mail", event="e-1"))
        assert "<img src=x" not in shown and "&lt;img src=x" in shown


async def test_a_mail_without_html_has_no_frame() -> None:
    async with mailing(html=None) as (p, browser):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        page = text(await tried(p, browser, f"{AT}/test", event="newest"))
        assert "In plain text." in page and "iframe" not in page
        answer = await tried(p, browser, f"{AT}/mail", event="e-1")
        assert answer.status == 200 and "no mail with HTML" in text(answer)
        harmless(answer.headers["content-security-policy"])


async def test_who_may_not_read_events_sees_no_mail() -> None:
    async with mailing() as (p, _):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        lesser = await p.browser(7, "webhooks:read webhooks:write")
        answer = await tried(p, lesser, f"{AT}/mail", event="e-1")
        assert answer.status == 403 and "color: red" not in text(answer)
        reader = await p.browser(7, "webhooks:read logs:read")
        assert (await tried(p, reader, f"{AT}/mail", event="e-1")).status == 403
        other = await p.browser(8)
        answer = await tried(p, other, "/console/o/8/actions/hello/mail", event="e-1")
        assert answer.status == 404
        assert await looks(p) == []


async def test_the_mail_that_a_run_has_sent_is_shown_on_its_page_for_its_org_alone() -> None:
    both = {action.name: action for action in (welcome(), text_message())}
    async with pages(actions=both) as p:
        browser = await p.browser()
        [done, *_, called] = await act(p, 7, "<b>Asha</b>")
        path = f"/console/o/7/deliveries/{done}/mail"
        page = text(await browser.get(f"/console/o/7/deliveries/{done}"))
        assert f'src="{path}"' in page and '<iframe class="letter" sandbox' in page
        answer = await browser.get(path)
        assert answer.status == 200 and text(answer) == "<b>Asha</b>"
        harmless(answer.headers["content-security-policy"])
        assert ("delivery", done) in await looks(p)
        assert (await browser.get(f"/console/o/7/deliveries/{called}/mail")).status == 404
        other = await p.browser(8)
        assert (await other.get(f"/console/o/8/deliveries/{done}/mail")).status == 404
        lesser = await p.browser(7, "webhooks:read")
        assert (await lesser.get(path)).status == 403


async def test_the_mail_that_a_webhook_for_mails_will_send_again_is_shown_as_well() -> None:
    mail = ShapedMail(("a@acme.example",), "Hello", "Hello", "<p>Hello</p>")
    async with pages() as p:
        browser = await p.browser()
        p.s.webhooks._bodies._connections = Connections([Connection("mail", "smtp", {}, None)])
        _, mails = await p.webhook(
            7,
            webHookUrl=None,
            webHookType="EMAIL",
            connection="mail",
            email={"to": ["a@acme.example"], "html": "<p>Hello</p>"},
        )
        _, calls = await p.webhook(7, name="Calls")
        shown = []
        for number in (mails, calls):
            (delivery,) = await accept(p.s, f"e-{number}", [number], org=7)
            retried = port.Settlement(
                *(DeliveryId(delivery), number, None, int(State.RETRYING), 1, 1, p.s.clock.ms, 5),
                *(None, 60_000, port.Evidence("refused", "", (), b"", False)),
                msgspec.json.encode(mail),
            )
            await p.s.store.commit(port.Batch(p.s.registry.version, settled=[retried]))
            shown.append(f"/console/o/7/deliveries/{show('dlv', delivery)}")
        of_mail, of_call = shown
        assert f'src="{of_mail}/mail"' in text(await browser.get(of_mail))
        answer = await browser.get(f"{of_mail}/mail")
        assert answer.status == 200 and text(answer) == "<p>Hello</p>"
        harmless(answer.headers["content-security-policy"])
        assert "<iframe" not in text(await browser.get(of_call)), "what a call sends is no mail"
        assert (await browser.get(f"{of_call}/mail")).status == 404


async def test_next_runs_are_listed_by_their_time_with_the_reason() -> None:
    both = {action.name: action for action in (welcome(), text_message())}
    async with pages(actions=both) as p:
        browser = await p.browser()
        runs = await act(p, 7, "It is night there.")
        page = text(await browser.get("/console/o/7/actions/welcome"))
        section = page.partition('id="h-next"')[2].partition("</section>")[0]
        waiting, retrying = runs[1], runs[3]
        assert section.count("<tr>") == 3, "the head, and two"
        assert f"/deliveries/{waiting}" in section and f"/deliveries/{retrying}" in section
        assert "It is night there." in section
        without = text(await browser.get("/console/o/7/actions/text-message"))
        assert 'id="h-next"' not in without, "what has failed is not tried again"
        lesser = await p.browser(7, "webhooks:read")
        assert 'id="h-next"' not in text(await lesser.get("/console/o/7/actions/welcome"))
