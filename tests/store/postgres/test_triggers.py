"""What goes with a delivery that is dropped goes in both stores, and its block is noted."""

from collections.abc import Iterator
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.store.postgres.databases import rows
from tidings.store.postgres.migration import DriverConnection
from tidings.store.sqlite.database import migrate

BLOCK = 1 << 12
IDS = st.integers(0, 5).flatmap(lambda block: st.integers(block * BLOCK, block * BLOCK + 2))
LEFT = (  # but for the marks: they are compared by their order
    "SELECT id FROM delivery ORDER BY 1",
    "SELECT delivery FROM delivery_replay ORDER BY 1",
    "SELECT delivery, by FROM delivery_cancel ORDER BY 1",
    "SELECT block FROM touched ORDER BY 1",
)
CLEARED = ("delivery", "delivery_replay", "delivery_cancel", "touched")
DELIVERY = "INSERT INTO delivery (id, event, webhook, version, state, attempts) VALUES"
REPLAY = "INSERT INTO delivery_replay (delivery, replay, event, webhook, again, at_ms) VALUES"
CANCEL = "INSERT INTO delivery_cancel (delivery, by) VALUES"
TOUCH_SQLITE = "INSERT OR REPLACE INTO touched (block) VALUES {blocks}"
TOUCH = (
    "INSERT INTO touched (block) VALUES {blocks}"
    " ON CONFLICT (block) DO UPDATE SET mark = excluded.mark"
)


@pytest.fixture
def sqlite() -> Iterator[apsw.Connection]:
    """An embedded store in memory."""
    connection = apsw.Connection(":memory:")
    migrate(connection)
    yield connection
    connection.close()


def listed(values: list[str]) -> str:
    """Write rows of an INSERT."""
    return ", ".join(f"({value})" for value in values)


def test_what_is_dropped_is_dropped_and_noted_alike(
    database: DriverConnection, sqlite: apsw.Connection
) -> None:
    def run(statement: str) -> None:
        sqlite.execute(statement).fetchall()
        database.execute(statement.encode())

    def ask(query: str) -> tuple[list[Any], list[Any]]:
        return sqlite.execute(query).fetchall(), rows(database, query)

    def noted() -> list[set[int]]:
        """The blocks of each that have got a greater mark since the last time."""
        found = []
        for place, marks in enumerate(ask("SELECT block, mark FROM touched")):
            found.append({block for block, mark in marks if mark > greatest[place]})
            greatest[place] = max([greatest[place], *(mark for _, mark in marks)])
        return found

    greatest = [0, 0]
    seen: set[int] = set()

    @settings(max_examples=depth(60, 1_500), deadline=None)
    @given(
        st.sets(IDS, min_size=1, max_size=12),
        st.sets(IDS, max_size=6),
        st.sets(IDS, max_size=6),
        st.lists(st.sets(IDS, min_size=1, max_size=8), min_size=1, max_size=3),
        st.lists(st.integers(0, 5), unique=True, max_size=3),
    )
    def same(
        deliveries: set[int],
        replayed: set[int],
        cancelled: set[int],
        drops: list[set[int]],
        touches: list[int],
    ) -> None:
        for table in CLEARED:
            run(f"DELETE FROM {table}")
        greatest[:] = [0, max(greatest)]  # SQLite begins again where no row is left
        run(f"{DELIVERY} {listed([f'{id}, 1, 1, 1, 0, 0' for id in sorted(deliveries)])}")
        if replayed:
            run(f"{REPLAY} {listed([f'{id}, 1, 1, 1, 0, 0' for id in sorted(replayed)])}")
        if cancelled:
            by_somebody = [f"{id}, 'a'" for id in sorted(cancelled)]
            run(f"{CANCEL} {listed(by_somebody)}")
        if touches:
            blocks = listed([str(block) for block in touches])
            sqlite.execute(TOUCH_SQLITE.format(blocks=blocks)).fetchall()
            database.execute(TOUCH.format(blocks=blocks).encode())
        there, here = noted()
        assert here == there == {*touches}
        for ids in drops:
            run(f"DELETE FROM delivery WHERE id IN ({', '.join(map(str, sorted(ids)))})")
            there, here = noted()
            assert here == there
            seen.update(here)
            for query in LEFT:
                there_left, here_left = ask(query)
                assert here_left == there_left, query

    same()
    assert seen == {*range(6)}


def test_a_block_that_is_noted_again_has_the_greatest_mark(database: DriverConnection) -> None:
    for block in (7, 8, 7):
        database.execute(TOUCH.format(blocks=f"({block})").encode())
    assert [block for (block,) in rows(database, "SELECT block FROM touched ORDER BY mark")] == [
        8,
        7,
    ]


def test_a_statement_notes_each_block_once(database: DriverConnection) -> None:
    fill = f"{DELIVERY.removesuffix(' VALUES')} SELECT id, 1, 1, 1, 0, 0"
    database.execute(f"{fill} FROM generate_series(0, 9999) AS id".encode())
    before = rows(database, "SELECT last_value, is_called FROM touched_mark")
    assert before == [(1, False)]
    database.execute("DELETE FROM delivery WHERE id < 9000")
    assert rows(database, "SELECT last_value FROM touched_mark") == [(3,)]
    assert rows(database, "SELECT block FROM touched ORDER BY 1") == [(0,), (1,), (2,)]


def test_what_goes_with_a_delivery_is_found_by_its_key(database: DriverConnection) -> None:
    """Also where the plan was made while the table was empty, and it has grown since."""
    fill = f"{DELIVERY.removesuffix(' VALUES')} SELECT id, 1, 1, 1, 0, 0"
    of_replay = f"{REPLAY.removesuffix(' VALUES')} SELECT id, 1, 1, 1, 0, 0"
    database.execute(f"{fill} FROM generate_series(1, 20000) AS id".encode())
    database.execute("DELETE FROM delivery WHERE id <= 10")
    database.execute(f"{of_replay} FROM generate_series(1, 20000) AS id".encode())
    counted = (
        "SELECT sum(pg_stat_get_xact_tuples_returned(to_regclass(name)))::bigint"
        " FROM unnest(ARRAY['delivery_replay', 'delivery_cancel']) AS name"
    )
    with database.transaction():
        database.execute("DELETE FROM delivery WHERE id BETWEEN 11 AND 20")
        [(read,)] = rows(database, counted)
    assert read <= 10
    assert rows(database, "SELECT count(*) FROM delivery_replay WHERE delivery <= 20") == [(10,)]


def test_the_triggers_find_their_tables_whatever_the_search_path(
    database: DriverConnection,
) -> None:
    database.execute(f"{DELIVERY} (5000, 1, 1, 1, 0, 0)".encode())
    database.execute("SET search_path = public")
    database.execute("DELETE FROM tidings.delivery")
    assert rows(database, "SELECT block FROM tidings.touched") == [(1,)]
