"""Look-ups that are asked by the first of several paths: read, and told where they cannot be."""

from pathlib import Path

import pytest

from tests.core.actions.file.sound_file import KINDS
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.actions import ActionsRefused, load_actions
from tidings.core.actions.file.reading import ActionsFile

FILE = """
org = 7
[lookups.tier]
url = "https://api.example/{{id}}"
values = {{id = {values}}}
[lookups.contact]
csv = "contacts.csv"
key = "id"
by = {by}
[actions.a]
types = ["customerAdded", "CouponIssue"]
lookups = {lookups}
[actions.a.call]
url = "https://api.example/"
"""
TWO = '["event.data.customerIdentifiers.customerId", "event.data.coupons[0].code"]'


def read(tmp_path: Path, by: str = TWO, values: str = TWO, lookups: str = "") -> ActionsFile:
    path = tmp_path / "actions.toml"
    text = FILE.format(by=by, values=values, lookups=lookups or '["tier", "contact"]')
    path.write_text(text)
    return load_actions(path, KINDS, CONNECTION_TYPES, environment={})


def faults(tmp_path: Path, **said: str) -> list[tuple[int, str]]:
    with pytest.raises(ActionsRefused) as told:
        read(tmp_path, **said)
    return [(fault.line, str(fault.code)) for fault in told.value.faults]


def test_a_look_up_may_be_asked_by_the_first_of_several_paths(tmp_path: Path) -> None:
    made = read(tmp_path)
    tier, contact = made.actions["a"].lookups
    assert contact.others == {"by": ("event.data.coupons[0].code",)}
    assert tier.others == {"id": ("event.data.coupons[0].code",)}
    assert made.warnings == ()
    [one, same] = read(tmp_path, by='"event.eventId"', values='["event.eventId"]').lookups.values()
    assert not one.others.get("id") and not same.others.get("by")


@pytest.mark.parametrize("field", ["by", "values"])
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("[]", "bad_path"),
        ("[" + '"event.eventId", ' * 11 + "]", "bad_path"),
        ('["event.eventId", 7]', "bad_path"),
        ('["event.eventId", "nobody.id"]', "unknown_name"),
        ('[["event.eventId"]]', "bad_path"),
    ],
)
def test_what_is_wrong_with_one_of_them_is_told_by_its_place(
    tmp_path: Path, field: str, said: str, code: str
) -> None:
    line = 9 if field == "by" else 5
    assert (line, code) in faults(tmp_path, **{field: said})


def test_a_look_up_comes_after_those_that_its_further_paths_name(tmp_path: Path) -> None:
    by = '["event.eventId", "tier.id"]'
    assert read(tmp_path, by=by).actions
    [fault] = faults(tmp_path, by=by, lookups='["contact", "tier"]')
    assert fault[1] == "lookup_order"
