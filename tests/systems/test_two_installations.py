"""Two real services on one outbox of a real PostgreSQL: each row goes to one of them, whoever
restarts, is killed, lets go or takes over, and none is lost."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import Command
from tests.docs.outbox_page import DDL
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.systems


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


class Shop:
    """An application that tells of points, and two installations that may read of it."""

    def __init__(self, postgres: PostgresServer, new_service: NewService, directory: Path) -> None:
        self.uri = postgres.database("shop")
        self.written = 0
        with psycopg.connect(self.uri) as line:
            line.execute(DDL.encode())
        connections = directory / "connections.toml"
        dsn = json.dumps(self.uri)
        connections.write_text(f'[shop]\ntype = "outbox"\norgs = [{ORG}]\ndsn = {dsn}\n')
        self.services = [new_service(connections=connections).start() for _ in range(2)]

    def write(self, rows: int) -> None:
        """Commit so many rows, each of a customer of its own."""
        with psycopg.connect(self.uri) as line:
            for customer in range(self.written + 1, self.written + rows + 1):
                event = {"eventName": "shop.paid", "data": {"customerId": customer}}
                line.execute("INSERT INTO tidings_outbox (body) VALUES (%s)", (json.dumps(event),))
        self.written += rows

    def all_are_marked(self) -> bool:
        query = "SELECT count(*) FROM tidings_outbox WHERE taken_at IS NULL"
        with psycopg.connect(self.uri) as line:
            return line.execute(query).fetchall() == [(0,)]


def accepted(service: ServiceProcess) -> list[int]:
    """Return the customers of whom an installation has events, each as often as it has one."""
    with service.api(ORG) as api:
        rows = api.get("/v1/events?eventName=shop.paid&limit=100").must(200)["events"]
        events = [api.get(f"/v1/events/{row['eventId']}").must(200)["body"] for row in rows]
    return [event["data"]["customerId"] for event in events]


def has(service: ServiceProcess, events: int) -> None:
    """Wait until an installation has so many events."""
    until(lambda: len(accepted(service)) == events, f"{events} events are accepted")


def is_refused(service: ServiceProcess) -> None:
    """Wait until an installation is kept from the table by the other one."""

    def is_told() -> bool:
        with service.api(ORG) as api:
            trouble = api.get("/v1/sources/shop").must(200)["trouble"]
            return "one installation" in (trouble or "")

    until(is_told, "the other installation is refused")


def act(service: ServiceProcess, method: str, path: str, body: object = None) -> None:
    with service.api(ORG) as api:
        reply = api.call(method, path) if body is None else api.send(method, path, body)
        assert reply.status < 300, reply


def test_each_row_goes_to_one_of_two_installations(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path
) -> None:
    shop = Shop(postgres, own_service, tmp_path)
    ours, theirs = shop.services
    source = {"name": "shop", "type": "outbox", "connection": "shop"}
    for service in shop.services:
        settings = {"settings": {"unknownTypes": "admitted"}}
        act(service, "PATCH", f"/v1/orgs/{ORG}", settings)
    act(ours, "POST", "/v1/sources", source)
    shop.write(10)
    has(ours, 10)
    act(theirs, "POST", "/v1/sources", source)
    is_refused(theirs)

    ours.stop()  # in order, and then killed: neither is letting go
    shop.write(10)
    come_again(theirs)
    is_refused(theirs)
    ours.start()
    has(ours, 20)
    ours.kill_all()
    shop.write(10)
    come_again(theirs)
    is_refused(theirs)
    assert not accepted(theirs)
    ours.start()
    has(ours, 30)

    act(ours, "POST", "/v1/sources/shop/pause")
    shop.write(10)
    has(theirs, 10)  # by itself
    act(ours, "POST", "/v1/sources/shop/resume")
    is_refused(ours)

    until(shop.all_are_marked, "all rows are marked")
    theirs.kill_all()
    take_over(ours, tmp_path)
    shop.write(10)
    has(ours, 40)
    theirs.start()
    is_refused(theirs)

    act(ours, "DELETE", "/v1/sources/shop")
    shop.write(10)
    has(theirs, 20)
    until(shop.all_are_marked, "all rows are marked")
    assert sorted(accepted(ours) + accepted(theirs)) == list(range(1, shop.written + 1))


def come_again(service: ServiceProcess) -> None:
    """Have an installation try at once: its source is paused, which forgets why it waits, and
    resumed."""
    act(service, "POST", "/v1/sources/shop/pause")
    act(service, "POST", "/v1/sources/shop/resume")


def take_over(service: ServiceProcess, home: Path) -> None:
    """Take the table over by command."""
    tidings = Command(
        home,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
        TIDINGS_ORG=str(ORG),
    )
    tidings("sources", "take-over", "shop", "--yes").must()
