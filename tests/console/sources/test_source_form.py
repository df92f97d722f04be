"""The form of a source: what it makes, what it refuses and where, and its dry run."""

import json
import re
from html import unescape
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
import pytest

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
from tidings.console.pages.sources import form as source_form
from tidings.core.connections.connection import Connection
from tidings.core.declaration import Field, declared
from tidings.core.field_types import BooleanType, Choice, CustomField
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.sources.source import FIELDS, Source
from tidings.core.sources.source_types import KINDS
from tidings.core.sources.verification import LABELS, HmacHeader, StandardWebhooks, StaticHeader
from tidings.store.port import EventQuery

STATIC = "verification.header"
FORM = {
    "name": "shop",
    "type": "webhook",
    "verification": "header",
    f"{STATIC}.header": "X-Key",
    f"{STATIC}.value": VALUE,
    "mapping": json.dumps(MAPPING),
    "messageId": '{"path": "id"}',
}
SAMPLE = {"sampleHeaders": f"X-Key: {VALUE}\r\n\r\nx-other: a: b", "sampleBody": '{"kind": "a.b"}'}


async def test_a_source_is_made_of_the_form_and_takes_messages_at_its_address() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.s.orgs.change(ORG, {"settings": {"unknownTypes": "admitted"}}, platform=True)
        page = text(await browser.get(f"{AT}/new"))
        for said in (*LABELS.values(), "X-Shop-Topic"):
            assert said in page
        made = await browser.post(f"{AT}/new", FORM)
        assert made.status == 303 and "shop was created." in unquote(made.headers["set-cookie"])
        live = p.s.services.sources.sources.get(ORG, "shop")
        assert made.headers["location"] == f"{AT}/{live.id}"
        assert live.source.verification == StaticHeader("X-Key", VALUE)
        assert (await send(p, {"kind": "a.b", "id": "m1"})).json["accepted"] == 1
        assert (await send(p, {"kind": "a.b", "id": "m1"})).json["duplicates"] == 1


async def test_each_scheme_has_its_own_fields_and_what_may_be_empty_is_left_to_its_default() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        hmac = "verification.hmac"
        form = FORM | {
            "verification": "hmac",
            f"{hmac}.header": "X-Sig",
            f"{hmac}.secret": "0123456789abcdef",
            f"{hmac}.hash": "sha512",
            f"{hmac}.encoding": "base64",
            f"{hmac}.timestampHeader": "X-At",
            f"{hmac}.separator": "",
        }
        assert (await browser.post(f"{AT}/new", form)).status == 303
        scheme = p.s.services.sources.sources.get(ORG, "shop").source.verification
        assert isinstance(scheme, HmacHeader) and scheme.header == "X-Sig"
        assert (scheme.hash, scheme.encoding, scheme.prefix) == ("sha512", "base64", "")
        assert (scheme.timestamp_header, scheme.separator) == ("X-At", "")
        secret = show_secret(b"s" * 32)
        signed = {
            "verification": "standardWebhooks",
            "verification.standardWebhooks.secret": secret,
        }
        await browser.post(f"{AT}/new", FORM | signed | {"name": "other"})
        scheme = p.s.services.sources.sources.get(ORG, "other").source.verification
        assert scheme == StandardWebhooks(secret)


async def test_each_refusal_stands_beside_its_field_and_nothing_typed_is_lost() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = FORM | {
            "name": "Shop!",
            f"{STATIC}.header": "no header",
            f"{STATIC}.value": "short",
            "mapping": '{"eventName": {"nope": 1}}',
            "messageId": "{no json",
        }
        answer = await browser.post(f"{AT}/new", form)
        page = unescape(text(answer))
        assert answer.status == 400 and not p.s.services.sources.sources.of(ORG)
        said = {
            field: (re.search(rf'id="h-{re.escape(field)}"[^>]*>([^<]*)', page) or [""] * 2)[1]
            for field in ("name", f"{STATIC}.header", f"{STATIC}.value", "mapping", "messageId")
        }
        assert said["name"].startswith("name must be 1 to 63")
        assert "header must be a header's name" in said[f"{STATIC}.header"]
        assert "value must be text of 16 to 1024" in said[f"{STATIC}.value"]
        assert "field mapping.eventName" in said["mapping"]
        assert "messageId must be JSON" in said["messageId"]
        assert 'value="Shop!"' in page and "{no json" in page and 'value="no header"' in page
        broken = await browser.post(f"{AT}/new", FORM | {"mapping": "{", "name": XSS})
        assert "mapping must be JSON" in text(broken) and "<script>alert" not in text(broken)
        await browser.post(f"{AT}/new", FORM)
        taken = await browser.post(f"{AT}/new", FORM)
        assert taken.status == 400 and "must be unique in the org" in unescape(text(taken))


async def test_a_change_keeps_the_secrets_whose_ends_are_shown() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        page = text(await browser.get(f"{at}/edit"))
        assert VALUE not in page and 'value="…long"' in page
        form = await filled(p, at, mapping='{"eventName": {"constant": "a.b"}}')
        saved = await browser.post(f"{at}/edit", form)
        assert saved.status == 303 and "Saved;" in unquote(saved.headers["set-cookie"])
        assert (await send(p, {})).json["accepted"] == 1, "by the value that was kept"
        wrong = await browser.post(f"{at}/edit", form | {f"{STATIC}.value": "…gone"})
        assert wrong.status == 400 and "got another masked value" in text(wrong)
        new = form | {f"{STATIC}.value": "another value, long", f"{STATIC}.previousValue": VALUE}
        await browser.post(f"{at}/edit", new)
        assert (await send(p, {})).status == 202
        assert (await send(p, {}, x_key="another value, long")).status == 202
        await browser.post(f"{at}/edit", form | {"mapping": "", f"{STATIC}.value": "…long"})
        assert p.s.services.sources.sources.get(ORG, "shop").source.mapping is None


async def test_a_dry_run_shows_what_a_message_would_become_and_keeps_nothing() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        form = FORM | SAMPLE | {"messageId": ""}
        for path, fields in ((f"{AT}/try", form), (f"{at}/try", await filled(p, at, **SAMPLE))):
            tried = await browser.post(path, fields, hx_request="true")
            part = unescape(text(tried))
            assert tried.status == 200 and "<html" not in part
            assert "The sender would be verified." in part and "An event would be accepted." in part
            assert (
                '"eventName": "a.b"' in part and "It has no id to recognize duplicates by" in part
            )
            whole = await browser.post(path, fields)
            page = unescape(text(whole))
            assert whole.status == 200 and "An event would be accepted." in page
            assert "x-other: a: b" in page and '{"kind": "a.b"}' in page, "what was typed stays"
        stranger = form | {"sampleHeaders": "x-key: nobody, at all"}
        part = text(await browser.post(f"{AT}/try", stranger, hx_request="true"))
        assert "would be answered with 401" in part and "has another value" in part
        aside = form | {"sampleBody": '{"n": 1}'}
        part = text(await browser.post(f"{AT}/try", aside, hx_request="true"))
        assert "It would be set aside:" in part and "eventName must stand at kind" in part
        mapping = {"eventName": {"path": "kind", "names": {"*": None}}}
        passed = form | {"mapping": json.dumps(mapping)}
        part = text(await browser.post(f"{AT}/try", passed, hx_request="true"))
        assert "It would be skipped: the mapping says so." in part
        assert not (await p.s.store.log_events(EventQuery(ORG))).events
        assert [live.source.name for live in p.s.services.sources.sources.of(ORG)] == ["shop"]
        assert p.s.services.sources.sources.get(ORG, "shop").source.mapping is not None
        assert not await asides(p)


async def test_a_mapping_is_tried_before_it_is_known_how_its_sender_is() -> None:
    async with pages() as p:
        browser = await p.browser()
        await make(p)
        form = SAMPLE | {"type": "webhook", "verification": "hmac", "mapping": FORM["mapping"]}
        part = unescape(text(await browser.post(f"{AT}/try", form, hx_request="true")))
        assert "is not known yet. header must be a header's name" in part
        assert "An event would be accepted." in part
        broken = form | {"mapping": "{"}
        part = text(await browser.post(f"{AT}/try", broken, hx_request="true"))
        assert "mapping must be JSON" in part and "would be accepted" not in part
        line = form | {"sampleHeaders": "no colon"}
        part = text(await browser.post(f"{AT}/try", line, hx_request="true"))
        assert "Each line must be a header" in part


async def test_a_message_put_aside_is_the_sample_of_a_changed_mapping() -> None:
    async with pages() as p:
        browser = await p.browser()
        at = await make(p)
        await send(p, {"type": "a.b", "said": XSS}, x_shop="mumbai")
        (aside,) = await asides(p)
        assert f"{at}/edit?sample={aside}" in text(await browser.get(f"{at}/aside/{aside}"))
        page = text(await browser.get(f"{at}/edit?sample={aside}"))
        assert "x-shop: mumbai" in page and "<script>alert" not in page
        assert (await browser.get(f"{at}/edit?sample=asd_1")).status == 404
        await send(p, b"\xff")
        binary = text(await browser.get(f"{at}/edit?sample={(await asides(p))[0]}"))
        assert "is not text: write a similar one" in binary
        form = await filled(p, at, mapping='{"eventName": {"path": "type"}}')
        sample = {"sampleHeaders": "x-key: …long", "sampleBody": '{"type": "a.b"}'}
        part = text(await browser.post(f"{at}/try", form | sample, hx_request="true"))
        assert "An event would be accepted." in part
        assert "The headers contain only the end of a secret" in part


async def test_only_the_platform_is_asked_whose_events_a_source_brings() -> None:
    async with pages() as p:
        mine, platform = await p.browser(), await p.platform()
        assert 'name="orgs"' not in text(await mine.get(f"{AT}/new"))
        assert 'name="orgs"' in text(await platform.get(f"{AT}/new"))
        refused = await mine.post(f"{AT}/new", FORM | {"orgs": "named"})
        assert refused.status == 403 and "platform_only" in text(refused)
        assert (await platform.post(f"{AT}/new", FORM | {"orgs": "named"})).status == 303
        assert p.s.services.sources.sources.get(ORG, "shop").source.orgs == "named"


# -- further types of source ----------------------------------------------------------------------


class _Later(Source, frozen=True):
    """A source with fields of a type that the page has never heard of."""

    topic: Annotated[
        str,
        Field(
            "topic",
            CustomField(lambda *_: "", schema={"type": "string"}),
            "Where its messages are.",
        ),
    ] = "events"
    start: Annotated[
        str, Field("start", Choice(("earliest", "latest"), "bad_start"), "Where it begins.")
    ] = "earliest"
    fast: Annotated[bool, Field("fast", BooleanType(), "Whether it hurries.")] = False
    further: Annotated[
        dict[str, Any] | None,
        Field(
            "further",
            CustomField(
                lambda *_: None,
                schema={
                    "type": "object",
                    "properties": {"rows": {"description": "How many at once."}},
                },
            ),
            "What else it takes.",
        ),
    ] = None


def test_fields_of_a_further_type_are_asked_for_by_what_they_may_be() -> None:
    asked = source_form.extras("broker", new=True, fields=declared(_Later))
    named = {field.name: field for field in asked if field.name not in {two.name for two in FIELDS}}
    controls = {name: source_form.control(field) for name, field in named.items()}
    assert controls == {"topic": "text", "start": "choice", "fast": "tick", "further": "json"}
    said = source_form.hint(named["further"])
    assert said == 'Such as {"rows": "…"}. What else it takes. rows: How many at once.'


def test_every_field_of_a_source_has_a_place_on_the_page_of_its_type() -> None:
    by_hand = {"name", "type", "verification", "messageId", "mapping", "orgs", "paused"}
    placed = {extra.name for kind in KINDS for extra in source_form.extras(kind, new=True)}
    assert {field.name for field in FIELDS} <= by_hand | placed


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_page_of_a_source_holds_is_read_back_as_it_was(kind: str) -> None:
    shown = source_form.fresh(kind)
    sent = source_form.of_form(shown.texts, kind)
    assert msgspec.structs.asdict(sent) == msgspec.structs.asdict(shown)


async def test_a_source_that_is_fetched_is_made_of_the_fields_of_its_type() -> None:
    async with pages() as p:
        browser = await p.browser()
        new = f"{AT}/new?type=kafka"
        p.s.services.sources.sources.connections = {}
        assert "has declared no connection of this type" in text(await browser.get(new))
        p.s.services.sources.sources.connections = {
            "main": Connection("main", "kafka", {}, orgs=None),
            "theirs": Connection("theirs", "kafka", {}),
            "rows": Connection("rows", "outbox", {}, orgs=None),
        }
        page = unescape(text(await browser.get(new)))
        assert re.findall(r'<option value="([^"]*)"', page) == ["main"]
        assert "verification" not in page and "topics: Where its messages are." in page
        assert '"startAt": "earliest"' in page
        form = {"type": "kafka", "name": "events", "connection": "main"}
        wrong = await browser.post(f"{AT}/new", form | {"kafka": '{"topics": []}'})
        assert wrong.status == 400 and "must be a list of 1 to 20 topics" in unescape(text(wrong))
        form |= {"kafka": '{"topics": ["loyalty.events"]}'}
        made = await browser.post(f"{AT}/new", form)
        assert made.status == 303, text(made)
        at, live = made.headers["location"], p.s.services.sources.sources.get(ORG, "events")
        paused = await browser.post(f"{at}/say", {"verb": "pause"})
        assert "messages wait where they are" in unquote(paused.headers["set-cookie"])
        await browser.post(f"{at}/say", {"verb": "resume"})
        live.lag, live.trouble = 4711, "The broker must answer; it does not."
        page = unescape(text(await browser.get(at)))
        assert "4,711" in page and "is in trouble: The broker must answer" in page
        assert "loyalty.events" in page and "main" in page and "/in/7/" not in page
        fields = await filled(p, at, mapping=json.dumps(MAPPING))
        assert "connection" not in fields and "loyalty.events" in fields["kafka"]
        part = text(await browser.post(f"{at}/try", fields | SAMPLE, hx_request="true"))
        assert "An event would be accepted" in part or "It would be set aside" in part
        assert "sender" not in part and "duplicate" not in part
        assert (await browser.post(f"{at}/edit", fields)).status == 303
        assert live.source.mapping is not None and live.source.kafka is not None


async def test_of_a_message_that_becomes_many_events_the_first_are_shown_and_the_rest_counted() -> (
    None
):
    async with pages() as p:
        browser = await p.browser()
        await p.s.orgs.change(ORG, {"settings": {"unknownTypes": "admitted"}}, platform=True)
        mapping = {"each": "rows", "eventName": {"path": "kind"}}
        rows = [{"kind": "a.b"}] * 25 + [{"kind": "no name!"}] * 5
        form = FORM | {"mapping": json.dumps(mapping), "messageId": ""}
        sample = SAMPLE | {"sampleBody": json.dumps({"rows": rows})}
        part = text(await browser.post(f"{AT}/try", form | sample, hx_request="true"))
        assert "(20 of 30)" in part and "(21 of 30)" not in part
        assert "The first 20 of 30 items are shown." in part
        assert "Of the others 5 would be accepted, 5 set aside." in part
        few = SAMPLE | {"sampleBody": json.dumps({"rows": rows[:3]})}
        part = text(await browser.post(f"{AT}/try", form | few, hx_request="true"))
        assert "(3 of 3)" in part and "are shown" not in part
