"""What is made of a message of Tidings says so, and what comes back for ever ends."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.events.org_log import log_of, stopped
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event as whole_event
from tests.e2e.harness.events import new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.postgres_server import PostgresServer
from tidings_consumer import Event, Router, SqliteDeadLetters
from tidings_producer import EventError, Outbox, Producer, event
from tidings_producer.envelope import encode, split_hops
from tidings_producer.outbox import TABLE

HOPS = "3; via=0c4e19d2a7b3.5f0a77c1e2d4; of=9b1de4420c6f"
DATA = {"totalPointsIssued": 1, "customerIdentifiers": {"customerId": 7}}


@pytest.mark.parametrize("hops", [None, "1", HOPS, "spoilt by somebody, as it came"])
def test_it_goes_in_front_of_the_event_and_is_no_part_of_it(hops: str | None) -> None:
    made = encode(event("pointsIssued", DATA, event_id="e-1", created_at=5, hops=hops))
    said, body = split_hops(made.body)
    assert said == (hops or "")
    assert body == encode(event("pointsIssued", DATA, event_id="e-1", created_at=5)).body
    assert "hops" not in json.loads(body)


@pytest.mark.parametrize("hops", [3, "", "a\r\nX: y", '3"', "3\\", "x" * 513, "\u00e9", {}])
def test_what_no_header_holds_is_refused(hops: Any) -> None:
    with pytest.raises(EventError, match="tidings-hops must be that header"):
        encode(event("pointsIssued", DATA, hops=hops))


def test_it_takes_nothing_of_the_room_of_an_event() -> None:
    bare = encode(event("a", {}, event_id="e", created_at=1), 200)
    room = len(bare.body)
    assert split_hops(encode(event("a", {}, event_id="e", created_at=1, hops=HOPS), room).body)[0]


@pytest.mark.parametrize("spooled", [False, True])
def test_each_event_says_its_own(
    service: ServiceProcess, api: Api, receiver: Receiver, tmp_path: Path, spooled: bool
) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    all_hops = [None, "2", "2", HOPS, None, "5; via=a"]
    url = f"http://127.0.0.1:{service.port}"
    spool = tmp_path / "spool" if spooled else None
    with Producer(url, KEY, SECRET, org=api.org, spool=spool) as producer:
        ids = producer.send_many(event("pointsIssued", DATA, hops=hops) for hops in all_hops)
        assert producer.flush(30)
        assert producer.status().accepted == len(ids)
    for id in ids:
        api.settled(id, states=("delivered",))
    said = {
        json.loads(arrival.body)["eventId"]: arrival.headers["tidings-hops"]
        for arrival in receiver.arrivals(path)
    }
    assert [said[id].split(";")[0] for id in ids] == ["1", "3", "3", "4", "1", "6"]
    assert all("hops" not in arrival.body.decode() for arrival in receiver.arrivals(path))


def test_a_row_of_the_outbox_says_it_in_its_headers(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.database("hops")) as line:
        line.execute(TABLE)
        events = [event("a", {}, hops=HOPS), event("a", {}), event("a", {}, hops="1")]
        Outbox().write_many(line, events, {"source": "till"})
        rows = line.execute("SELECT headers, body FROM tidings_outbox ORDER BY id").fetchall()
    assert [headers for headers, _ in rows] == [
        {"source": "till", "tidings-hops": HOPS},
        {"source": "till"},
        {"source": "till", "tidings-hops": "1"},
    ]
    assert all("hops" not in body for _, body in rows)


def test_a_brand_that_sends_again_what_it_hears_is_called_no_third_time(
    service: ServiceProcess, api: Api, receiver: Receiver
) -> None:
    """With both libraries, as their pages show it: its own event is made anew each time."""
    path = receiver.path()
    hook = api.webhook(receiver.url(path))
    rotated = api.send(
        "POST", f"/v3/webHooks/{hook['webHookId']}/rotateSecret", {"overlapInHours": 0}
    ).must(200)
    secret = rotated["data"]["signingSecret"]
    url = f"http://127.0.0.1:{service.port}"
    router = Router(secret)
    with Producer(url, KEY, SECRET, org=api.org) as producer:

        @router.on("pointsIssued")
        def points(heard: Event[Any]) -> None:
            producer.send(event("pointsIssued", DATA, hops=heard.hops))

        api.accept(whole_event(new_id(), api.org))
        heard = 0
        for _ in range(6):
            api.drained()
            arrivals = receiver.arrivals(path)
            for arrival in arrivals[heard:]:
                assert router.receive(arrival.headers, arrival.body).ok
            if len(arrivals) == heard:
                break
            heard = len(arrivals)
    rows = log_of(api)
    assert len(stopped(rows)) == 1 and len(rows) <= 4, "it has ended by itself"


def test_a_dead_letter_keeps_it(tmp_path: Path) -> None:
    letters = SqliteDeadLetters(tmp_path / "letters.db")
    body = b'{"eventName":"pointsIssued"}'
    given_up: Event[Any] = Event("m-1", "pointsIssued", json.loads(body), body, hops=HOPS)
    letters.add(given_up, "it failed", 1.0)
    letters.close()
    [kept] = SqliteDeadLetters(tmp_path / "letters.db")
    assert kept.event.hops == HOPS


def test_dead_letters_of_before_are_opened(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "letters.db") as file:
        file.execute(
            "CREATE TABLE dead_letter (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL,"
            " name TEXT NOT NULL, body BLOB NOT NULL, delivery TEXT, attempt INTEGER NOT NULL,"
            " reason TEXT NOT NULL, at REAL NOT NULL)"
        )
        file.execute(
            "INSERT INTO dead_letter (id, name, body, attempt, reason, at)"
            " VALUES ('m-1', 'a', CAST('{}' AS BLOB), 1, 'it failed', 1.0)"
        )
    file.close()
    [kept] = SqliteDeadLetters(tmp_path / "letters.db")
    assert kept.event.id == "m-1" and kept.event.hops is None
