"""What is made of a declaration: JSON Schema of bodies, patches, and what a page holds."""

from typing import Any

import pytest

from tidings.core.webhooks.fields import FIELD_OF, SETTABLE
from tidings.schema.bodies import change_schema, closed, new_schema
from tidings.schema.forms import asked, choices, text_of, value_of, widget
from tidings.schema.patches import patched_body


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"]
    return found


def test_a_body_that_makes_one_says_what_must_be_there_and_the_defaults_of_the_rest() -> None:
    schema = new_schema(SETTABLE, "A webhook.")
    assert schema["required"] == ["name", "eventNames", "maxAllowedConnections"]
    found = properties(schema)
    assert found["deadlineInSeconds"]["default"] == 30 and found["active"]["default"] is True
    assert len(found["retryPolicy"]["default"]["delaysInSeconds"]) == 10
    assert not [name for name in schema["required"] if "default" in found[name]]


def test_a_body_that_changes_one_has_no_defaults() -> None:
    """A generated client that fills them in would reset what others have set."""
    schema = change_schema(SETTABLE, "A webhook.")
    assert "required" not in schema
    assert [name for name, row in properties(schema).items() if "default" in row] == []


def test_a_closed_body_has_no_other_fields_in_what_is_inside_of_it_neither() -> None:
    found = properties(closed(change_schema(SETTABLE, "A webhook.")))
    assert closed(change_schema(SETTABLE, ""))["additionalProperties"] is False
    retries, neo = (found[name]["anyOf"][0] for name in ("retryPolicy", "neoEnrichment"))
    assert retries["additionalProperties"] is neo["additionalProperties"] is False
    versions = found["eventVersions"]["anyOf"][0]
    assert versions["additionalProperties"]["type"] == "integer"  # names of the caller's own
    texts = found["webHookHeaders"]["anyOf"][0]
    assert texts["additionalProperties"]["type"] == "string"


def test_a_patch_sets_a_field_as_a_whole_and_null_takes_it_away() -> None:
    patch = {
        "filter": {"path": "a", "gte": 1},
        "ordering": None,
        "active": None,
        "eventNames": None,
    }
    assert patched_body(patch, FIELD_OF, {}) == {
        "filter": {"path": "a", "gte": 1},
        "ordering": "none",
        "active": True,
        "eventNames": None,  # refused: it cannot be without
    }


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        ({"X-b": "2"}, {"X-A": "1", "X-b": "2"}),
        ({"x-a": "3"}, {"x-a": "3"}),
        ({"x-A": None}, {}),
        ({}, {"X-A": "1"}),
    ],
)
def test_headers_are_set_name_by_name_in_any_case(patch: Any, result: Any) -> None:
    by_name = {"webHookHeaders": {"X-A": "1"}}
    assert patched_body({"webHookHeaders": patch}, FIELD_OF, by_name) == {"webHookHeaders": result}


def test_a_field_that_nobody_knows_stays_so_that_it_is_refused() -> None:
    assert patched_body({"filtre": None}, FIELD_OF, {}) == {"filtre": None}


def test_a_page_asks_for_numbers_words_and_flags_and_gives_back_what_it_was_given() -> None:
    by_widget = {field.name: widget(field) for field in asked(SETTABLE)}
    assert by_widget["rateLimit"] == "text" and by_widget["ordering"] == "choice"
    assert by_widget["holdOnFailure"] == by_widget["cardNumberEnrichmentEnabled"] == "tick"
    assert [word for word, _ in choices(FIELD_OF["ordering"])] == ["none", "key", "strict"]
    rate = FIELD_OF["rateLimit"]
    assert [value_of(rate, text_of(value)) for value in (None, 2.5, 7.0)] == [None, 2.5, 7]
    assert value_of(rate, "fast") == "fast"  # what is refused is what was written
