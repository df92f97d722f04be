"""The page on sending shows what works, and its figures are those of the library."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.producer.told import ToldService, rows
from tidings_producer import Producer, event
from tidings_producer.backoff import BASE_S, CAP_S
from tidings_producer.envelope import EVENT_BYTES_MAX
from tidings_producer.outbox import ROWS_MAX, TABLE
from tidings_producer.producer import BATCH_BYTES, BATCH_EVENTS, CLOSE_S, TIMEOUT_S
from tidings_producer.spool.spool import BYTES_MAX, REFUSED_BYTES_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "send.md").read_text("utf-8")
SPOOLED, REFUSED, ANSWERED, AWAITED, OUTBOX = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WRONG = {"code": "unknown_type", "message": "It must be known.", "path": "eventName"}


@pytest.fixture
def told() -> Iterator[ToldService]:
    with ToldService() as made:
        yield made


def carried_out(block: str, told: ToldService, tmp_path: Path, **names: Any) -> dict[str, Any]:
    """What a block has defined, once it has run with the test's own service and directory."""
    here = block.replace("https://tidings.example", told.url)
    here = here.replace("/var/lib/shop/events", str(tmp_path / "spool"))
    exec(here, names)
    return names


def test_events_go_through_a_spool_and_refused_ones_again(
    told: ToldService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told.tell(rows({"eventId": None, "status": "rejected", "error": WRONG}))
    producer: Producer = carried_out(SPOOLED, told, tmp_path)["producer"]
    with producer:
        assert producer.flush(10) and told.took == []
        carried_out(REFUSED, told, tmp_path, producer=producer)
        assert "unknown_type It must be known. {'eventName'" in capsys.readouterr().out
        assert producer.flush(10)
    assert [row["data"]["totalPointsIssued"] for row in told.took] == [86]


@pytest.mark.parametrize("block", [ANSWERED, AWAITED])
def test_events_go_to_the_service_at_once(told: ToldService, tmp_path: Path, block: str) -> None:
    carried_out(block, told, tmp_path)
    assert [row["data"]["totalPointsIssued"] for row in told.took] == [86]


def test_refusals_are_told_apart(
    told: ToldService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told.tell(rows({"eventId": None, "status": "rejected", "error": WRONG}))
    carried_out(ANSWERED, told, tmp_path)
    told.tell(b"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n")
    carried_out(ANSWERED, told, tmp_path)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "never again: unknown_type eventName"
    assert second.startswith("credential or address: The service must answer 202")


def test_events_are_written_with_the_change(told: ToldService, tmp_path: Path) -> None:
    with psycopg.connect(shared_server().lend_database()) as line:
        line.execute(TABLE.encode())
        line.execute("CREATE TABLE customer (id int, points int)")
        line.execute("INSERT INTO customer VALUES (7, 0)")
        carried_out(OUTBOX, told, tmp_path)["issue"](line, 7, 86)
        [(points,)] = line.execute("SELECT points FROM customer").fetchall()
        [(body,)] = line.execute("SELECT body FROM tidings_outbox").fetchall()
    assert points == 86 and '"totalPointsIssued":86' in body


def test_the_figures_on_the_page_are_those_that_hold() -> None:
    page = " ".join(PAGE.split())
    for said in (
        f"{BATCH_EVENTS} events or {BATCH_BYTES >> 20} MiB a call",
        f"{BASE_S:g} s, {2 * BASE_S:g} s, {4 * BASE_S:g} s … {CAP_S:g} s",
        f"{BYTES_MAX >> 20} MiB unless",
        f"bound of its own, {REFUSED_BYTES_MAX >> 20} MiB",
        f"for {CLOSE_S:g} s (`close_s`)",
        f"`timeout_s` ({TIMEOUT_S:g})",
        f"up to {ROWS_MAX:,} events in one statement",
        f"more than {EVENT_BYTES_MAX >> 10} KiB",
    ):
        assert said in page, said


def test_an_event_of_the_page_has_the_fields_that_it_says() -> None:
    assert set(event("a", {})) == {"eventName", "eventId", "createdAt", "data"}
