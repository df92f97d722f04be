"""`neoEnrichment` of a body."""

from typing import Any

import msgspec
import pytest

from tidings.core.form import Form
from tidings.core.neo_rules import neo_value, read_neo

OLD = msgspec.Raw(b'{"value":"old"}')


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({}, {"value": "old"}),
        ({"neoEnrichment": None}, None),
        ({"neoEnrichment": {}}, None),
        ({"neoEnrichment": {"label": None, "value": None, "possibleValues": []}}, None),
        ({"neoEnrichment": {"label": "L", "value": "v"}}, {"label": "L", "value": "v"}),
        (
            {"neoEnrichment": {"value": "v", "possibleValues": [{"label": "x", "value": "y"}]}},
            {"value": "v"},
        ),
    ],
)
def test_label_and_value_are_kept_and_what_an_answer_adds_is_not(
    body: dict[str, Any], kept: dict[str, Any] | None
) -> None:
    form = Form(body)
    found = read_neo(form, OLD)
    assert (None if found is None else msgspec.json.decode(found)) == kept
    assert not form.refusals and not form.warnings


def test_a_misspelt_part_is_warned_of_and_a_wrong_one_refused() -> None:
    form = Form({"neoEnrichment": {"valeu": "x", "value": True, "label": ""}})
    read_neo(form, None)
    assert [one.field for one in form.warnings] == ["neoEnrichment.valeu"]
    assert {one.field for one in form.refusals} == {"neoEnrichment.value", "neoEnrichment.label"}


def test_only_text_can_name_a_transformation() -> None:
    assert neo_value(msgspec.Raw(b'{"value":"tier"}')) == "tier"
    assert neo_value(msgspec.Raw(b'{"value":7}')) is None
    assert neo_value(None) is None
