"""An action is tried in the console: seen first, done by a second step, by whoever may do both."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.api.control_client import Reply
from tests.api.log_client import accept
from tests.console.parts.markup import MARK, STRANGE, Markup, said
from tests.console.webhook_client import Browser, Pages, pages, text
from tests.declared_actions import CONTACT, OPTED_OUT, SECRET, Nobody
from tidings.core.actions.action import (
    Action,
    Cap,
    Each,
    HttpCall,
    OperatorSecret,
    PathValue,
    TemplatedText,
)
from tidings.core.ids import OrgId
from tidings.core.webhooks.authentication import ApiKey
from tidings.engine.actions.declared import declare
from tidings.lookups.port import LookupBackend

ORG = OrgId(7)
AT = "/console/o/7/actions/card/test"
CUSTOMER = "event.data.customerIdentifiers.customerId"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


class Contacts:
    """`lookups.port.LookupBackend`: one record for everybody, or none."""

    def __init__(self, record: dict[str, Any] | None) -> None:
        self.record = record
        self.asked = 0

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        self.asked += 1
        return self.record

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        pass


class Shop:
    """What is called: keeps the bytes of each request."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length:")
        )
        self.got.append(head + await reader.readexactly(length))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def trying(lookups: LookupBackend, **more: Any) -> AsyncIterator[tuple[Pages, Browser, Shop]]:
    """A service with an action that calls a shop, somebody who may try it, and the shop."""
    shop = Shop()
    server = await asyncio.start_server(shop.take, "127.0.0.1", 0)
    shop.port = server.sockets[0].getsockname()[1]
    call = HttpCall(
        "POST",
        f"http://127.0.0.1:{shop.port}/cards/{{id}}",
        {"id": CUSTOMER},
        credential=ApiKey("X-Api-Key", SECRET),
        json=Each({"name": TemplatedText("{{ contact.name }}"), "key": OperatorSecret(SECRET),
                   "id": PathValue(CUSTOMER)}),
        idempotency="Idempotency-Key",
    )  # fmt: skip
    given: dict[str, Any] = {"lookups": (CONTACT,), "unless": (OPTED_OUT,)} | more
    card = Action("card", ("customerAdded",), {"": call}, **given)
    try:
        async with pages(actions={"card": card}, lookups=lookups) as p:
            await p.s.add_org(ORG)
            await declare(p.s.webhooks, ORG, {"card": card}, "actions.toml")
            yield p, await p.browser(), shop
    finally:
        server.close()
        await server.wait_closed()


async def looked(p: Pages, browser: Browser, **form: str) -> Reply:
    """One step, a while after the one before."""
    p.s.clock.ms += 2000
    return await browser.post(AT, form)


async def test_the_very_call_is_shown_first_and_made_by_a_second_step() -> None:
    cap = Cap(1, 86_400.0, CUSTOMER)
    async with trying(Contacts({"name": "Asha"}), cap=cap, after_s=600.0) as (p, browser, shop):
        assert f"{AT}" in text(await browser.get("/console/o/7/actions/card"))
        await accept(p.s, "event-of-the-shop", org=7, name="customerAdded", customer="41")
        page = text(await looked(p, browser, event="newest"))
        words = said(page)
        assert "Looked up contact : found" in words and '"name": "Asha"' in words
        assert f"POST http://127.0.0.1:{shop.port}/cards/41" in words
        assert SECRET not in page and "…0001" in page
        assert "Ignored when an action is tried: It is done 10m after" in words
        assert "It is done at most once within 1d" in words
        assert shop.got == [] and "Make this call now" in words
        # A newer one comes; what is done is what was seen.
        await accept(p.s, "e-2", org=7, name="customerAdded", customer="42")
        assert '<input type="hidden" name="event" value="event-of-the-shop">' in page
        page = text(await looked(p, browser, event="event-of-the-shop", do="yes"))
        assert "It was done after" in said(page) and SECRET not in page
        [got] = shop.got
        assert got.startswith(b"POST /cards/41 ") and b'"name":"Asha"' in got
        assert SECRET.encode() in got, "it was really called as who we are"
        assert b"event-of-the-shop" not in got, "under an id of its own"


async def test_without_an_event_an_example_is_tried() -> None:
    contacts = Contacts({"name": "Asha"})
    async with trying(contacts) as (p, browser, shop):
        words = said(text(await looked(p, browser, event="newest")))
        assert "There is no such event" in words and contacts.asked == 0
        words = said(text(await looked(p, browser, event="example customerAdded")))
        assert "With the example of customerAdded" in words and "Make this call now" in words
        for wrong in ("example nothing", "e-9"):
            words = said(text(await looked(p, browser, event=wrong)))
            assert "Make this call now" not in words
        assert shop.got == []


@pytest.mark.parametrize(
    ("contacts", "words", "steps"),
    [
        (Contacts({"opted_out": "yes"}), "It would do nothing: The customer has opted out.", True),
        (Contacts(None), "It would do nothing: The look-up contact has no record", True),
        (Nobody(), "It would wait, and be tried again: Look-up contact: The contacts must", False),
    ],
)
async def test_why_nothing_would_be_done_is_told_with_its_look_ups_and_no_second_step(
    contacts: LookupBackend, words: str, steps: bool
) -> None:
    async with trying(contacts) as (p, browser, shop):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        page = said(text(await looked(p, browser, event="newest")))
        assert words in page and ("Looked up contact" in page) is steps
        assert "Make this call now" not in page
        await looked(p, browser, event="newest", do="yes")
        assert shop.got == [], "nor is it done where somebody takes the step all the same"


async def test_an_event_that_the_action_does_not_hear_of_is_not_made_anything_of() -> None:
    contacts = Contacts({"name": "Asha"})
    never = {"path": "data.customerIdentifiers.customerId", "eq": "1"}
    async with trying(contacts, filter=never) as (p, browser, shop):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        await accept(p.s, "e-2", org=7, name="pointsIssued")
        found = said(text(await looked(p, browser, event="e-1")))
        assert "The filter of the action refuses the event" in found
        found = said(text(await looked(p, browser, event="e-2")))
        assert "The action is for events of other types." in found
        await looked(p, browser, event="e-1", do="yes")
        await looked(p, browser, event="e-2", do="yes")
        assert contacts.asked == 0 and shop.got == []


async def test_the_newest_event_that_its_filter_takes_is_tried() -> None:
    one = {"path": "data.customerIdentifiers.customerId", "eq": "1"}
    async with trying(Contacts({"name": "Asha"}), filter=one) as (p, browser, shop):
        for id, customer in (("e-1", "1"), ("e-2", "2"), ("e-3", "3")):
            await accept(p.s, id, org=7, name="customerAdded", customer=customer)
        assert "/cards/1" in text(await looked(p, browser, event="newest"))


async def test_who_may_not_read_events_or_change_webhooks_tries_no_action() -> None:
    async with trying(Contacts({"name": "Asha"})) as (p, _, shop):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        for scopes in ("webhooks:read logs:read", "webhooks:read webhooks:write"):
            browser = await p.browser(7, scopes)
            assert AT not in text(await browser.get("/console/o/7/actions/card"))
            for reply in (await browser.get(AT), await looked(p, browser, event="e-1", do="yes")):
                refused = reply.status == 403 or "need the scope to read logs" in text(reply)
                assert refused and "Asha" not in text(reply) and "<select name=" not in text(reply)
        other = await p.browser(8)
        assert (await other.get(AT.replace("/7/", "/8/"))).status == 404
        await accept(p.s, "e-8", org=8, name="customerAdded")
        page = text(await looked(p, await p.browser(), event="e-8"))
        assert "There is no such event" in page, "of another org"
        assert shop.got == []


async def test_an_org_tries_its_actions_once_a_second() -> None:
    contacts = Contacts({"name": "Asha"})
    async with trying(contacts) as (p, browser, _):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        await looked(p, browser, event="newest")
        for do in ("", "yes"):
            page = text(await browser.post(AT, {"event": "newest", "do": do}))
            assert "once a second" in page
        assert contacts.asked == 1


async def test_nothing_that_was_found_is_markup_on_the_page() -> None:
    for name in STRANGE.values():
        async with trying(Contacts({"name": name})) as (p, browser, _):
            await accept(p.s, "e-1", org=7, name="customerAdded")
            page = text(await looked(p, browser, event="newest"))
            assert MARK in page and Markup(page).faults == [], name


async def test_an_action_that_left_its_file_cannot_be_tried() -> None:
    async with trying(Contacts({"name": "Asha"})) as (p, browser, shop):
        await accept(p.s, "e-1", org=7, name="customerAdded")
        p.s.parts.actions.declared.actions.clear()  # type: ignore[attr-defined]
        assert "nothing to try" in text(await browser.get(AT))
        await looked(p, browser, event="newest", do="yes")
        assert shop.got == []
