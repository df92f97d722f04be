"""Scopes in words and in the API's object, the roles of people, and attribution headers."""

import pytest

from tidings.core.access.scopes import RESOURCES, ROLES, grants_of, read_scopes, show_scopes
from tidings.core.events.attribution import (
    ENTITY_TYPES,
    StoredAttribution,
    of_credential,
    of_headers,
    of_person,
)
from tidings.core.form import Form
from tidings.errors import FieldRefusal


def test_words_are_grants_and_writing_includes_reading() -> None:
    assert grants_of("events:write") == {"events:write", "events:read"}
    assert grants_of("logs:read junk admin:none") == {"logs:read"}
    assert grants_of("*") == {
        f"{resource}:{level}" for resource in RESOURCES for level in ("read", "write")
    }


@pytest.mark.parametrize("scopes", ["", "events:write logs:read", "*"])
def test_what_is_shown_can_be_read_again(scopes: str) -> None:
    form = Form({"scopes": show_scopes(scopes)})
    assert grants_of(read_scopes(form, None, "")) == grants_of(scopes) and not form.refusals


def test_left_out_is_as_it_was_and_a_resource_left_out_is_none() -> None:
    assert read_scopes(Form({}), None, "logs:read") == "logs:read"
    form = Form({"scopes": {"events": "read"}})
    assert show_scopes(read_scopes(form, None, "*")) == dict.fromkeys(RESOURCES, "none") | {
        "events": "read"
    }


@pytest.mark.parametrize(
    ("scopes", "field"),
    [
        ("*", "scopes"),
        (["events:write"], "scopes"),
        (None, "scopes"),
        ({"everything": "write"}, "scopes.everything"),
        ({"events": "admin"}, "scopes.events"),
        ({"events": True}, "scopes.events"),
        ({"events": ["write"]}, "scopes.events"),
    ],
)
def test_anything_else_is_refused_in_words(scopes: object, field: str) -> None:
    form = Form({"scopes": scopes})
    read_scopes(form, None, "")
    [refusal] = form.refusals
    assert refusal.field == field and "must" in refusal.message and "got" in refusal.message


def test_roles_are_each_within_the_one_above() -> None:
    order = [grants_of(ROLES[role]) for role in reversed(ROLES)]
    assert all(lesser <= greater for lesser, greater in zip(order, order[1:], strict=False))
    assert not any(grant.endswith(":write") for grant in order[0])
    assert "admin:read" not in order[1]


def test_a_code_in_the_headers_is_a_till_unless_they_say_otherwise() -> None:
    assert of_headers(None, " till.01 ") == StoredAttribution(
        "till.01", "till.01", "", "till.01", "TILL"
    )
    store = of_headers("store_code", "S-7")
    assert store == StoredAttribution("S-7", "S-7", "STORE_CODE", "S-7", "TILL")
    assert of_headers(None, None) is None and of_headers("TILL", "  ") is None


@pytest.mark.parametrize("entity_type", ENTITY_TYPES)
def test_a_code_of_each_type_is_described_by_it_but_for_a_till(entity_type: str) -> None:
    described = "" if entity_type == "TILL" else entity_type
    for spelt in (entity_type, f" {entity_type.lower()} "):
        assert of_headers(spelt, "x-7") == StoredAttribution("x-7", "x-7", described, "x-7", "TILL")
    told = of_headers("SHOP", "x-7")
    assert isinstance(told, FieldRefusal) and entity_type in told.message


@pytest.mark.parametrize(
    ("entity_type", "code"), [("SHOP", "x"), ("TILL", "a\nb"), ("TILL", "x" * 129), ("x" * 999, "")]
)
def test_headers_that_do_not_fit_are_refused(entity_type: str, code: str) -> None:
    refusal = of_headers(entity_type, code)
    assert isinstance(refusal, FieldRefusal) and "must be" in refusal.message
    assert len(refusal.message) < 400


def test_without_headers_the_credential_or_the_person_is_shown() -> None:
    assert of_credential("till.01", "", "till").type == "TILL"
    assert of_credential("tdk_1", "crm", "key") == StoredAttribution("tdk_1", "tdk_1", "", "crm")
    assert of_person("usr_1", "a@b.c", "") == StoredAttribution("usr_1", "a@b.c", "", "a@b.c")
