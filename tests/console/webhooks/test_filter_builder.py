"""A filter is built on the form of a webhook: rows, what they offer, and JSON for who wants it."""

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

import pytest

from tests.console.webhook_client import FORM, Pages, pages, text
from tests.engine.audit.kept_log import entries_of
from tidings.core.ids import OrgId
from tidings.core.shaping.filters.conditions import CONDITIONS_MAX
from tidings.core.shaping.filters.operator_list import FILTER_OPERATORS
from tidings.store import port

ORG = OrgId(7)
AT = "/console/o/7/webhooks"
EVIL = "\"><img src=x onerror=__xss(1)>'{{ 7 * 7 }}"
Row = tuple[str, str, str]


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def rows(*filled: Row, group: int = 0, **more: Any) -> dict[str, Any]:
    """The fields of a page with these rows in one group."""
    return (
        FORM
        | {
            "filterAs": "rows",
            "conditionGroup": [str(group)] * len(filled),
            "conditionPath": [path for path, _, _ in filled],
            "conditionOperator": [operator for _, operator, _ in filled],
            "conditionValue": [value for _, _, value in filled],
        }
        | more
    )


def fields(page: str) -> dict[str, Any]:
    """The fields of the builder on a page, as a browser would send them back."""
    builder = page[page.index('id="filter-builder"') :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<(?:input|select)[^>]*name=\"(?:filter|condition)[^>]*>", builder):
        name = str(re.findall(r'name="([^"]*)"', tag)[0])
        value = re.findall(r'value="([^"]*)"', tag)
        if tag.startswith("<select"):
            options = builder[builder.index(tag) + len(tag) :].partition("</select>")[0]
            value = re.findall(r'value="([^"]*)" selected', options)
            builder = builder.replace(tag, "", 1)
        found.setdefault(name, []).append(unescape(value[0]))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


async def accept(p: Pages, number: int, data: Mapping[str, Any], org: int = 7) -> None:
    event_fields = {"eventName": "pointsIssued", "eventId": id_of(number), "data": data}
    event = port.NewEvent(
        OrgId(org),
        "pointsIssued",
        id_of(number),
        b"12345678",
        json.dumps(event_fields).encode(),
        b"",
        None,
        [],
    )
    await p.s.store.commit(port.Batch(p.s.registry.version, [event]))


async def looked_at(p: Pages) -> list[str]:
    """The events of whose payloads the audit log says that somebody has seen them."""
    await p.s.parts.running.views.write()
    return [look.object for look in entries_of(p.s.store, ORG) if look.action == "payload.viewed"]


async def test_rows_are_saved_as_the_filter_that_the_api_takes() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = rows(
            ("data.totalPointsIssued", "gte", "100"),
            ("data.triggeringActivity.name", "in", "TransactionAdd, ManualPointsAdjustment"),
            ("", "eq", ""),
            ("data.refId", "not exists", ""),
        )
        assert "whsec_" in text(await browser.post(f"{AT}/new", form))
        (record,) = p.s.webhooks.list(ORG)
        assert record.config.settings.filter == {
            "all": [
                {"path": "data.totalPointsIssued", "gte": 100},
                {
                    "path": "data.triggeringActivity.name",
                    "in": ["TransactionAdd", "ManualPointsAdjustment"],
                },
                {"path": "data.refId", "exists": False},
            ]
        }


FILTERS = [
    None,
    {"path": "data.totalPointsIssued", "gte": 100, "lt": 1000},
    {"all": [{"any": [{"path": "data.a", "eq": "300"}, {"path": "data.a", "eq": 300}]}]},
    {"not": {"any": [{"path": "data.a", "prefix": " x"}, {"path": "data.b", "in": ["a, b", 1]}]}},
    {"all": [{"path": "data.a", "eq": "\u202eevil\n"}, {"any": [{"path": "d[*].e", "lt": 1.5}]}]},
    {"path": "data.items[*].n", "gte": 1, "lt": 9},
    {"path": "data.a", "in": ["x" * 1000, "y" * 1000, "z" * 1000, "w" * 1000, "v" * 1000]},
]


@pytest.mark.parametrize("filter", FILTERS, ids=map(str, range(len(FILTERS))))
async def test_a_filter_that_nobody_changes_on_the_form_is_saved_word_by_word(
    filter: dict[str, Any] | None,
) -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(filter=filter)
        form = fields(text(await browser.get(f"{AT}/{webhook}/edit")))
        if form["filterAs"] == "json":
            page = text(await browser.get(f"{AT}/{webhook}/edit"))
            found = re.search(r'name="filter"[^>]*>(.*?)</textarea>', page, re.DOTALL)
            assert found is not None
            form["filter"] = unescape(found[1])
        saved = await browser.post(f"{AT}/{webhook}/edit", FORM | form | {"version": "1"})
        assert saved.status == 303
        kept = p.s.webhooks.get(ORG, webhook).config.settings.filter
        assert json.dumps(kept) == json.dumps(filter)


async def test_json_and_rows_lead_to_each_other_and_keep_the_meaning() -> None:
    async with pages() as p:
        browser = await p.browser()
        raw = {"filter": '{"any": [{"path": "data.a", "eq": "1"}, {"path": "b", "eq": 2}]}'}
        shown = text(await browser.post(f"{AT}/filter/rows", FORM | raw, hx_request="true"))
        assert "<html" not in shown and '"filterAs" value="rows"' in shown
        form = fields(shown)
        assert form["conditionValue"] == ['"1"', "2"] and form["conditionsJoined0"] == "any"
        form["conditionValue"] = ['"1"', "3"]
        back = text(await browser.post(f"{AT}/filter/json", FORM | form, hx_request="true"))
        assert '"filterAs" value="json"' in back
        found = re.search(r'name="filter"[^>]*>(.*?)</textarea>', back, re.DOTALL)
        assert found is not None and json.loads(unescape(found[1])) == {
            "any": [{"path": "data.a", "eq": "1"}, {"path": "b", "eq": 3}]
        }


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ('{"path": "items[*].n", "gte": 1, "lt": 9}', "Conditions cannot show this filter"),
        ("{no json", "filter must be JSON"),
    ],
)
async def test_what_rows_cannot_show_stays_json_as_it_was_typed(raw: str, why: str) -> None:
    async with pages() as p:
        browser = await p.browser()
        for headers in ({"hx_request": "true"}, {}):
            form = FORM | {"filter": raw, "filterAs": "json"}
            shown = text(await browser.post(f"{AT}/filter/rows", form, **headers))
            assert why in shown and '"filterAs" value="json"' in shown
            found = re.search(r'name="filter"[^>]*>(.*?)</textarea>', shown, re.DOTALL)
            assert found is not None and unescape(found[1]) == raw


async def test_rows_and_groups_come_and_go_also_without_scripts() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = FORM | fields(text(await browser.get(f"{AT}/new?event=pointsIssued")))
        form |= {"conditionPath": "data.a", "conditionValue": "1"}
        page = text(await browser.post(f"{AT}/filter/add-0", form))
        assert "<html" in page and 'value="Acme CRM"' in page, "nothing typed is lost"
        form = FORM | fields(page)
        assert form["conditionPath"] == ["data.a", ""]
        form |= {"conditionPath": ["data.a", "data.b"], "conditionValue": ["1", "2"]}
        form = FORM | fields(text(await browser.post(f"{AT}/filter/group", form)))
        assert form["conditionGroup"] == ["0", "0", "1"]
        form |= {"conditionPath": ["data.a", "data.b", "c"], "conditionValue": ["1", "2", "3"]}
        form = FORM | fields(text(await browser.post(f"{AT}/filter/add-1", form)))
        form |= {"conditionPath": ["data.a", "data.b", "c", "d"]}
        form |= {"conditionValue": ["1", "2", "3", "4"], "conditionsJoined": "any"}
        form |= {"conditionsJoined1": "all"}
        form = FORM | fields(text(await browser.post(f"{AT}/filter/drop-1", form)))
        assert form["conditionPath"] == ["data.a", "c", "d"]
        await browser.post(f"{AT}/new", form)
        (record,) = p.s.webhooks.list(ORG)
        tests = [{"path": path, "eq": number} for path, number in (("c", 3), ("d", 4))]
        assert record.config.settings.filter == {
            "any": [{"path": "data.a", "eq": 1}, {"all": tests}]
        }


async def test_the_last_row_leaves_a_blank_one_and_there_are_no_more_than_fit() -> None:
    async with pages() as p:
        browser = await p.browser()
        left = text(await browser.post(f"{AT}/filter/drop-0", rows(("a", "eq", "1"))))
        assert fields(left)["conditionPath"] == ""
        many = [("a", "eq", "1")] * CONDITIONS_MAX
        full = text(await browser.post(f"{AT}/filter/add-0", rows(*many), hx_request="true"))
        assert len(fields(full)["conditionPath"]) == CONDITIONS_MAX
        assert "Add a condition" not in full and "Add a group" not in full
        assert (await browser.post(f"{AT}/filter/nothing", rows())).status == 404


async def test_each_refusal_stands_at_its_row_and_every_row_is_named() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = rows(("data.a", "eq", "1"), ("data..b", "eq", "1"), ("data.c", "gte", ""))
        answer = await browser.post(f"{AT}/new", form)
        page = unescape(text(answer))
        assert answer.status == 400 and p.s.webhooks.list(ORG) == []
        parts = page.split('role="group" aria-label="Condition ')[1:]
        assert [part[0] for part in parts] == ["1", "2", "3"]
        alerts = [re.findall(r'role="alert">([^<]*)', part.partition("</fieldset>")[0])
                  for part in parts]  # fmt: skip
        assert alerts[0] == []
        assert alerts[1][0].startswith("path must be a path of names")
        assert alerts[2][0].startswith("gte must be given a value")
        for part in parts:
            for label in ("Field of", "Operator of", "Value of"):
                assert f'aria-label="{label} condition {part[0]}"' in part
            assert f'>Remove<span class="quiet"> condition {part[0]}' in part
        assert 'value="data..b"' in page, "what was typed is still there"


async def test_fields_come_from_the_chosen_types_and_operators_suit_them() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = rows(("data.totalPointsIssued", "eq", ""), ("data.refund", "eq", ""))
        page = unescape(text(await browser.post(f"{AT}/filter/rows", form, hx_request="true")))
        assert '<option value="data.totalPointsIssued">number · ' in page
        assert '<option value="data.promotionalPointsIssued[*].promotionType">string' in page
        first, second = page.split('role="group" aria-label="Condition ')[1:]
        assert "Number. " in first
        offered = re.findall(r'<option value="([a-z ]+)"', first.partition("</select>")[0])
        suiting = {name for name, each in FILTER_OPERATORS.items() if "number" in each.suits}
        assert {name.removeprefix("not ") for name in offered} == suiting
        assert "do not name this field" in second
        unknown = re.findall(r'<option value="([a-z ]+)"', second.partition("</select>")[0])
        assert {name.removeprefix("not ") for name in unknown} == set(FILTER_OPERATORS)
        kept = rows(("data.totalPointsIssued", "prefix", "1"))
        page = text(await browser.post(f"{AT}/filter/rows", kept, hx_request="true"))
        assert '<option value="prefix" selected>' in page, "what was chosen is never lost"


async def values_offered(
    p: Pages, row: Row, scopes: str = "*", names: str | Sequence[str] = "pointsIssued"
) -> list[str]:
    browser = await p.browser(scopes=scopes)
    form = rows(row) | {"eventNames": names}
    answer = await browser.post(f"{AT}/filter/values/0", form, hx_request="true")
    assert answer.status == 200
    return [unescape(value) for value in re.findall(r'<option value="([^"]*)">', text(answer))]


async def test_values_are_those_of_recent_events_and_each_look_is_recorded() -> None:
    async with pages() as p:
        for number, value in enumerate(["gold", "300.000", 7, "gold", None, "a, b"]):
            await accept(p, number, {"tier": value})
        await accept(p, 90, {"tier": "theirs"}, org=8)
        assert await values_offered(p, ("data.tier", "eq", "")) == [
            "a, b",
            "gold",
            "7",
            '"300.000"',
        ]
        assert sorted(await looked_at(p)) == [id_of(1), id_of(2), id_of(3), id_of(5)]
        assert await values_offered(p, ("data.tier", "gte", "")) == ["a, b", "gold", "7", "300.0"]
        assert await values_offered(p, ("data.tier", "prefix", "")) == ["a, b", "gold", "300.000"]
        assert await values_offered(p, ("data.tier", "in", "gold")) == [
            'gold, "a, b"',
            "gold, 7",
            'gold, "300.000"',
        ]
        assert await values_offered(p, ("data.tier", "exists", "")) == []
        assert await values_offered(p, ("eventName", "eq", "")) == ["pointsIssued"]


async def test_values_are_for_who_may_read_the_log_and_never_of_personal_data() -> None:
    async with pages() as p:
        customer = {"mobile": "15550100", "Instore": {"mobile": "15550101"}}
        await accept(p, 1, {"tier": "gold", "customerIdentifiers": customer})
        assert await values_offered(p, ("data.tier", "eq", ""), scopes="webhooks:write") == []
        for path in (
            "data.customerIdentifiers.mobile",
            "data.customerIdentifiers.instore.mobile",
            "data.customerIdentifiers.Instore.mobile",
        ):
            assert await values_offered(p, (path, "eq", "")) == []
        assert await values_offered(p, ("data.tier", "eq", ""), names="rewardIssued") == []
        assert await looked_at(p) == []
        assert await values_offered(p, ("data.tier", "eq", "")) == ["gold"], "they would be offered"


async def test_what_strangers_have_written_is_shown_as_text() -> None:
    async with pages() as p:
        browser = await p.browser()
        schema = {
            "type": "object",
            "properties": {EVIL.replace(".", ""): {"type": "string", "description": EVIL,
                                                   "enum": [EVIL]}},
        }  # fmt: skip
        await p.s.event_types.put(ORG, "evil", {"description": EVIL, "schema": schema})
        path = "data." + EVIL.replace(".", "")
        form = rows((path, "eq", EVIL), (path, "<u>", "<u>")) | {"eventNames": "evil"}
        for address in ("filter/rows", "filter/add-0", "filter/json", "filter/values/0", "new"):
            page = text(await browser.post(f"{AT}/{address}", form))
            assert "<img src=x" not in page and "<u>" not in page, address
        page = text(await browser.post(f"{AT}/filter/rows", form))
        assert unescape(page).count(EVIL) > 2, "it is there"


# -- how many of the last events ------------------------------------------------------------------


async def matches(p: Pages, *filled: Row, scopes: str = "*", **more: Any) -> str:
    browser = await p.browser(scopes=scopes)
    form = rows(*filled) | more
    return unescape(text(await browser.post(f"{AT}/filter/matches", form, hx_request="true")))


async def test_the_form_says_how_many_match_which_is_the_newest_and_why_another_is_not() -> None:
    async with pages() as p:
        for number in range(20):
            await accept(p, number, {"totalPointsIssued": number, "tier": "gold"})
        page = await matches(p, ("data.totalPointsIssued", "lt", "15"), ("data.tier", "eq", "gold"))
        assert "15 of the last 20 events match." in page
        assert f"/events/{id_of(14)}" in page and f"/events/{id_of(19)}" in page
        assert "data.totalPointsIssued must be below 15; got number 19." in page
        assert '"totalPointsIssued": 14' in page, "the payload of the newest that matches"
        assert sorted(await looked_at(p)) == [id_of(14), id_of(19)]
        none = await matches(p, ("data.totalPointsIssued", "gt", "99"))
        assert (
            "Its filter matches none of the last 20 events of its types: "
            "data.totalPointsIssued must be above 99; got number 19." in none
        )


@pytest.mark.parametrize(
    ("filled", "more", "said"),
    [
        ((), {}, "No filter is set"),
        ([("data.a", "eq", "1")], {"eventNames": []}, "Choose an event"),
        ([("data.a", "eq", "1")], {"eventNames": "rewardIssued"}, "No event of these types"),
        ([("data..a", "eq", "1")], {}, "path must be a path"),
        ([("data.a", "eq", "1")], {"scopes": "webhooks:write"}, "Counting takes the scope"),
    ],
)
async def test_where_nothing_can_be_counted_it_says_why(
    filled: Sequence[Row], more: dict[str, Any], said: str
) -> None:
    async with pages() as p:
        await accept(p, 1, {"a": "secret value"})
        page = await matches(p, *filled, **more)
        assert said in page and "secret value" not in page
        assert await looked_at(p) == []


async def test_without_scripts_what_matches_is_a_page_of_its_own() -> None:
    async with pages() as p:
        await accept(p, 1, {"a": 1})
        browser = await p.browser()
        page = text(await browser.post(f"{AT}/filter/matches", rows(("data.a", "eq", "1"))))
        assert "<html" in page and "1 of the last 1 event matches." in page
