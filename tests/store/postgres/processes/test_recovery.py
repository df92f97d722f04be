"""A take-over is done within a lease, however much is unfinished: else who stands by would take it
over in turn before it has begun, and so on without an end."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.store.postgres.databases import connect, rows
from tests.store.postgres.hostings import PostgresHalves, database_of
from tests.store.rows import ORG

WEBHOOKS = 3
FILL = f"""
INSERT INTO webhook SELECT w, 'w' || w, 'c' || w, {ORG}, 'n' || w, 1
    FROM generate_series(1, {WEBHOOKS}) AS made (w);
INSERT INTO webhook_version SELECT w, 1, 'active', '{{}}', 1
    FROM generate_series(1, {WEBHOOKS}) AS made (w);
INSERT INTO event SELECT n, {ORG}, 'pointsIssued', 'e' || n, n, NULL, n, 1, '', NULL
    FROM generate_series(1, $1) AS made (n);
INSERT INTO delivery SELECT n, n, 1 + n % {WEBHOOKS}, 1, (n % 2) * 2, n % 2
    FROM generate_series(1, $1) AS made (n);
INSERT INTO attempt (delivery, number, started_ms, version) SELECT n, 1, 5, 1
    FROM generate_series(1, $1, 4) AS made (n);
UPDATE meta SET value = 0 WHERE key = 'clean_stop'
"""


async def recovered(place: Path, deliveries: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Take over what is half PENDING and half taken; return how many statements that needs."""
    adapter = PostgresHalves()
    store = await adapter.open(place)
    with connect(database_of(place).uri) as connection:
        for statement in FILL.split(";"):
            connection.execute(statement.replace("$1", str(deliveries)).encode())
    await store.close(clean=False)
    store = await adapter.open(place)
    asked: list[object] = []
    execute = psycopg.RawCursor.execute

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        asked.append(given)
        return execute(self, *given, **named)

    with monkeypatch.context() as patches:
        patches.setattr(psycopg.RawCursor, "execute", counted)
        await store.recover(deliveries)
    await store.close()
    with connect(database_of(place).uri) as connection:
        assert rows(connection, "SELECT count(*), min(kind), max(kind) FROM attempt") == [
            (deliveries, "lost", "lost")
        ]
        assert rows(connection, "SELECT min(attempts), max(attempts) FROM delivery") == [(1, 1)]
    return len(asked)


async def test_a_take_over_asks_the_same_few_statements_for_any_number_of_deliveries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = await recovered(tmp_path / "few", 24, monkeypatch)
    many = await recovered(tmp_path / "many", 240, monkeypatch)
    assert many == few < 60
