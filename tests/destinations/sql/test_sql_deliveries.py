"""From accepted events to the rows of a real PostgreSQL, by a service as an operator runs it."""

import json
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.trials.ledger import restarted_on_the_way
from tests.destinations.trials.sql import CUSTOMER, NUMBER, SqlTrial
from tests.e2e.harness import fixtures
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import new_id
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.golden.dated import SITE, Clock
from tests.postgres_server import shared_server

own_service = fixtures.own_service
EVENTS = 1000
CUSTOMERS = 20
NewService = Callable[..., ServiceProcess]


@pytest.fixture
def trial() -> SqlTrial:
    return SqlTrial(shared_server())


@pytest.fixture
def service(own_service: NewService, trial: SqlTrial, tmp_path: Path) -> ServiceProcess:
    file = tmp_path / "connections.toml"
    file.write_text(trial.connections)
    return own_service(connections=file).start()


@pytest.fixture
def api(service: ServiceProcess) -> Iterator[Api]:
    with service.api(ORG) as made:
        yield made


def changed(customer: int, number: int, at_ms: int) -> dict[str, Any]:
    data = {"totalPointsIssued": number, "customerIdentifiers": {"customerId": customer}}
    return {"eventName": "pointsIssued", "eventId": new_id(), "createdAt": at_ms, "data": data}


def lines(events: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, events)).encode()


@pytest.mark.systems
def test_each_event_is_one_row_in_the_order_of_its_key_whatever_is_killed(
    own_service: NewService, trial: SqlTrial, tmp_path: Path
) -> None:
    """The server is killed and started again, and the service is."""
    ledger = restarted_on_the_way(own_service, trial, tmp_path, EVENTS, kills=True)
    assert (ledger.lost, ledger.repeats, ledger.out_of_order) == (0, 0, 0)


def test_events_in_any_order_leave_the_newest_of_each_customer(
    service: ServiceProcess, trial: SqlTrial
) -> None:
    """No ordering, many at once, and the server and the service are killed on the way."""
    begin_ms = 1_770_801_300_000
    events = [
        changed(customer, number, begin_ms + number * 1000 + customer)
        for customer in range(CUSTOMERS)
        for number in range(EVENTS // CUSTOMERS)
    ]
    random.Random(1).shuffle(events)
    with service.api(ORG) as api:
        api.webhook("", maxAllowedConnections=20, **trial.state_webhook)
        assert api.post(lines(events[: EVENTS // 2]), "application/x-ndjson").status == 202
        until(lambda: api.counts()["delivered"] > EVENTS / 10, "deliveries")
        trial.restart()
        assert api.post(lines(events[EVENTS // 2 :]), "application/x-ndjson").status == 202
    service.kill_all()
    service.start()
    with service.api(ORG) as api:
        until(lambda: api.counts()["delivered"] == EVENTS, "all of them")
    found = trial.rows("SELECT customer, number, extract(epoch FROM at) * 1000 FROM state")
    last = EVENTS // CUSTOMERS - 1
    assert sorted((customer, number, int(at)) for customer, number, at in found) == [
        (customer, last, begin_ms + last * 1000 + customer) for customer in range(CUSTOMERS)
    ]


def test_a_delivery_shows_its_row_and_what_the_table_said(api: Api, trial: SqlTrial) -> None:
    api.webhook("", **trial.webhook)
    event = changed(7, 1, 5)
    wrong = changed(8, 1, 5)
    wrong["data"]["totalPointsIssued"] = 99999999999
    for element in (event, wrong):
        assert api.post(lines([element]), "application/x-ndjson").status == 202
    until(lambda: api.counts()["failed"] == 1 and api.counts()["delivered"] == 1, "both ends")
    [attempt] = api.delivery_of(wrong["eventId"])["attemptList"]
    request = attempt["request"]
    assert (request["method"], request["url"]) == ("INSERT", "sql://main/arrivals")
    row = json.loads(request["body"]["text"])
    assert (row["customer"], row["number"]) == (8, 99999999999) and row["id"]
    assert attempt["status"] == 422 and "numeric field overflow" in attempt["advice"]


def test_numbers_that_no_time_holds_take_no_slot_and_harm_no_other_event(
    api: Api, trial: SqlTrial
) -> None:
    """More of them than the webhook has connections."""
    picks = {"customer": CUSTOMER, "number": NUMBER | {"as": "seconds"}}
    sql = {"table": "arrivals", "columns": picks}
    api.webhook("", maxAllowedConnections=2, **trial.webhook | {"sql": sql})
    odd = [changed(1, 0, 5) for _ in range(30)]
    body = lines(odd).replace(b'"totalPointsIssued": 0', b'"totalPointsIssued": 1e308')
    assert body.count(b"1e308") == len(odd)
    assert api.post(body, "application/x-ndjson").status == 202
    assert api.post(lines([changed(8, 3, 5)]), "application/x-ndjson").status == 202
    until(lambda: api.counts()["failed"] == 30 and api.counts()["delivered"] == 1, "all ends")
    [attempt] = api.delivery_of(odd[0]["eventId"])["attemptList"]
    assert "number must be something at data.totalPointsIssued" in json.dumps(attempt)
    [(customer, number)] = trial.arrivals()
    assert (customer, number) == (8, 3000)


STUCK = Path(__file__).with_name("stuck.tar.xz")
STUCK_MS = 1_795_992_986_345
"""A data directory as the service left it, killed, when such numbers still took its slots: 30
events and one that is well, all pending. A restart of that service changed nothing."""


def test_a_data_directory_that_was_stuck_by_such_numbers_goes_on(
    own_service: NewService, trial: SqlTrial, tmp_path: Path
) -> None:
    file = tmp_path / "connections.toml"
    file.write_text(trial.connections)
    data = tmp_path / "stuck"
    data.mkdir(mode=0o700)
    with tarfile.open(STUCK) as archive:
        archive.extractall(data, filter="data")
    Clock(tmp_path / "clock", STUCK_MS)
    wrap = ("env", f"PYTHONPATH={SITE}:{tmp_path / 'clock'}")
    service = own_service(data=data, connections=file, wrap=wrap).start()
    with service.api(ORG) as api:
        until(lambda: api.counts()["failed"] == 30, "their ends")
        until(lambda: api.counts()["delivered"] == 1, "the one that is well")
        assert trial.arrivals() == [(8, 3000)]
        assert api.post(lines([changed(9, 4, 5)]), "application/x-ndjson").status == 202
        until(lambda: api.counts()["delivered"] == 2, "the next one")
        ready = api.get("/readyz").must(200)
        assert ready["problems"] == [] and "slots" not in json.dumps(ready["notices"])


def test_a_test_message_leaves_no_row(api: Api, trial: SqlTrial) -> None:
    webhook = api.webhook("", **trial.webhook)
    tested = api.send("POST", f"/v1/webHooks/{webhook['webHookId']}/test", {}).must(200)
    assert tested["delivered"] and "taken back" in tested["advice"]
    assert trial.arrivals() == []
