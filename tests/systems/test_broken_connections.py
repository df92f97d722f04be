"""A connection that is really broken: nothing is charged to the webhooks that go over it, the
operator and the orgs are told, and all goes on by itself once it is mended."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.destinations.trials.sql import SqlTrial
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.systems
EVENTS = 20
OTHER = 2002
PROBED_S = 60.0  # a probe comes every 30 s at the latest


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


class Broken:
    """A service whose webhooks of two orgs go over one connection, in one of the ways to break."""

    def __init__(
        self, trial: SqlTrial, new_service: NewService, directory: Path, **settings: Any
    ) -> None:
        self.trial = trial
        self.file = directory / "connections.toml"
        self.declare(trial.uri)
        self.service: ServiceProcess = new_service(connections=self.file, **settings)

    def declare(self, dsn: str | None) -> None:
        """Write the operator's file; None: without the connection."""
        declared = "" if dsn is None else self.trial.connections.replace(self.trial.uri, dsn)
        self.file.write_text(declared)

    def webhooks(self) -> None:
        with self.service.api() as platform:
            platform.send("POST", "/v1/orgs", {"id": OTHER, "name": "Another"}).must(201)
        for org in (ORG, OTHER):
            with self.service.api(org) as api:
                api.webhook("", **self.trial.webhook)


class WrongPassword(Broken):
    """The server asks for a password, and the operator's is wrong."""

    def broken(self) -> None:
        self.service.start()
        self.webhooks()
        with psycopg.connect(self.trial.uri, autocommit=True) as line:
            line.execute("CREATE ROLE shop LOGIN PASSWORD 'another'")
            line.execute("GRANT SELECT, INSERT, UPDATE ON arrivals, state TO shop")
            line.execute("GRANT USAGE ON SEQUENCE arrivals_n_seq TO shop")
            [(hba,)] = line.execute("SHOW hba_file").fetchall()
        self.hba = Path(hba)
        self.hba.write_text(f"local all shop scram-sha-256\n{self.hba.read_text()}")
        self.reload()
        self.service.stop()
        self.declare(f"{self.trial.uri}&user=shop&password=hush-4711")
        self.service.start()

    def mend(self) -> None:
        with psycopg.connect(self.trial.uri, autocommit=True) as line:
            line.execute("ALTER ROLE shop PASSWORD 'hush-4711'")

    def reload(self) -> None:
        with psycopg.connect(self.trial.uri, autocommit=True) as line:
            line.execute("SELECT pg_reload_conf()")


class Undeclared(Broken):
    """The operator has taken it out of the file."""

    def broken(self) -> None:
        self.service.start()
        self.webhooks()
        self.service.stop()
        self.declare(None)
        self.service.start()

    def mend(self) -> None:
        self.service.stop()
        self.declare(self.trial.uri)
        self.service.start()


def points(org: int, number: int) -> dict[str, Any]:
    return {
        "orgId": org,
        "eventName": "pointsIssued",
        "eventId": new_id(),
        "data": {"customerIdentifiers": {"customerId": number}, "totalPointsIssued": number},
    }


def deliveries(api: Api) -> list[dict[str, Any]]:
    rows = api.get("/v1/deliveries?limit=100").must(200)["deliveries"]
    return [row for row in rows if row["eventName"] == "pointsIssued"]


def operational(api: Api, kind: str) -> int:
    return len(api.get(f"/v1/events?eventName={kind}&limit=100").must(200)["events"])


def is_told(api: Api) -> bool:
    return operational(api, "tidings.connection.failing") == 1


def has_all(api: Api) -> bool:
    return {row["state"] for row in deliveries(api)} == {"delivered"}


@pytest.mark.parametrize("way", [WrongPassword, Undeclared])
def test_what_no_message_caused_is_charged_to_nobody_and_goes_on_by_itself(
    own_service: NewService,
    postgres: PostgresServer,
    tmp_path: Path,
    way: Callable[..., Any],
) -> None:
    broken = way(SqlTrial(postgres), own_service, tmp_path)
    broken.broken()
    service: ServiceProcess = broken.service
    began_s = time.monotonic()
    with service.api() as platform:
        for org in (ORG, OTHER):
            with service.api(org) as api:
                for number in range(EVENTS):
                    body = json.dumps(points(org, number)).encode()
                    assert api.accept(body)[0]["status"] == "accepted"

        def notices() -> list[str]:
            return [
                notice
                for notice in platform.get("/readyz").must(200)["notices"]
                if "connection main" in notice
            ]

        until(lambda: len(notices()) == 1, "the operator is told")
        [notice] = notices()
        assert "Nothing is charged" in notice and "hush" not in notice
    for org in (ORG, OTHER):
        with service.api(org) as api:
            # After a minute each org is told, once; and by then no webhook has suffered.
            until(partial(is_told, api), "the org is told")
            assert time.monotonic() - began_s >= 55
            assert {row["state"] for row in deliveries(api)} == {"pending"}
            assert sum(row["attempts"] for row in deliveries(api)) == 0
            assert operational(api, "tidings.webhook.failing") == 0
            [webhook] = api.get("/v3/webHooks").must(200)["data"]
            assert (webhook["condition"], webhook["standing"]) == ("held up", "active")
            assert webhook["health"] is None
    broken.mend()
    for org in (ORG, OTHER):
        with service.api(org) as api:
            until(partial(has_all, api), "all are delivered", PROBED_S + 30)
            assert {row["attempts"] for row in deliveries(api)} == {1}
            assert operational(api, "tidings.connection.failing") == 1
    assert len(broken.trial.arrivals()) == 2 * EVENTS
