"""Questions of the log join their tables as they name them, whatever PostgreSQL expects of rows."""

from pathlib import Path

from tests.store.postgres.databases import connect, rows
from tests.store.postgres.hostings import database_of
from tests.store.sqlite.log_rows import START_MS
from tidings.store.postgres.ownership import Ownership

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
