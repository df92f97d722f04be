"""What the page on sources shows is what works."""

import json
import re
from pathlib import Path

import pytest

from tidings.app.connections import load_connections
from tidings.app.parts import CONNECTION_TYPES
from tidings.connections.kafka_type import FIELDS
from tidings.connections.port import command_of
from tidings.connections.postgresql_dialling import conninfo, refuse_table
from tidings.core.declaration import declared
from tidings.core.form import Form
from tidings.core.sources.mapping import events_of
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.picks import Pick, read_pick
from tidings.core.sources.source import OUTBOX, Source, read_source
from tidings.core.sources.verification import LABELS, VERIFICATION
from tidings.engine.sources.inbound import RUNNING_MAX
from tidings.engine.sources.live_source import ASIDE_BYTES_MAX, ASIDE_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
SHOWN, OUTBOX_SHOWN, KAFKA_SHOWN = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


SHOP_MESSAGE = ForeignMessage(
    "",
    [("X-Shop-Topic", "orders/paid")],
    b'{"customer":{"id":7},"order":{"total":10.50}}',
)
KAFKA_MESSAGE = ForeignMessage(
    "", [("kafka-key", "7")], b'{"type":"POINTS_ADDED","payload":{"total":10.50}}'
)
OUTBOX_FILE, KAFKA_FILE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("shown", "message", "name"),
    [(SHOWN, SHOP_MESSAGE, "transactionAdded"), (KAFKA_SHOWN, KAFKA_MESSAGE, "pointsIssued")],
)
def test_a_source_on_the_page_makes_the_event_that_the_page_says(
    shown: str, message: ForeignMessage, name: str
) -> None:
    body = json.loads(shown.replace('"…"', '"0123456789abcdef"'))
    source = read_source({"name": "shop"} | body)
    assert isinstance(source, Source) and source.mapping is not None
    assert list(events_of(source.mapping, message)) == [
        f'{{"eventName":"{name}",'
        '"data":{"total":10.50,"customerIdentifiers":{"customerId":7}}}'.encode()
    ]


@pytest.mark.parametrize("said", re.findall(r"^\| `(\{.+?\})` \|", PAGE, re.MULTILINE))
def test_every_pick_on_the_page_is_one(said: str) -> None:
    form = Form({})
    made = read_pick(form, "data", json.loads(said.replace("…", '"x"')))
    assert isinstance(made, Pick), form.refusals


def test_every_scheme_stands_in_the_table_with_all_that_it_needs() -> None:
    assert LABELS.keys() == VERIFICATION.kinds.keys()
    for name, kind in VERIFICATION.kinds.items():
        [row] = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
        for one in declared(kind):
            assert f"`{one.name}`" in row or one.name.startswith("previous"), (name, one.name)


def test_the_bounds_on_the_page_are_those_that_hold() -> None:
    assert f"{ASIDE_MAX:,} messages and {ASIDE_BYTES_MAX >> 20} MiB" in PAGE
    assert f"more than {RUNNING_MAX} at a time" in PAGE


def test_the_outbox_on_the_page_is_a_source_over_the_connection_on_the_page(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    file.write_text(OUTBOX_FILE)
    connections = load_connections(file, CONNECTION_TYPES, {"SHOP_PASSWORD": "hush"})
    source = read_source({"name": "shop"} | json.loads(OUTBOX_SHOWN))
    assert isinstance(source, Source) and source.kind == OUTBOX
    connection = connections[source.connection]
    assert source.outbox is not None
    refuse_table(connection, source.outbox.table)
    assert "password=hush" in conninfo(connection)
    assert command_of("outbox") in PAGE


def test_the_cluster_on_the_page_has_every_field_there_is(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    file.write_text(KAFKA_FILE)
    made = load_connections(file, CONNECTION_TYPES, {"KAFKA_PASSWORD": "hush"})["main"]
    assert made.fields.keys() == {one.name for one in FIELDS} and made.orgs is None
