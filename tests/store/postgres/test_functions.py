"""Functions that SQLite has give what SQLite gives: statements are written once for both."""

import json
import re
from typing import Any

import apsw
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tests.store.postgres.databases import rows
from tidings.store.postgres.migration import DriverConnection
from tidings.store.sql.events.block_walk import NAMES_IN_A_PATTERN
from tidings.store.sql.events.summaries import NAMES_MAX, STATES, sign, spell

SQLITE = apsw.Connection(":memory:")
PAIRS = st.tuples(st.integers(0, NAMES_MAX + 2), st.integers(0, STATES - 1))
FEW_PAIRS = st.tuples(st.integers(0, 3), st.integers(0, STATES - 1))
SIGNS = "abAB.:_-/ä漢+$^(){}|\\]\"'\n "
MEANT = "*?["


def in_sqlite(query: str, *values: str | bytes) -> list[Any]:
    """Return the rows of a query in SQLite."""
    return SQLITE.execute(query, values).fetchall()


def both(database: DriverConnection, glob: str, *texts: str) -> tuple[list[bool], list[bool]]:
    """Tell which texts fit a pattern, by SQLite and by PostgreSQL."""
    found = in_sqlite("SELECT value GLOB ? FROM json_each(?)", glob, json.dumps(texts))
    here = rows(
        database,
        'SELECT text COLLATE "C" ~ glob(%s) FROM unnest(%s::text[]) AS text',
        glob,
        list(texts),
    )
    return [bool(fits) for (fits,) in found], [fits for (fits,) in here]


def shorten(value: bytes) -> bytes:
    """Leave three different bytes, so that parts are found."""
    return bytes(byte % 3 for byte in value)


@pytest.mark.parametrize("pairs", [PAIRS, FEW_PAIRS], ids=["any", "few"])
def test_the_signs_of_a_summary_are_found(
    database: DriverConnection, pairs: st.SearchStrategy[tuple[int, int]]
) -> None:
    fitted: list[bool] = []

    @settings(max_examples=depth(80, 2_000), deadline=None)
    @given(
        st.lists(st.sets(pairs, max_size=30).map(spell), min_size=1, max_size=8),
        st.sets(pairs, min_size=1, max_size=NAMES_IN_A_PATTERN * STATES),
    )
    def same(summaries: list[str], asked: set[tuple[int, int]]) -> None:
        signs = "".join(sorted({sign(number, state) for number, state in asked}))
        there, here = both(database, f"*[{signs}]*", *summaries)
        assert here == there
        fitted.extend(here)

    same()
    assert {*fitted} == {True, False}


def test_the_names_of_a_prefix_are_found(database: DriverConnection) -> None:
    fitted: list[bool] = []
    words = st.text(SIGNS + "c", max_size=6)

    @settings(max_examples=depth(120, 3_000), deadline=None)
    @given(words, st.lists(words, min_size=1, max_size=4))
    @example("com.example.", ["x"])
    def same(prefix: str, others: list[str]) -> None:
        names = [prefix, *(prefix + other for other in others), *others, prefix.replace(".", "x")]
        there, here = both(database, f"{prefix}*", *names)
        assert here == there
        fitted.extend(here)

    same()
    assert {*fitted} == {True, False}


def test_every_other_pattern_fits_what_it_fits_in_sqlite(database: DriverConnection) -> None:
    fitted: list[bool] = []

    @settings(max_examples=depth(300, 6_000), deadline=None)
    @given(
        st.text(SIGNS.replace("-", "") + 3 * MEANT + "]" * 3, max_size=9),
        st.lists(st.text(SIGNS + MEANT, max_size=5), min_size=1, max_size=9),
    )
    @example("", [""])
    @example("[]", ["", "[]", "]"])
    @example("a[^]", ["a", "a]", "ab"])
    @example("[]a]", ["]", "a", "b"])
    @example("[^]a]", ["]", "a", "b"])
    @example("[a-c]x", ["bx", "-x", "dx"])
    @example("[a-]", ["a", "-", "b"])
    @example("a[b", ["a[b", "ab"])
    @example("[\\d]", ["d", "\\", "1"])
    @example("[[:alpha:]]", ["a]", "a", ":]"])
    def same(pattern: str, texts: list[str]) -> None:
        there, here = both(database, pattern, *texts)
        assert here == there, pattern
        fitted.extend(here)

    same()
    assert {*fitted} == {True, False}


@pytest.mark.parametrize("pattern", ["com.example.*", "*[ĀĈ]*", "*[^a]*"])
def test_a_pattern_is_looked_at_once_for_all_rows(database: DriverConnection, pattern: str) -> None:
    """Also by a statement that was prepared long ago: to make the expression for each row would
    cost more than to compare it."""
    fill = "INSERT INTO cell SELECT block, 1, 'kinds' FROM generate_series(1, 500) AS block"
    database.execute(f"{fill}; ANALYZE cell".encode())
    asked = "SELECT * FROM cell WHERE kinds ~ glob"
    database.execute(f"PREPARE asked (text) AS {asked}($1)".encode())
    for _ in range(8):  # from the sixth on it could have a plan for whatever value
        database.execute(f"EXECUTE asked ('{pattern}')".encode())
    for query in (f"{asked}('{pattern}')", f"EXECUTE asked ('{pattern}')"):
        plan = "\n".join(line for (line,) in rows(database, f"EXPLAIN VERBOSE {query}"))
        assert re.search(r"kinds ~ '[^']+'::text\)$", plan, re.MULTILINE), plan


@pytest.mark.parametrize("value", [b"", b"\x00", b"\xff\x00az", bytes(range(256))])
def test_bytes_are_spelt_as_sqlite_spells_them(database: DriverConnection, value: bytes) -> None:
    [there] = in_sqlite("SELECT hex(?), hex(NULL)", value)
    assert rows(database, "SELECT hex(%s::bytea), hex(NULL)", value) == [there]


def test_bytes_are_found_in_bytes(database: DriverConnection) -> None:
    places: list[int] = []

    @settings(max_examples=depth(150, 3_000), deadline=None)
    @given(st.binary(max_size=12).map(shorten), st.binary(max_size=3).map(shorten))
    @example(b"", b"")
    @example(b"abc", b"")
    @example(b"", b"a")
    def same(value: bytes, part: bytes) -> None:
        [(there,)] = in_sqlite("SELECT instr(?, ?)", value, part)
        query = "SELECT instr(%s::bytea, %s::bytea), pg_typeof(instr(''::bytea, ''))::text"
        assert rows(database, query, value, part) == [(there, "bigint")]
        places.append(there)

    same()
    assert 0 in places and max(places) > 1
    assert rows(database, "SELECT instr(NULL, ''::bytea), instr(''::bytea, NULL)") == [(None, None)]
