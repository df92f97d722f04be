"""What a message is as a row, before any server has seen it."""

import json
from typing import Any

import pytest

from tests.destinations.sql.bench import columns
from tidings.core.connections.tables import DeclaredTable
from tidings.core.ids import OrgId
from tidings.core.picks import MessageFault, Pick
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.destinations.sql.rows import row_of

STATE = DeclaredTable(("customer", "tier", "points", "event", "at"), ("customer",), "event", "at")
LOG = DeclaredTable(("body",), (), "event")
BODY = b'{"data":{"id":7,"tier":"gold","points":10.50,"more":{"a":[1.10, 2]}},"createdAt":5}'


def made(message: bytes, picks: dict[str, Pick], table: DeclaredTable = STATE) -> bytes:
    return row_of(SqlTable("t", picks or None), table, "msg_1", message, OrgId(9))


def test_picks_put_values_into_columns_byte_for_byte() -> None:
    picks = columns(customer="data.id", points="data.points", tier="data.more", at="createdAt")
    assert made(BODY, picks) == (
        b'{"customer":7,"points":10.50,"tier":{"a":[1.10, 2]},"at":5,"event":"msg_1"}'
    )


def test_a_path_that_finds_nothing_is_null_unless_the_row_is_known_by_it() -> None:
    picks = columns(customer="data.id", tier="data.nothing", at="createdAt")
    assert json.loads(made(BODY, picks))["tier"] is None
    for lost in ("customer", "at"):
        with pytest.raises(MessageFault) as told:
            made(BODY, picks | columns(**{lost: "data.nothing"}))
        assert (told.value.code, told.value.field) == ("no_value", lost)


def test_without_columns_each_takes_the_field_of_its_name() -> None:
    row = made(b'{"customer":1,"at":2,"points":1e2,"strange":3,"event":"forged"}', {})
    assert row == b'{"customer":1,"tier":null,"points":1e2,"at":2,"event":"msg_1"}'
    with pytest.raises(MessageFault) as told:
        made(b'{"customer":null,"at":2}', {})
    assert told.value.field == "customer"


def test_the_whole_message_goes_into_a_column_as_it_is() -> None:
    body = b' {"b": 1.0, "a": {"c":[]}}\n'
    assert made(body, {"body": Pick(path="$")}, LOG) == (
        b'{"body":' + body.strip() + b',"event":"msg_1"}'
    )


def test_times_and_names_are_converted() -> None:
    picks = columns(customer="data.id") | {
        "at": Pick(path="createdAt", conversion="timestamp"),
        "tier": Pick(path="data.tier", names={"gold": "G", "*": None}),
    }
    body = b'{"data":{"id":7,"tier":"gold"},"createdAt":1770801300412}'
    row = json.loads(made(body, picks))
    assert (row["at"], row["tier"]) == ("2026-02-11T09:15:00.412Z", "G")
    assert json.loads(made(body.replace(b"gold", b"iron"), picks))["tier"] is None


@pytest.mark.parametrize(
    ("body", "picks", "code"),
    [
        (b"not json", columns(body="a"), "not_json"),
        (b'{"a":1}x', columns(body="a"), "not_json"),
        (b'{"a":\xff}', columns(body="a"), "not_json"),
        (b'{"a":"\\ud800"}', columns(body="a"), "not_json"),
        (b"[" * 100_000, columns(body="a"), "not_json"),
        (b"[1]", {}, "no_object"),
        (b'{"a":[]}', {"body": Pick(path="a", conversion="number")}, "not_convertible"),
    ],
)
def test_what_no_row_can_be_made_of_is_told(body: bytes, picks: dict[str, Pick], code: str) -> None:
    with pytest.raises(MessageFault) as told:
        made(body, picks, LOG)
    assert told.value.code == code


@pytest.mark.parametrize("name", ['a"b', "a'b", "select", "ä", "a b", "a\\"])
def test_names_of_columns_may_be_anything(name: str) -> None:
    picks: dict[str, Any] = {name: Pick(path="a")}
    row = row_of(
        SqlTable("t", picks), DeclaredTable((name,), (), "id"), "1", b'{"a":"x"}', OrgId(9)
    )
    assert json.loads(row) == {name: "x", "id": "1"}


def test_the_org_is_that_of_the_webhook_whatever_the_message_says() -> None:
    table = DeclaredTable(("customer", "tier", "org"), ("org", "customer"), org_column="org")
    body = b'{"org":1,"customer":7,"tier":"gold"}'
    for picks in ({}, columns(customer="customer", tier="org")):
        assert json.loads(made(body, picks, table))["org"] == 9
    with pytest.raises(MessageFault):
        made(b'{"org":1}', {}, table)
