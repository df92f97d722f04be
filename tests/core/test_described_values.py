"""What a value is, in words: in bodies, in events, in the data of a type, and of personal data."""

import pytest

from tidings.values import ABSENT, IN_DATA, IN_EVENTS, IN_FIELDS, PERSONAL, describe_value

CASES: list[tuple[object, str, str, str, str]] = [  # in fields, in events, in data, personal
    (ABSENT, "nothing", "nothing", "nothing", "nothing"),
    (None, "nothing", "null", "null", "null"),
    (True, "true", "true", "true", "true"),
    ({}, "an object", "an object", "an object", "an object"),
    ([1], "a list", "a list", "a list", "a list"),
    ("VIP", '"VIP"', 'text "VIP"', 'text "VIP"', "text"),
    ("x" * 41, f'"{"x" * 40}…"', f'text "{"x" * 40}…"', f'text "{"x" * 40}…"', "text"),
    ("x" * 129, f'"{"x" * 40}…"', "text of 129 characters", f'text "{"x" * 40}…"', "text"),
    (1.5, "1.5", "number 1.5", "number 1.5", "a number"),
    (2**64, "a number of many digits", f"number {2**64}", f"number {2**64}", "a number"),
    (2**200, "a number of many digits", f"number {str(2**200)[:40]}…", "a number", "a number"),
]


@pytest.mark.parametrize(("value", "in_fields", "in_events", "in_data", "personal"), CASES)
def test_a_value_is_described_by_one_rule_for_each_kind_of_document(
    value: object, in_fields: str, in_events: str, in_data: str, personal: str
) -> None:
    assert describe_value(value) == describe_value(value, IN_FIELDS) == in_fields
    assert describe_value(value, IN_EVENTS) == in_events
    assert describe_value(value, IN_DATA) == in_data
    assert describe_value(value, PERSONAL) == personal
