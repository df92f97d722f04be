"""An application tells of what it commits through its outbox, whoever is killed on the way.

Each row says which change of which customer it tells of. The application counts a customer's
changes in the same transaction, so its own database knows what must have been accepted: of every
customer the changes from 1 to its count, in that order, each once.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.docs.outbox_page import DDL
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.store_file import ask
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

CUSTOMERS, WRITERS = 20, 3
ROLLED_BACK = 0.2  # of the transactions
ROWS_MAX = 4  # of one transaction
CHANGED = "UPDATE customer SET changes = changes + 1 WHERE id = %s RETURNING changes"
ACCEPTED = "SELECT b.bytes FROM event e JOIN body b USING (seq) ORDER BY seq"

pytestmark = pytest.mark.timeout(120)


class Shop:
    """An application that changes customers and tells of it, until so many rows are committed."""

    def __init__(self, uri: str, rows: int) -> None:
        self._uri = uri
        self._rows = rows
        self._writers = [
            threading.Thread(target=self._write, args=(random.Random(n),)) for n in range(WRITERS)
        ]
        with psycopg.connect(uri) as line:
            line.execute(DDL.encode())
            line.execute("CREATE TABLE customer (id int PRIMARY KEY, changes int NOT NULL)")
            line.execute(
                "INSERT INTO customer SELECT n, 0 FROM generate_series(1, %s) AS n", (CUSTOMERS,)
            )

    def start(self) -> None:
        for one in self._writers:
            one.start()

    def join(self) -> None:
        for one in self._writers:
            one.join()

    def changes(self) -> dict[int, int]:
        """By customer, what is committed."""
        with psycopg.connect(self._uri) as line:
            return dict(line.execute("SELECT id, changes FROM customer").fetchall())

    def waiting(self) -> int:
        """The rows that are not marked."""
        query = "SELECT count(*) FROM tidings_outbox WHERE taken_at IS NULL"
        with psycopg.connect(self._uri) as line:
            [(count,)] = line.execute(query).fetchall()
        return int(count)

    def _write(self, chance: random.Random) -> None:
        """What breaks off is either committed or not; the database knows."""
        while True:
            try:
                with psycopg.connect(self._uri) as line:
                    while sum(self._committed(line)) < self._rows:
                        self._change(line, chance)
                    return
            except psycopg.OperationalError:
                time.sleep(0.05)  # the server starts again

    def _committed(self, line: "psycopg.Connection[tuple[int]]") -> list[int]:
        return [count for (count,) in line.execute("SELECT changes FROM customer").fetchall()]

    def _change(self, line: "psycopg.Connection[tuple[int]]", chance: random.Random) -> None:
        customer = chance.randint(1, CUSTOMERS)
        for _ in range(chance.randint(1, ROWS_MAX)):
            row = line.execute(CHANGED, (customer,)).fetchone()
            assert row is not None
            data = {
                "totalPointsIssued": row[0],
                "customerIdentifiers": {"customerId": customer},
            }
            body = json.dumps({"eventName": "pointsIssued", "data": data})
            line.execute("INSERT INTO tidings_outbox (body) VALUES (%s)", (body,))
        if chance.random() < ROLLED_BACK:
            line.rollback()
        else:
            line.commit()


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


@pytest.mark.parametrize(
    "rows", [2_000, pytest.param(100_000, marks=[pytest.mark.systems, pytest.mark.timeout(900)])]
)
def test_what_is_committed_is_accepted_once_in_order_and_nothing_else_is(
    own_service: Callable[..., ServiceProcess],
    postgres: PostgresServer,
    tmp_path: Path,
    rows: int,
) -> None:
    """The service is killed twice on the way, and PostgreSQL once."""
    shop = Shop(postgres.database("shop"), rows)
    connections = tmp_path / "connections.toml"
    dsn = json.dumps(postgres.uri("shop"))
    connections.write_text(f'[shop]\ntype = "outbox"\norgs = [{ORG}]\ndsn = {dsn}\n')
    service = own_service(connections=connections).start()
    with service.api(ORG) as api:
        source = {"name": "shop", "type": "outbox", "connection": "shop"}
        api.send("POST", "/v1/sources", source).must(201)

    def accepted() -> int:
        return int(ask(service.data, "SELECT count(*) FROM event")[0][0])

    shop.start()
    until(lambda: accepted() > rows * 0.1, "the first events", rows / 20)
    service.kill_all()
    service.start()
    until(lambda: accepted() > rows * 0.3, "further events", rows / 20)
    postgres.crash()
    postgres.start_again()
    until(lambda: accepted() > rows * 0.5, "events after the crash", rows / 20)
    service.kill_all()
    service.start()
    shop.join()
    changes = shop.changes()
    until(lambda: accepted() >= sum(changes.values()), "every event", rows / 20)

    told: dict[int, list[int]] = {}
    for (body,) in ask(service.data, ACCEPTED):
        data = json.loads(body)["data"]
        customer = data["customerIdentifiers"]["customerId"]
        told.setdefault(customer, []).append(data["totalPointsIssued"])
    assert sum(changes.values()) >= rows
    assert told == {customer: list(range(1, n + 1)) for customer, n in changes.items() if n}
    with service.api(ORG) as api:

        def idle() -> bool:
            shown = api.get("/v1/sources/shop").must(200)
            assert shown["asideMessages"] == 0
            return shown["trouble"] is None

        until(idle, "a source without trouble", 20)
    until(lambda: shop.waiting() == 0, "every row marked", 20)
