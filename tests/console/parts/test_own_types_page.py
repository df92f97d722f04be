"""The pages of an org's own event types: all of them, and the form with its check."""

from html import unescape
from urllib.parse import unquote

import msgspec

from tests.api.control_client import basic, call
from tests.console.webhook_client import pages, text
from tidings.core.ids import OrgId

AT, ORG = "/console/o/7/event-types", OrgId(7)
SCHEMA = '{"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}'
FORM = {
    "eventName": "orderPacked",
    "description": "An order is packed.",
    "schema": SCHEMA,
    "example": '{"id": "O-71"}',
    "key": "data.id",
    "do": "save",
}
KEPT = {name: text for name, text in FORM.items() if name not in ("eventName", "do")}


async def test_the_form_declares_a_type_as_the_api_would_and_the_list_shows_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "No event type of your own yet" in text(await browser.get(AT))
        made = await browser.post(f"{AT}/new", FORM)
        assert (
            made.status == 303 and made.headers["location"] == "/console/o/7/catalogue/orderPacked"
        )
        assert "orderPacked is declared, version 1." in unquote(made.headers["set-cookie"])
        record = p.s.event_types.record(ORG, "orderPacked")
        assert record.declaration.schema == msgspec.json.decode(SCHEMA)
        assert record.declaration.example == {"id": "O-71"}
        assert record.declaration.key == "data.id"
        page = text(await browser.get(AT))
        assert "An order is packed." in page and f'href="{AT}/orderPacked/edit"' in page
        kind = text(await browser.get("/console/o/7/catalogue/orderPacked"))
        assert f'href="{AT}/orderPacked/edit"' in kind
        audit = text(await browser.get("/console/o/7/audit?kind=event_type"))
        assert "orderPacked" in audit, "the entry that the API makes"


async def test_a_check_says_that_the_sample_matches_and_saves_nothing() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = unescape(text(await browser.post(f"{AT}/new", FORM | {"do": "check"})))
        assert "The sample matches the schema" in page and "Nothing is saved yet." in page
        assert '"O-71"' in page, "what was typed stays"
        assert not p.s.event_types.records(ORG)
        none = text(await browser.post(f"{AT}/new", FORM | {"do": "check", "example": ""}))
        assert "There is no sample" in none and "matches" not in none


async def test_a_sample_that_does_not_match_is_told_with_its_path_in_the_words_of_the_api() -> None:
    async with pages() as p:
        browser = await p.browser()
        auth = {"authorization": basic("org7", "secret")}
        body = {"description": "?", "schema": msgspec.json.decode(SCHEMA), "example": {"id": 7}}
        path = "/v1/eventTypes/orderPacked"
        refused = await call(p.app, "PUT", path, msgspec.json.encode(body), auth)
        message = refused.json["error"]["message"]
        assert refused.status == 400 and "data.id" in message
        for do in ("check", "save"):
            told = await browser.post(f"{AT}/new", FORM | {"do": do, "example": '{"id": 7}'})
            assert told.status == 400
            assert f'id="h-example" role="alert">{message}' in unescape(text(told))
        assert not p.s.event_types.records(ORG)


async def test_each_field_tells_what_is_wrong_with_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        for field, wrong in {
            "eventName": "1st",
            "description": "",
            "schema": '{"type": "object", "madeUp": 1}',
            "example": "{",
            "key": "not a path",
        }.items():
            told = await browser.post(f"{AT}/new", FORM | {field: wrong})
            assert told.status == 400 and f'id="h-{field}" role="alert"' in text(told), field
        for name in ("pointsIssued", "orderPacked"):
            await p.s.event_types.put(ORG, "orderPacked", {"description": "?", "schema": {}})
            told = await browser.post(f"{AT}/new", FORM | {"eventName": name})
            assert told.status == 409 and 'id="h-eventName" role="alert"' in text(told), name
        deep = await browser.post(f"{AT}/new", FORM | {"example": "[" * 70 + "]" * 70})
        assert deep.status == 400 and "levels" in text(deep)


async def test_a_change_that_breaks_the_newest_version_takes_the_tick_for_a_new_one() -> None:
    async with pages() as p:
        browser = await p.browser()
        await browser.post(f"{AT}/new", FORM)
        edit = f"{AT}/orderPacked/edit"
        assert "data.id" in text(await browser.get(edit))
        broken = KEPT | {"schema": SCHEMA.replace('"string"', '"integer"'), "example": '{"id": 7}'}
        for do in ("check", "save"):
            told = await browser.post(edit, broken | {"do": do})
            assert told.status == 409 and 'id="h-schema" role="alert"' in text(told)
        assert p.s.event_types.versions(ORG, "orderPacked") == [1]
        assert (await browser.post(edit, broken | {"do": "save", "newVersion": "on"})).status == 303
        assert p.s.event_types.versions(ORG, "orderPacked") == [1, 2]


async def test_a_type_that_is_none_of_the_orgs_own_cannot_be_edited() -> None:
    async with pages() as p:
        browser = await p.browser()
        await p.s.add_org(8)
        await p.s.event_types.put(OrgId(8), "theirs", {"description": "?", "schema": {}})
        for name in ("pointsIssued", "theirs", "nothing"):
            assert (await browser.get(f"{AT}/{name}/edit")).status == 404
            assert (await browser.post(f"{AT}/{name}/edit", KEPT)).status == 404


async def test_who_may_only_read_sees_the_list_and_no_way_to_change_it() -> None:
    async with pages() as p:
        browser = await p.browser(scopes="webhooks:read")
        await p.s.event_types.put(ORG, "shopVisited", {"description": "?", "schema": {}})
        page = text(await browser.get(AT))
        assert "shopVisited" in page and "/edit" not in page and "/event-types/new" not in page
        assert "/edit" not in text(await browser.get("/console/o/7/catalogue/shopVisited"))
