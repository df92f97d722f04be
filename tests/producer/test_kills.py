"""Killed at any moment, an application tells of all that it has promised, and of nothing else.

Short forms run always, the long ones with `make test-systems`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.depth import depth
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.store.books import ask
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer
from tests.producer.killed import CUSTOMERS, Lives, tried
from tidings_producer import Producer
from tidings_producer.outbox import TABLE

ACCEPTED = "SELECT b.bytes FROM event e JOIN body b USING (seq) ORDER BY seq"
NewService = Callable[..., ServiceProcess]
pytestmark = pytest.mark.timeout(600)


def accepted(service: ServiceProcess) -> list[dict[str, Any]]:
    """The data of the events, in the order in which they were accepted."""
    return [json.loads(body)["data"] for (body,) in ask(service.data, ACCEPTED)]


def count(service: ServiceProcess) -> int:
    """The events that were accepted."""
    return int(ask(service.data, "SELECT count(*) FROM event")[0][0])


def test_an_outbox_tells_of_what_was_committed_and_of_nothing_else(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path
) -> None:
    """Each row says which change of which customer it tells of, and the application counts the
    changes of a customer in the same transaction. A source reads the table meanwhile."""
    kills = depth(60, 1_000, "TIDINGS_KILLS")
    uri = postgres.database("killed")
    with psycopg.connect(uri) as line:
        line.execute(TABLE.encode())
        line.execute("CREATE TABLE customer (id int PRIMARY KEY, changes int NOT NULL)")
        line.execute(
            "INSERT INTO customer SELECT n, 0 FROM generate_series(1, %s) AS n", (CUSTOMERS,)
        )
    connections = tmp_path / "connections.toml"
    connections.write_text(f'[shop]\ntype = "outbox"\norgs = [{ORG}]\ndsn = {json.dumps(uri)}\n')
    service = own_service(connections=connections).start()
    with service.api(ORG) as api:
        source = {"name": "shop", "type": "outbox", "connection": "shop"}
        api.send("POST", "/v1/sources", source).must(201)

    ended = Lives(kills, seed=1, uri=uri).run("outbox")

    with psycopg.connect(uri) as line:
        rows = line.execute("SELECT id, changes FROM customer").fetchall()
    changes: dict[int, int] = dict(rows)
    until(lambda: count(service) >= sum(changes.values()), "every event")
    until(lambda: _waiting(uri) == 0, "every row marked")
    told: dict[int, list[int]] = {}
    for data in accepted(service):
        customer = data["customerIdentifiers"]["customerId"]
        told.setdefault(customer, []).append(data["totalPointsIssued"])
    assert told == {customer: list(range(1, n + 1)) for customer, n in changes.items() if n}
    assert sum(ended.values()) == kills and sum(changes.values()) > kills
    print(f"\n{ended}; {sum(changes.values()):,} changes committed and told of, each once")


def _waiting(uri: str) -> int:
    with psycopg.connect(uri) as line:
        query = b"SELECT count(*) FROM tidings_outbox WHERE taken_at IS NULL"
        [(found,)] = line.execute(query).fetchall()
    return int(found)


def test_a_spool_sends_what_send_has_returned_for_once_and_in_order(
    own_service: NewService, tmp_path: Path
) -> None:
    kills = depth(30, 500, "TIDINGS_KILLS")
    service = own_service().start()
    spool, journal = tmp_path / "spool", tmp_path / "journal"
    lives = Lives(
        kills,
        seed=2,
        url=f"http://127.0.0.1:{service.port}",
        key=KEY,
        secret=SECRET,
        org=ORG,
        folder=str(spool),
        journal=str(journal),
    )
    ended = lives.run("spool")
    with Producer(lives.url, KEY, SECRET, org=ORG, spool=spool) as producer:
        assert producer.flush(60), producer.status()
        assert len(producer.refused) == 0
    promised = list(map(int, journal.read_text().split()))
    last = max(map(int, Path(tried(lives)).read_text().split()))
    numbers = [data["totalPointsIssued"] for data in accepted(service)]
    assert numbers == sorted(set(numbers)), "twice, or out of order"
    assert set(promised) <= set(numbers), "lost"
    assert max(numbers) <= last and list(spool.glob("damaged-*")) == []
    assert sum(ended.values()) == kills and len(promised) > kills
    print(f"\n{ended}; {len(promised):,} promised, {len(numbers):,} accepted, each once")
