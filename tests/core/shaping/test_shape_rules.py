"""`filter`, `fields`, `rename` and `transformation` of a webhook's body."""

from typing import Any

import pytest

from tidings.core.form import Form
from tidings.core.shaping.shape import Fields
from tidings.core.shaping.shape_rules import (
    read_fields,
    read_filter,
    read_rename,
    read_transformation,
    show_fields,
)

GOLD = {"path": "data.tier", "eq": "gold"}


def read(body: dict[str, Any], old: dict[str, Any] | None = None) -> tuple[Form, dict[str, Any]]:
    old = old or {}
    form = Form(body)
    return form, {
        "filter": read_filter(form, None, old.get("filter")),
        "fields": read_fields(form, None, old.get("fields")),
        "rename": read_rename(form, None, old.get("rename", {})),
        "transformation": read_transformation(form, old.get("transformation"), {"crm", "shop"}),
    }


def test_all_of_them_are_read() -> None:
    form, got = read(
        {
            "filter": GOLD,
            "fields": {"drop": ["data.a", "data.b", "data.a"]},
            "rename": {"data.c": "d"},
            "transformation": "crm",
        }
    )
    assert not form.refusals
    assert got == {
        "filter": GOLD,
        "fields": Fields(drop=("data.a", "data.b")),
        "rename": {"data.c": "d"},
        "transformation": "crm",
    }


def test_what_is_left_out_stays_and_null_takes_it_away() -> None:
    old = {"filter": GOLD, "fields": Fields(keep=("a",)), "rename": {"a": "b"},
           "transformation": "gone-since"}  # fmt: skip
    form, got = read({}, old)
    assert got == old and not form.refusals
    form, got = read({"transformation": "gone-since"}, old)
    assert got == old and not form.refusals  # an answer can be sent back
    form, got = read(dict.fromkeys(old), old)
    assert got == {"filter": None, "fields": None, "rename": {}, "transformation": None}
    assert not form.refusals


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"filter": {"all": [{"path": "a", "is": 1}]}}, "bad_operator", "filter.all[0].is"),
        ({"filter": "x"}, "bad_filter", "filter"),
        (
            {"filter": {"any": [{"path": "a[*]", "contains": "x"}] * 60}},
            "filter_too_large",
            "filter",
        ),
        ({"filter": {"any": [{"path": "a", "in": ["x" * 1000] * 70}]}}, "filter_too_large",
         "filter"),
        ({"fields": ["a"]}, "bad_fields", "fields"),
        ({"fields": {}}, "bad_fields", "fields"),
        ({"fields": {"keep": ["a"], "drop": ["b"]}}, "bad_fields", "fields"),
        ({"fields": {"omit": ["a"]}}, "bad_fields", "fields"),
        ({"fields": {"keep": []}}, "bad_fields", "fields.keep"),
        ({"fields": {"keep": "a"}}, "bad_fields", "fields.keep"),
        ({"fields": {"keep": ["a"] * 201}}, "bad_fields", "fields.keep"),
        ({"fields": {"keep": ["a", "b..c"]}}, "bad_path", "fields.keep[1]"),
        ({"fields": {"keep": [None]}}, "bad_path", "fields.keep[0]"),
        ({"fields": {"drop": ["eventId"]}}, "field_stays", "fields.drop[0]"),
        ({"rename": ["a"]}, "bad_rename", "rename"),
        ({"rename": {f"a{i}": "b" for i in range(101)}}, "bad_rename", "rename"),
        ({"rename": {"a..b": "c"}}, "bad_path", "rename.a..b"),
        ({"rename": {"a": "c.d"}}, "bad_rename", "rename.a"),
        ({"rename": {"a": ""}}, "bad_rename", "rename.a"),
        ({"rename": {"a": 5}}, "bad_rename", "rename.a"),
        ({"rename": {"a[*]": "b"}}, "bad_rename", "rename.a[*]"),
        ({"rename": {"orgId": "org"}}, "field_stays", "rename.orgId"),
        ({"rename": {"refId": "eventId"}}, "bad_rename", "rename.refId"),
        ({"rename": {"data.a": "x", "data.b": "x"}}, "bad_rename", "rename.data.b"),
        ({"transformation": "nope"}, "unknown_transformation", "transformation"),
        ({"transformation": 5}, "unknown_transformation", "transformation"),
        ({"transformation": ["crm"]}, "unknown_transformation", "transformation"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_is_refused_says_where(body: dict[str, Any], code: str, field: str) -> None:
    form, _ = read(body)
    [wrong] = form.refusals
    assert (wrong.code, wrong.field) == (code, field)
    assert wrong.message.endswith(f" ({code}, field {field})")
    assert "; got " in wrong.message
    for word in ("invalid", "oops", "please", "None"):
        assert word not in wrong.message


def test_the_same_new_name_may_stand_in_two_blocks() -> None:
    form, got = read({"rename": {"data.a": "id", "data.b.a": "id", "data.eventId": "e"}})
    assert not form.refusals and len(got["rename"]) == 3


def test_a_selection_is_shown_as_a_body_says_it() -> None:
    assert show_fields(None) is None
    for fields in ({"keep": ["a"]}, {"drop": ["a", "b"]}):
        assert show_fields(read({"fields": fields})[1]["fields"]) == fields
