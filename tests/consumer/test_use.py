"""A receiver's program under a type checker: what it may write is known, what it may not is found.

The program is only checked, never run. Each line with a slip says so; nothing else may be one.
It is one program because to know all events costs the checker seconds, and each time again.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tidings_consumer

# Kept, so that what has not changed since the last run is not checked anew.
CACHE = Path(__file__).parents[2] / ".mypy_cache" / "consumer-use"
SLIP = "  # a slip: "
USE = """
from typing import Any, Optional, Union

from tidings_consumer import Answer, Event, Router, SqliteIds, StaticHeader, verify
from tidings_consumer.events import AnyEvent, CardUpdated, PointsIssued
from tidings_consumer.testing import SECRET, example, signed

router = Router(SECRET, ids=SqliteIds("handled.db"))
both = Router([SECRET, StaticHeader("x-api-key", "sesame")], order_by=None)


@router.on(PointsIssued)
def points(event: Event[PointsIssued]) -> None:
    total: Union[float, str, None] = event.payload["data"]["totalPointsIssued"]
    name: str = event.payload["eventName"]
    sent_at: Optional[int] = event.sent_at
    print(total, name, sent_at, event.id.upper(), event.body.hex())
    event.payload["data"]["totalPoints"]  # a slip: typeddict-item
    event.payload["date"]  # a slip: typeddict-item
    event.ident  # a slip: attr-defined
    event.id = "other"  # a slip: misc
    event.sent_at + 1  # a slip: operator


@router.on(CardUpdated)
async def card(event: Event[CardUpdated]) -> None:
    event.payload["data"]["cardNumber"]
    event.payload["data"]["totalPointsIssued"]  # a slip: typeddict-item


@router.on("customerAdded", "customerUpdated")
def customer(event: Event[Any]) -> None:
    event.payload["data"]["whatever"]


@router.on_other
def other(event: Event[Any]) -> None:
    print(event.name)


@both.on(CardUpdated)  # a slip: arg-type
def wrong(event: Event[PointsIssued]) -> None:
    print(event.id)


def seen(event: AnyEvent) -> Union[float, str, None]:
    if event["eventName"] == "pointsIssued":
        event["data"]["totalPoints"]  # a slip: typeddict-item
        return event["data"]["totalPointsIssued"]
    if event["eventName"] == "cardUpdated":
        return event["data"]["cardNumber"]
    return event.get("refId", "")


reveal_type(points)  # says: def (tidings_consumer.event.Event[PointsIssued])
answer: Answer = router.receive({"webhook-id": "a"}, b"")
router.receive([(b"webhook-id", b"a")], b"")
router.receive({"webhook-id": "a"}, "text")  # a slip: arg-type
verify(*signed(example("pointsIssued")), SECRET).payload
verify({}, b"", 5)  # a slip: arg-type
Router()  # a slip: call-arg
"""


@pytest.mark.systems
def test_a_type_checker_knows_what_a_receiver_may_write(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(CACHE), "use.py"]
    sources = {"MYPYPATH": str(Path(tidings_consumer.__file__).parents[1]), "PATH": ""}
    done = subprocess.run(
        [*command, "--hide-error-context"],
        env=sources | {"HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    slips = {
        (number, line.partition(SLIP)[2])
        for number, line in enumerate(USE.splitlines(), 1)
        if SLIP in line
    }
    found = re.findall(r"^use\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert {(int(number), code) for number, code in found} == slips, done.stdout + done.stderr
    [revealed] = re.findall(r"Revealed type is \"(.*)\"", done.stdout)
    assert "Event[" in revealed and "PointsIssued" in revealed, revealed
