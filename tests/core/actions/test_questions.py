"""What a look-up is asked for, and when there is nothing to ask."""

from typing import Any

import msgspec
import pytest

from tidings.core.actions.action import ActionLookup, CsvLookup, HttpLookup, SqlLookup
from tidings.core.actions.questions import digest_of, question_of

TIER = ActionLookup("tier", HttpLookup("https://a.example/{id}", {"id": "event.data.id"}))
OTHER = ActionLookup(
    "other", SqlLookup("crm", "SELECT 1", {"id": "event.data.id", "t": "tier.name"})
)
FILE = ActionLookup("contact", CsvLookup("/contacts.csv", "id", "event.data.id"))


def seen(id: Any, **records: Any) -> dict[str, Any]:
    return {"event": {"data": {"id": id}}, **records}


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (42, "42"), (True, "true"), (msgspec.Raw(b"1.10"), "1.10"), (" ", " ")],
)
def test_values_are_asked_as_text(value: Any, text: str) -> None:
    assert question_of(TIER, seen(value)) == {"id": text}
    assert question_of(FILE, seen(value)) == {"by": text}


@pytest.mark.parametrize("value", [None, "", {}, [], [1], {"id": "1"}, msgspec.Raw(b"null")])
def test_without_a_value_there_is_nothing_to_look_up_by(value: object) -> None:
    assert question_of(TIER, seen(value)) is None
    assert question_of(FILE, seen(value)) is None
    assert question_of(TIER, {}) is None


def test_one_look_up_may_take_what_an_earlier_one_has_found() -> None:
    assert question_of(OTHER, seen(1, tier={"name": "gold"})) == {"id": "1", "t": "gold"}
    assert question_of(OTHER, seen(1, tier={})) is None
    assert question_of(OTHER, seen(1)) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"id": 7, "coupons": [{"id": 8}]}, "7"),
        ({"coupons": [{"id": 8}]}, "8"),
        ({"id": "", "coupons": [{"id": 8}]}, "8"),
        ({"id": {"no": 1}, "group": "g"}, "g"),
        ({"coupons": []}, None),
    ],
)
def test_of_several_paths_the_first_counts_that_finds_something(
    data: dict[str, Any], text: str | None
) -> None:
    others = ("event.data.coupons[0].id", "event.data.group")
    by_file = msgspec.structs.replace(FILE, others={"by": others})
    by_url = msgspec.structs.replace(TIER, others={"id": others})
    assert question_of(by_file, {"event": {"data": data}}) == (text and {"by": text})
    assert question_of(by_url, {"event": {"data": data}}) == (text and {"id": text})


def test_questions_are_told_apart_and_hold_no_value() -> None:
    questions = [{"id": "1", "t": "2"}, {"id": "12", "t": ""}, {"id": "2", "t": "1"}]
    digests = {digest_of(lookup, q) for lookup in (TIER, OTHER) for q in questions}
    assert len(digests) == 6 and all(len(digest) == 16 for digest in digests)
    assert digest_of(TIER, {"a": "1", "b": "2"}) == digest_of(TIER, {"b": "2", "a": "1"})
