"""Questions of the log join their tables as they name them, whatever PostgreSQL expects of rows."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.store.postgres.databases import connect, rows
from tests.store.postgres.hostings import database_of
from tests.store.sqlite.log_rows import START_MS
from tidings.core.ids import EventNumber, OrgId
from tidings.store import port
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.halves import PostgresReader
from tidings.store.postgres.ownership import Ownership
from tidings.store.postgres.statements import translate

EVENTS = 5_000
OURS = Ownership(0, "tidings test")
FILL = (
    "INSERT INTO event SELECT n, 1, 'a', 'e' || n, %s::bigint + n, NULL, n, 1, '', NULL"
    f" FROM generate_series(1, {EVENTS}) n",
    "INSERT INTO delivery SELECT n, n, 1, 1, 3, 1, NULL, %s::bigint + n, 1, 200, NULL"
    f" FROM generate_series(1, {EVENTS}) n",
)
# For each of these events PostgreSQL expects a ninth of the table.
OF_SOME = (
    "EXPLAIN WITH wanted (id) AS MATERIALIZED (SELECT d.id"
    " FROM unnest('{5, 6, 7}'::bigint[]) AS j (value) JOIN event e ON e.seq = j.value"
    " JOIN delivery d ON d.id >= e.first_delivery AND d.id < e.first_delivery + e.deliveries)"
    " SELECT d.state FROM wanted w JOIN delivery d ON d.id = w.id"
)


def test_tables_are_reached_by_their_indexes(tmp_path: Path) -> None:
    database = database_of(tmp_path)
    with connect(database.uri) as connection:
        for statement in FILL:
            rows(connection, statement + " RETURNING 1", START_MS)
        connection.execute("ANALYZE")
    reader = database.open_reader(OURS, 60)
    plan = "\n".join(line for (line,) in rows(reader.driver, OF_SOME))
    reader.close()
    assert "Seq Scan" not in plan and "Hash" not in plan and "Merge" not in plan, plan


# Small tables beside it may be: nearly all of them are empty.
READ_WHOLE = re.compile(r"Materialize.*\n +-> +(Index|Seq) .*Scan.* on (event|delivery) ")


def test_what_is_listed_is_looked_up_by_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by reading the log from its end, each row of which is then looked up in the list."""
    database = database_of(tmp_path)
    with connect(database.uri) as connection:
        for statement in FILL:
            rows(connection, statement + " RETURNING 1", START_MS)
        connection.execute("ANALYZE")
    log = database.open_reader(OURS, 60)
    reading = PostgresReader(log, database.open_search(OURS, 60))
    asked: list[str] = []
    execute = PostgresConnection.execute

    def noted(self: PostgresConnection, statement: str, *bindings: Any) -> Any:
        asked.append(statement)
        return execute(self, statement, *bindings)

    monkeypatch.setattr(PostgresConnection, "execute", noted)
    listed = [EventNumber(number) for number in range(1, 513)]
    assert len(reading.log.deliveries(port.DeliveryQuery([1], events=listed)).deliveries) == 50
    assert len(reading.log.events(port.EventQuery(OrgId(1), events=listed)).events) == 50
    texts = {
        translate(statement, log._tables)
        for statement in asked
        if "json_each(:events)" in statement
    }
    assert len(texts) == 2
    log.driver.execute("SET plan_cache_mode = force_generic_plan")
    for known in texts:
        log.driver.execute(f"PREPARE asked AS {known.text}".encode())
        nothing = ", ".join(["NULL"] * len(known.parameters))
        plan = "\n".join(line for (line,) in rows(log.driver, f"EXPLAIN EXECUTE asked ({nothing})"))
        log.driver.execute("DEALLOCATE asked")
        assert "Backward" not in plan and not READ_WHOLE.search(plan), plan
    reading.close()
