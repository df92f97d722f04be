"""For how long an old secret goes on: one field, and the alias that it had first."""

from typing import Any

import pytest

from tidings.core.declaration import read_resource
from tidings.core.form import Form
from tidings.core.overlap import ALIAS, FIELD, OVERLAP_H, OVERLAP_H_MAX, Rotation


def read(body: dict[str, Any]) -> tuple[Rotation, list[int | str], list[int | str]]:
    form = Form(body)
    rotation = read_resource(Rotation, form, None)
    return rotation, [no.code for no in form.refusals], [told.code for told in form.warnings]


@pytest.mark.parametrize(
    ("body", "hours", "warnings"),
    [
        ({}, OVERLAP_H, []),
        ({FIELD: 5}, 5, []),
        ({FIELD: 0}, 0, []),
        ({FIELD: OVERLAP_H_MAX}, OVERLAP_H_MAX, []),
        ({ALIAS: 5}, 5, ["field_alias"]),
        ({ALIAS: 0}, 0, ["field_alias"]),
    ],
)
def test_the_field_and_its_alias_mean_the_same_and_the_alias_is_told(
    body: dict[str, Any], hours: float, warnings: list[str]
) -> None:
    rotation, refusals, told = read(body)
    assert (rotation.overlap_h, refusals, told) == (hours, [], warnings)
    assert rotation.overlap_ms == hours * 3_600_000


def test_both_at_once_are_refused() -> None:
    assert read({FIELD: 5, ALIAS: 5})[1] == ["given_twice"]


@pytest.mark.parametrize("name", [FIELD, ALIAS])
@pytest.mark.parametrize("hours", [-1, OVERLAP_H_MAX + 1, "5", True])
def test_what_is_no_number_of_hours_is_refused_under_the_name_that_was_given(
    name: str, hours: object
) -> None:
    form = Form({name: hours})
    read_resource(Rotation, form, None)
    assert [refusal.field for refusal in form.refusals] == [name]
