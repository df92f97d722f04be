"""Trying an action that makes events: the types of the file check them, and none is accepted."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Command

FILE = """
org = 2001
[types.memberDue]
description = "A member is due."
[types.memberDue.schema]
type = "object"
required = ["member"]

[actions.members]
types = ["customerAdded"]
[actions.members.event]
type = "memberDue"
data = {member = {path = "event.data.customerIdentifiers.customerId"}}

[actions.member]
types = ["memberDue"]
call = {url = "https://a.example/", json = {member = {path = "event.data.member"}}}
"""


@pytest.fixture
def tidings(tmp_path: Path) -> Command:
    (tmp_path / "actions.toml").write_text(FILE)
    return Command(tmp_path, TIDINGS_ACTIONS=str(tmp_path / "actions.toml"))


def test_events_are_shown_and_with_send_checked_alone(tidings: Command) -> None:
    assert '"eventName": "memberDue"' in tidings("actions", "test", "customerAdded").must().out
    done = tidings("actions", "test", "customerAdded", "--send").must()
    assert "The events were checked, and not accepted, since this is a test." in done.out
    file = tidings.home / "actions.toml"
    file.write_text(FILE.replace("{member = {path", "{other = {path", 1))
    done = tidings("actions", "test", "customerAdded", "--send").must(1)
    assert "data.member must be present" in done.out


def test_an_event_of_a_type_of_the_file_can_be_tried(tidings: Command) -> None:
    event = tidings.home / "event.json"
    event.write_text(json.dumps({"eventName": "memberDue", "data": {"member": 7}}))
    assert "POST https://a.example/" in tidings("actions", "test", str(event)).must().out


def test_the_check_says_what_events_are_made_and_by_whom(tidings: Command) -> None:
    row = tidings("actions", "check", "--json").must().row
    assert row["actions"][0]["does"] == "memberDue" and row["warnings"] == []
