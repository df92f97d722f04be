"""The pages of sources: what is shown, done, refused and offered."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import unquote

from tests.console.sources.source_forms import (
    AT,
    MAPPING,
    ORG,
    VALUE,
    XSS,
    asides,
    filled,
    make,
    send,
)
from tests.console.webhook_client import pages, text
from tidings.core.connections.connection import Connection
from tidings.core.sources.table_owner import TableOwner
from tidings.engine.sources import live_source


async def test_a_source_is_listed_with_what_it_does_and_opened_by_its_name() -> None:
    async with pages() as p:
        browser = await p.browser()
        empty = text(await browser.get(AT))
        assert "No source yet" in empty and f'href="{AT}/new"' in empty
        at = await make(p)
        assert "No messages have come yet" in text(await browser.get(at))
        assert (await send(p, {"kind": "shop.paid"}, webhook_id="m-1")).status == 202
        await send(p, {"other": 1})
        await send(p, {}, x_key="somebody else, long")
        listed = text(await browser.get(AT))
        row = listed.partition("<tbody>")[2]
        assert f'href="{at}">shop</a>' in row and "takes messages" in row
        for said in ("1 accepted", "1 set aside", "1 refused", "Inbound webhook"):
            assert said in row
        page = text(await browser.get(at))
        assert "a repeat is known by the header webhook-id" in page
        assert re.search(r'data-copy="http[^"]+/in/7/shop"', page)
        assert "Header with a secret value" in page and "…long" in page and VALUE not in page
        (event,) = set(re.findall(r'href="/console/o/7/events/([^"]+)">shop.paid', page))
        assert (await browser.get(f"/console/o/7/events/{event}")).status == 200
        assert "2 came in the last hour" in page and "1 was refused in the last hour" in page
        assert "m-1" in page and "The header X-Key has another value." in page
        assert "eventName must stand at kind of the body" in page
        assert "1 is set aside and waits until you fix the mapping and try it again." in page


async def test_the_newest_messages_are_asked_for_again_and_told_when_something_has_changed() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        page = text(await browser.get(at))
        (again,) = re.findall(r'hx-get="([^"]+part=now[^"]+)"', page)
        again = unescape(again)
        assert (await browser.get(again, hx_request="true")).status == 204
        await send(p, {"kind": "shop.paid"})
        part = text(await browser.get(again, hx_request="true"))
        assert "shop.paid" in part and "<html" not in part


async def test_what_is_put_aside_is_opened_with_headers_and_bytes_as_text_alone() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        await send(p, XSS.encode(), x_hostile=XSS, webhook_id=XSS)
        await send(p, b"\xff\xfe\x00binary")
        newest, oldest = await asides(p)
        listed = text(await browser.get(at))
        assert f'href="{at}/aside/{oldest}"' in listed and "<script>alert" not in listed
        page = text(await browser.get(f"{at}/aside/{oldest}"))
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page
        assert "x-hostile" in page and "…long" in page and VALUE not in page
        assert "not_json" in page
        assert "that are no text" in text(await browser.get(f"{at}/aside/{newest}"))
        assert (await browser.get(f"{at}/aside/asd_0000000000000")).status == 404


async def test_messages_put_aside_stand_on_pages_the_newest_first() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        for n in range(27):
            await send(p, {"n": n}, webhook_id=f"m{n}")
        ids, first = await asides(p), text(await browser.get(at))
        assert [text in first for text in ids] == [True] * 25 + [False] * 2
        (older,) = re.findall(r'rel="next" href="([^"#]+)', first)
        second = text(await browser.get(at + unescape(older)))
        assert [text in second for text in ids] == [False] * 25 + [True] * 2
        wrong = await browser.get(f"{at}?cursor=zz")
        assert wrong.status == 400 and "cursor" in text(wrong)


async def test_what_is_put_aside_is_tried_again_one_by_one_and_all_of_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p, mapping={"eventName": {"path": "wrong"}})
        for n in range(4):
            await send(p, {"kind": "shop.paid", "n": n}, webhook_id=f"m{n}")
        first, second, *_ = await asides(p)
        still = await browser.post(f"{at}/aside/{first}/redrive")
        assert still.status == 409 and "It is still set aside." in text(still)
        await browser.post(f"{at}/edit", await filled(p, at, mapping=json.dumps(MAPPING)))
        one = await browser.post(f"{at}/aside/{first}/redrive")
        assert one.status == 303 and "/console/o/7/events/" in one.headers["location"]
        dropped = await browser.post(f"{at}/aside/{second}/drop")
        assert "dropped" in unquote(dropped.headers["set-cookie"])
        assert (await browser.post(f"{at}/aside/{second}/drop")).status == 404
        told = await browser.post(f"{at}/redrive")
        said = unquote(told.headers["set-cookie"])
        assert "2 messages were tried again: 2 events accepted." in said
        again = await browser.post(f"{at}/redrive")
        assert "Nothing is set aside." in unquote(again.headers["set-cookie"])


async def test_it_is_paused_resumed_and_deleted_after_a_word_of_warning() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        await send(p, {"n": 1})
        paused = await browser.post(f"{at}/say", {"verb": "pause"})
        assert "Paused." in unquote(paused.headers["set-cookie"])
        assert (await send(p, {"n": 2})).status == 503
        page = text(await browser.get(at))
        assert "is paused: its senders are asked to try again later" in page and "Resume" in page
        await browser.post(f"{at}/say", {"verb": "resume"})
        await browser.post(f"{at}/say", {"verb": "explode"})
        assert (await send(p, {"n": 2})).status == 202
        for asked in (await browser.get(f"{at}/delete"), await browser.post(f"{at}/delete")):
            said = text(asked)
            assert "2 messages that are set aside are deleted with it." in said
            assert "/in/7/shop</span> from now on is answered 401" in said
        gone = await browser.post(f"{at}/delete", {"sure": "yes"})
        assert gone.headers["location"] == AT
        assert "shop is deleted." in unquote(gone.headers["set-cookie"])
        assert (await browser.get(at)).status == 404 and (await send(p, {})).status == 401


async def test_a_source_that_can_put_nothing_more_aside_is_in_trouble_and_says_why() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        p.s.services.sources.sources.get(ORG, "shop").dead_letters = live_source.DEAD_LETTERS_MAX
        for path in (AT, at):
            page = text(await browser.get(path))
            assert "trouble" in page and "may set aside 10000 messages" in page, path
        assert "is in trouble" in text(await browser.get(at))


async def test_an_id_of_a_source_or_of_a_message_put_aside_is_found() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        await send(p, {"n": 1})
        (aside,) = await asides(p)
        for wanted, where in ((at.rpartition("/")[2], at), (aside, f"{at}/aside/{aside}")):
            found = await browser.get(f"/console/o/7/find?q={wanted}")
            assert found.headers["location"] == where
        other = await p.browser(8)
        nothing = await other.get(f"/console/o/8/find?q={aside}")
        assert nothing.status == 200 and "a message that a source has set aside" in text(nothing)
        blind = await p.browser(scopes="logs:read")
        assert (await blind.get(f"/console/o/7/find?q={aside}")).status == 200


async def test_a_reader_is_offered_nothing_and_another_org_has_none_of_it() -> None:
    async with pages() as p:
        await p.browser()
        at = await make(p)
        await send(p, {"n": 1})
        (aside,) = await asides(p)
        reader = await p.browser(scopes="sources:read")
        for path in (AT, at, f"{at}/aside/{aside}"):
            page = text(await reader.get(path))
            forms = re.findall(r'<form method="post" action="([^"]*)"', page)
            assert set(forms) <= {"/console/sign-out"}, path
            assert "/new" not in page.partition("<main")[2] and "/edit" not in page
        assert "/events/" not in text(await reader.get(at)), "the log is not theirs to read"
        other = await p.browser(8)
        there = at.replace("/o/7/", "/o/8/")
        for path in (there, f"{there}/edit", f"{there}/delete", f"{there}/aside/{aside}"):
            assert (await other.get(path)).status == 404, path
        for act in ("say", "redrive", "delete", "edit", "try", f"aside/{aside}/drop"):
            assert (await other.post(f"{there}/{act}", {"sure": "yes"})).status == 404, act


async def test_a_source_of_the_operators_file_is_tried_here_and_changed_there() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        live = p.s.services.sources.sources.get(ORG, "shop")
        live.declared_in = "sources.toml"
        page = text(await browser.get(at))
        assert "sources.toml" in page and f'href="{at}/delete"' not in page and "Pause" in page
        form = text(await browser.get(f"{at}/edit"))
        assert "sources.toml" in form and "Save" not in form and "Try the message" in form
        for path, fields in ((f"{at}/edit", {"mapping": "{}"}), (f"{at}/delete", {"sure": "yes"})):
            reply = await browser.post(path, fields)
            assert reply.status in (400, 409) and "where it is declared" in text(reply)
        assert p.s.services.sources.sources.get(ORG, "shop").source.mapping is not None
        live.declares_pause = True
        assert "Pause" not in text(await browser.get(at))
        reply = await browser.post(f"{at}/say", {"verb": "pause"})
        assert reply.status == 409 and not live.source.paused


async def test_the_overview_names_a_source_whose_trouble_lasts_or_that_put_something_aside() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        await send(p, {"kind": "shop.paid"})
        live = p.s.services.sources.sources.get(ORG, "shop")
        now_ms = p.s.clock.now_ms()
        assert "shop" not in text(await browser.get("/console/o/7?part=now"))
        live.troubled("The broker must answer; it does not.", now_ms)
        assert "broker" not in text(await browser.get("/console/o/7?part=now"))
        live.trouble_since_ms = now_ms - 60_000
        page = text(await browser.get("/console/o/7?part=now"))
        assert "shop</b> is in trouble: The broker must answer" in page and f'href="{at}"' in page
        live.well()
        await send(p, {"other": 1})
        assert "1 is set aside" in text(await browser.get("/console/o/7"))


async def test_a_table_is_taken_over_by_the_platform_after_a_question() -> None:
    async with pages() as p:
        browser, boss = await p.browser(), await p.platform()
        shop = Connection("shop", "outbox", {}, None)
        p.s.parts.sources.sources.connections = {"shop": shop}
        body: dict[str, Any] = {"name": "shop", "type": "outbox", "connection": "shop"}
        live = await p.s.services.sources.sources.create(p.s.access.caller_of("org7"), body)
        at = f"{AT}/{live.id}"
        assert "take-over" not in text(await browser.get(at))
        page = text(await boss.get(at))
        [form] = re.findall(rf"<form[^>]*{at}/take-over[^>]*>", page)
        assert "no other installation of Tidings does" in unescape(form) and "data-confirm" in form
        assert (await browser.post(f"{at}/take-over")).status == 403
        number = live.stored.number
        assert await p.s.store.table_owner(number) is None
        done = await boss.post(f"{at}/take-over")
        assert done.status == 303
        assert await p.s.store.table_owner(number) == TableOwner(number, takes_over=True)
        other = await make(p, name="calls")
        assert "take-over" not in text(await boss.get(other))
        assert (await boss.post(f"{other}/take-over")).status == 404


async def test_the_page_says_how_many_ids_are_of_another_event_and_which_field_differs() -> None:
    mapping = {
        "eventName": {"constant": "shop.paid"},
        "eventId": {"path": "order.id"},
        "data": {"path": "order"},
    }
    async with pages() as p:
        browser = await p.browser()
        at = await make(p, mapping=mapping)
        for count in range(3):
            await send(p, {"order": {"id": f"o{count}", "total": 1}}, webhook_id=f"a{count}")
        assert "id of another event" not in text(await browser.get(at))
        await send(p, {"order": {"id": "o0", "total": 2}}, webhook_id="b0")
        page = text(await browser.get(at))
        assert "1 has the id of another event: <code>data.total</code> differs" in page
        for count in (1, 2):
            await send(
                p, {"order": {"id": f"o{count}", "total": 1, "till": 2}}, webhook_id=f"b{count}"
            )
        await send(p, {"other": 1}, webhook_id="c")
        for shown in (await browser.get(at), await browser.get(f"{at}?part=now&seen=")):
            said = text(shown)
            assert "3 have the id of another event: <code>data.till</code> differs" in said
            assert "1 is set aside and waits until you fix the mapping" in said
