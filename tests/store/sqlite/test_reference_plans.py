"""Reference data are found by their key."""

import pytest

from tidings.store.sql.reference import GET, LIST
from tidings.store.sqlite.halves import WritingHalf


@pytest.mark.parametrize(
    ("statement", "bindings", "used"),
    [
        (GET, (1, 3, '["7"]'), "(org=? AND kind=? AND id=?)"),
        (LIST, (1, 3, "", 10), "(org=? AND kind=? AND id>?)"),
    ],
)
def test_reads_search_the_key_and_sort_nothing(
    statement: str, bindings: tuple[object, ...], used: str
) -> None:
    half = WritingHalf(":memory:")
    plan = [row[3] for row in half.connection.execute("EXPLAIN QUERY PLAN " + statement, bindings)]
    assert f"SEARCH reference USING PRIMARY KEY {used}" in plan
    assert not any("SCAN reference" in step or "ORDER BY" in step for step in plan)
    half.close()
