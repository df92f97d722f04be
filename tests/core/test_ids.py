"""Identifiers: read back, sortable, repeatable, and apart from each other."""

import re
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.core.ids import (
    EVENT_ID,
    OrgId,
    derived_event_id,
    foreign_event_id,
    message_id,
    read,
    show,
)

NUMBERS = st.integers(0, (1 << 63) - 1)
TEXTS = st.text(max_size=40)


@given(number=NUMBERS)
@example(0)
@example((1 << 63) - 1)
def test_an_id_is_read_back(number: int) -> None:
    shown = show("dlv", number)
    assert re.fullmatch(r"dlv_[0-9a-hjkmnp-tv-z]{13}", shown)
    assert read("dlv", shown) == number
    assert read("att", shown) is None


@given(one=NUMBERS, other=NUMBERS)
def test_ids_sort_like_their_numbers(one: int, other: int) -> None:
    assert (show("dlv", one) < show("dlv", other)) == (one < other)


def test_known_ids_never_change() -> None:
    assert show("dlv", 0) == "dlv_0000000000000"
    assert show("dlv", 1) == "dlv_0000000000001"
    assert show("dlv", 1024) == "dlv_0000000000100"
    assert show("dlv", (1 << 63) - 1) == "dlv_7zzzzzzzzzzzz"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dlv",
        "dlv_",
        "dlv_000000000000",
        "dlv_00000000000000",
        "dlv_000000000000U",
        "dlv_000000000000u",
        "dlv_000000000000A",
        "dlv_000000000000\n",
        "dlv_000000000000²",
        "dlv_zzzzzzzzzzzzz",
        "dlv_8000000000000",
        "xlv_0000000000000",
        "dlv-0000000000000",
        " dlv_000000000000",
        "dlv_-000000000001",
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    assert read("dlv", text) is None


@given(text=TEXTS)
def test_reading_never_raises_and_reads_only_what_show_makes(text: str) -> None:
    number = read("dlv", "dlv_" + text)
    assert number is None or show("dlv", number) == "dlv_" + text


def test_an_event_id_that_is_a_uuid_is_the_message_id() -> None:
    for text in ("6f1f4f2e-7a3c-4a51-9d3c-0a2b7d1c9e55", "6F1F4F2E-7A3C-4A51-9D3C-0A2B7D1C9E55"):
        assert message_id(OrgId(1), text) == text == message_id(OrgId(2), text)


@given(org=st.integers(), id=st.from_regex(EVENT_ID, fullmatch=True))
def test_any_other_event_id_is_hashed_with_its_org(org: int, id: str) -> None:
    made = message_id(OrgId(org), id)
    assert made == message_id(OrgId(org), id)
    if made != id:
        assert re.fullmatch(r"evt_[0-9a-f]{32}", made)
        assert made != message_id(OrgId(org + 1), id)


@pytest.mark.parametrize("near", ["6f1f4f2e7a3c4a519d3c0a2b7d1c9e55", "g" * 36, "a" * 36, "-" * 36])
def test_what_only_looks_like_a_uuid_is_hashed(near: str) -> None:
    assert message_id(OrgId(1), near).startswith("evt_")


@given(org=st.integers(), key=TEXTS, index=st.integers(0, 1000))
def test_an_idempotency_key_makes_repeatable_uuids(org: int, key: str, index: int) -> None:
    made = derived_event_id(OrgId(org), key, index)
    assert made == derived_event_id(OrgId(org), key, index)
    assert str(uuid.UUID(made)) == made and made[14] == "8" and made[19] in "89ab"
    assert EVENT_ID.fullmatch(made)
    assert made == message_id(OrgId(org), made)


def test_neighbouring_keys_orgs_and_places_make_other_ids() -> None:
    asked = [(1, "a", 0), (1, "a", 1), (11, "a", 0), (1, "0.a", 0), (1, "1.a", 0), (1, "", 11)]
    asked += [(11, "", 1), (1, "1", 1), (1, "1.1", 0)]
    assert len({derived_event_id(OrgId(org), key, at) for org, key, at in asked}) == len(asked)


@given(source=TEXTS, id=TEXTS)
def test_a_foreign_id_fits(source: str, id: str) -> None:
    made = foreign_event_id(source, id)
    assert EVENT_ID.fullmatch(made) and made.startswith("ce_")
    assert made == foreign_event_id(source, id)


def test_source_and_foreign_id_do_not_run_into_each_other() -> None:
    asked = [("a.b", "c"), ("a", "b.c"), ("", "a.b.c"), ("a.b.c", ""), ("3.a", "b")]
    assert len({foreign_event_id(*pair) for pair in asked}) == len(asked)


@pytest.mark.parametrize("text", ["a", "A-Z_0:9", "x" * 128])
def test_event_ids_within_the_contract(text: str) -> None:
    assert EVENT_ID.fullmatch(text)


@pytest.mark.parametrize("text", ["", "x" * 129, "a b", "a\n", "a.b", "é", "a/b", "a\x00"])
def test_event_ids_outside_of_it(text: str) -> None:
    assert not EVENT_ID.fullmatch(text)
