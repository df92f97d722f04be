"""An application that tells of what it commits through its outbox, and PostgreSQL is killed."""

import json
import random
import threading
import time
from pathlib import Path

import psycopg

from tests.docs.outbox_page import DDL
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer
from tests.sources.trials.books import Books, data_of, killed_on_the_way

CUSTOMERS, WRITERS = 20, 3
ROLLED_BACK = 0.2  # of the transactions
ROWS_MAX = 4  # of one transaction
CHANGED = "UPDATE customer SET changes = changes + 1 WHERE id = %s RETURNING changes"


class Shop:
    """An application that changes customers and tells of it, until so many rows are committed.

    It counts a customer's changes in the same transaction, so its own database knows what must have
    been accepted.
    """

    def __init__(self, uri: str, rows: int) -> None:
        self._uri = uri
        self._rows = rows
        with psycopg.connect(uri) as line:
            line.execute(DDL.encode())
            line.execute("CREATE TABLE customer (id int PRIMARY KEY, changes int NOT NULL)")
            line.execute(
                "INSERT INTO customer SELECT n, 0 FROM generate_series(1, %s) AS n", (CUSTOMERS,)
            )

    def work(self) -> None:
        """Until all rows are committed."""
        writers = [
            threading.Thread(target=self._write, args=(random.Random(n),)) for n in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    def changes(self) -> dict[int, int]:
        """By customer, what is committed."""
        with psycopg.connect(self._uri) as line:
            rows = line.execute("SELECT id, changes FROM customer WHERE changes > 0").fetchall()
        return {int(id): int(changes) for id, changes in rows}

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
            body = json.dumps({"eventName": "pointsIssued", "data": data_of(customer, row[0])})
            line.execute("INSERT INTO tidings_outbox (body) VALUES (%s)", (body,))
        if chance.random() < ROLLED_BACK:
            line.rollback()
        else:
            line.commit()


def outbox_trial(
    new_service: NewService, postgres: PostgresServer, directory: Path, events: int
) -> Books:
    """At least so many rows; also that every row is marked at the end."""
    shop = Shop(postgres.database("shop"), events)
    connections = directory / "connections.toml"
    dsn = json.dumps(postgres.uri("shop"))
    connections.write_text(f'[shop]\ntype = "outbox"\norgs = [{ORG}]\ndsn = {dsn}\n')
    service = new_service(connections=connections).start()
    with service.api(ORG) as api:
        source = {"name": "shop", "type": "outbox", "connection": "shop"}
        api.send("POST", "/v1/sources", source).must(201)

    def restart() -> None:
        postgres.crash()
        postgres.start_again()

    books = killed_on_the_way(service, restart, shop.work, shop.changes, events)
    with service.api(ORG) as api:

        def idle() -> bool:
            shown = api.get("/v1/sources/shop").must(200)
            assert shown["asideMessages"] == 0
            return shown["trouble"] is None

        until(idle, "a source without trouble")
    until(lambda: shop.waiting() == 0, "every row marked")
    return books
