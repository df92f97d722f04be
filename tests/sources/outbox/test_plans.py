"""Rows that are taken and not deleted cost nothing: what waits is found by its own index."""

import psycopg
import pytest

from tests.sources.conformance.readings import opened, taken
from tests.sources.outbox.subject import INSERT, Outbox, new_outbox
from tidings.sources.outbox.reading import OutboxReading

TAKEN = """
INSERT INTO tidings_outbox (body, taken_at) SELECT '{}', now() FROM generate_series(1, 20000)
"""


@pytest.mark.parametrize("analysed", [True, False])
async def test_what_waits_is_found_by_its_index(
    request: pytest.FixtureRequest, analysed: bool
) -> None:
    outbox: Outbox = new_outbox(request)
    outbox.sql(TAKEN)
    outbox.sql(INSERT, None, "1")
    if analysed:
        outbox.sql("ANALYZE tidings_outbox")
    async with opened(outbox) as reading:
        assert isinstance(reading, OutboxReading)
        with psycopg.connect(outbox.uri) as line:
            for query, *bindings in (
                (reading._next, [], 500, 1 << 20),
                (reading._lag, [], 1000),
                (reading._next, list(range(500)), 500, 1 << 20),
            ):
                rows = line.execute(f"EXPLAIN {query}".encode(), bindings).fetchall()
                plan = "\n".join(row for (row,) in rows)
                assert "tidings_outbox_waiting" in plan and "Seq Scan" not in plan, plan
            marked = line.execute(f"EXPLAIN {reading._take}".encode(), ([1], [1])).fetchall()
        assert any("tidings_outbox_pkey" in row for (row,) in marked), marked
        await taken(reading, 1)
