"""A service without the extra of a webhook's type: its messages wait, whoever looks is told what to
install, all others go on, and once it is installed everything arrives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.broker_thread import BrokerThread
from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, ORG, SECRET
from tests.e2e.harness.until import until

pytestmark = pytest.mark.systems
SITE = Path(__file__).parents[1] / "e2e" / "harness" / "missing"
EVENTS = 10
BESIDE = """
[shop]
type = "sql"
orgs = "all"
dsn = "host=127.0.0.1 port=9 dbname=shop"
[shop.tables.arrivals]
columns = ["name"]
id = "id"

[mail]
type = "smtp"
orgs = "all"
host = "127.0.0.1"
port = 9
security = "plaintext"
sender = "Loyalty <news@brand.example>"
recipients = "any"
"""
EXTRAS = {"main": "kafka", "shop": "sql", "mail": "email"}
WEBHOOKS: dict[str, dict[str, Any]] = {
    "main": {"webHookType": "QUEUE_INT"},
    "shop": {
        "webHookType": "SQL",
        "connection": "shop",
        "sql": {"table": "arrivals", "columns": {"name": {"path": "data.name"}}},
    },
    "mail": {
        "webHookType": "EMAIL",
        "connection": "mail",
        "email": {"to": ["ops@brand.example"]},
    },
}


@pytest.fixture
def queue() -> Iterator[BrokerThread]:
    made = BrokerThread()
    yield made
    made.stop()


def conditions(api: Api) -> dict[str, str]:
    """What is told of each webhook, by its name."""
    webhooks = api.get("/v3/webHooks").must(200)["data"]
    return {webhook["name"]: webhook["condition"] for webhook in webhooks}


def rows_of(api: Api, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """Deliveries of a webhook."""
    path = f"/v1/deliveries?limit=100&webHookId={webhook['webHookId']}"
    rows: list[dict[str, Any]] = api.get(path).must(200)["deliveries"]
    return rows


def test_what_is_not_installed_holds_up_its_own_webhooks_and_charges_nobody(
    own_service: NewService, receiver: Receiver, queue: BrokerThread, tmp_path: Path
) -> None:
    missing, connections = tmp_path / "missing", tmp_path / "connections.toml"
    missing.touch()
    connections.write_text(queue.connection + BESIDE)
    service = own_service(
        wrap=("env", f"PYTHONPATH={SITE}:{missing}"), connections=connections
    ).start()
    path = receiver.path()
    with service.api(ORG) as api, service.api() as platform:
        names = {"eventNames": ["groupCreated"]}
        api.webhook(receiver.url(path), "well", **names)
        held = {name: api.webhook("", name, **more, **names) for name, more in WEBHOOKS.items()}
        ids = []
        for number in range(EVENTS):
            ids.append(new_id())
            data = {"groupId": number, "name": "a group"}
            body = {"eventName": "groupCreated", "eventId": ids[-1], "data": data}
            assert api.accept(json.dumps(body).encode())[0]["status"] == "accepted"
        until(lambda: receiver.known_ids(path) >= set(ids), "the others go on")
        wanted = {"well": "well"} | dict.fromkeys(held, "held up")
        until(lambda: conditions(api) == wanted, "that they are held up")
        notices = platform.get("/readyz").must(200)["notices"]
        for name, extra in EXTRAS.items():
            [notice] = [notice for notice in notices if f"connection {name}" in notice]
            assert "Nothing is charged" in notice and f"[{extra}]" in notice, notice
        for webhook in held.values():
            rows = rows_of(api, webhook)
            assert {(row["state"], row["attempts"]) for row in rows} == {("pending", 0)}
            assert len(rows) == EVENTS
        tidings = Command(
            tmp_path,
            TIDINGS_URL=f"http://127.0.0.1:{service.port}",
            TIDINGS_KEY=f"{KEY}:{SECRET}",
            TIDINGS_ORG=str(ORG),
        )
        told = tidings("doctor").must(1).out
        for name, extra in EXTRAS.items():
            assert f"tidings-*.whl)[{extra}]" in told, (name, told)
        missing.unlink()  # what is installed meanwhile is found without a restart
        until(lambda: set(queue.ids()) == set(ids), "all records")
        until(lambda: conditions(api)["main"] == "well", "that it is well again")
        until(
            lambda: (
                {(row["state"], row["attempts"]) for row in rows_of(api, held["main"])}
                == {("delivered", 1)}
            ),
            "that all is written",
        )
        assert sorted(queue.ids()) == sorted(ids)
