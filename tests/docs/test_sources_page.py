"""What the page on sources shows is what works."""

import json
import re
from pathlib import Path

import pytest

from tests.api.control_client import service
from tests.docs.outbox_page import DDL
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.sources import declare_sources
from tidings.connections.port import command_of
from tidings.core.budget import MAPPING_CPU_S, MAPPING_LOOP_S
from tidings.core.connections.connection import Connection, Connections
from tidings.core.declaration import declared
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.core.picks import Pick, read_pick
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.message import (
    CUT_BYTES,
    HEADERS_MAX,
    MESSAGE_BYTES_MAX,
    READ_HEADERS_MAX,
    ForeignMessage,
)
from tidings.core.sources.message_plan import (
    EVENTS_BYTES_MAX,
    ITEMS_MAX,
    MessagePlan,
    PlanRunner,
)
from tidings.core.sources.source import Source, read_source
from tidings.core.sources.source_types import KAFKA, OUTBOX
from tidings.core.sources.unsigned_ids import source_warnings
from tidings.core.sources.verification import LABELS, VERIFICATION
from tidings.engine.sources.inbound import RUNNING_MAX
from tidings.engine.sources.live_source import DEAD_LETTER_BYTES_MAX, DEAD_LETTERS_MAX
from tidings_producer.outbox import TABLE

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


def events_of(mapping: Mapping, message: ForeignMessage) -> list[bytes | None]:
    mapped = PlanRunner(MessagePlan(mapping)).read(message)
    assert mapped.fault is None
    return mapped.events


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
    assert events_of(source.mapping, message) == [
        f'{{"eventName":"{name}",'
        '"data":{"total":10.50,"customerIdentifiers":{"customerId":7}}}'.encode()
    ]


SAID = re.findall(r"^\| `(\{.+?\})` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("said", [said for said in SAID if "digest" not in said])
def test_every_pick_on_the_page_is_one(said: str) -> None:
    form = Form({})
    made = read_pick(form, "data", json.loads(said.replace("…", '"x"')))
    assert isinstance(made, Pick), form.refusals


def test_every_scheme_stands_in_the_table_with_all_that_it_needs() -> None:
    assert LABELS.keys() == VERIFICATION.kinds.keys()
    for name, kind in VERIFICATION.kinds.items():
        [row] = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
        for field in declared(kind):
            assert f"`{field.name}`" in row or field.name.startswith("previous"), (name, field.name)


def test_the_bounds_on_the_page_are_those_that_hold() -> None:
    assert f"{DEAD_LETTERS_MAX:,} messages and {DEAD_LETTER_BYTES_MAX >> 20} MiB" in PAGE
    assert f"more than {RUNNING_MAX} at a time" in PAGE
    assert f"{MESSAGE_BYTES_MAX >> 20} MiB and {READ_HEADERS_MAX:,} headers" in PAGE
    assert f"its events {EVENTS_BYTES_MAX >> 20} MiB" in PAGE
    assert f"longer than {MAPPING_LOOP_S * 1000:.0f} ms is read" in PAGE
    assert f"within {MAPPING_CPU_S * 1000:.0f} ms of" in PAGE
    assert f"for {ITEMS_MAX:,} items" in PAGE
    assert f"the first {CUT_BYTES >> 10} KiB are kept, and of headers {HEADERS_MAX}" in PAGE


def test_sources_on_the_page_name_connections_as_their_page_has_them() -> None:
    for shown, kind in ((OUTBOX_SHOWN, OUTBOX), (KAFKA_SHOWN, KAFKA)):
        source = read_source({"name": "shop"} | json.loads(shown))
        assert isinstance(source, Source) and source.kind == kind
        assert f"](connections.md#{kind}) of type `{kind}`, here `{source.connection}`" in PAGE
        assert command_of(CONNECTION_TYPES[kind].extra) in PAGE


def test_the_table_on_the_page_is_the_one_that_the_library_of_senders_makes() -> None:
    assert DDL == TABLE


async def test_the_file_of_sources_on_the_page_is_one(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    [shown] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path.write_text(shown)
    async with service() as s:
        sources = s.parts.sources.sources
        sources.connections = Connections([Connection("main", "kafka", {})])
        await s.add_org(2001)
        await declare_sources(path, sources, lambda org: True, {"SHOP_KEY": "a value of the shop"})
        loyalty, shop = (live_source.source for live_source in sources.of(OrgId(2001)))
    assert events_of(loyalty.mapping or Mapping(), KAFKA_MESSAGE) == [
        b'{"eventName":"pointsIssued","data":{"total":10.50}}'
    ]
    other = ForeignMessage("", [("X-Shop-Topic", "x")], b"{}")
    assert events_of(shop.mapping or Mapping(), other) == [None]


def test_a_repeat_is_known_by_what_the_page_says() -> None:
    body = {"name": "shop", "verification": {"type": "header", "header": "X", "value": "v" * 16}}
    said = [
        json.loads(element.replace("…", "x"))
        for element in SAID
        if "digest" in element or '"id"' in element
    ]
    assert len(said) == 2
    for message_id in said:
        source = read_source(body | {"messageId": message_id})
        assert isinstance(source, Source) and source_warnings(source) == []
    source = read_source(body)
    assert isinstance(source, Source) and len(source_warnings(source)) == 1
