"""Search segments: merging changes nothing, and look-ups agree with a plain list."""

import random
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.rows import event, term
from tidings.store import port
from tidings.store.postgres.long_bytes import PiecewiseBytes
from tidings.store.sql.events import segments
from tidings.store.sql.events.segments import PostingRun, SearchSegments
from tidings.store.sqlite.connection import SqliteConnection
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf
from tidings.store.sqlite.search_file import open_search

WORDS = [term(word) for word in "abcdef"] + [b"\x00" * 8, b"\xff" * 8]
EVENTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=5), max_size=60)


def events_with(terms: list[list[bytes]]) -> SqliteConnection:
    """The table that is read, one event per list of terms; numbers with gaps."""
    connection = SqliteConnection(":memory:")
    connection.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, terms BLOB)").fetchall()
    connection.executemany(
        "INSERT INTO event VALUES (?, ?)",
        [(3 * index + 1, b"".join(term)) for index, term in enumerate(terms)],
    )
    return connection


@given(terms=EVENTS, slice_=st.integers(1, 9), limit=st.integers(1, 70))
@settings(deadline=None, max_examples=60)
def test_find_agrees_with_a_plain_list(terms: list[list[bytes]], slice_: int, limit: int) -> None:
    search, events = SearchSegments(open_search(":memory:")), events_with(terms)
    while search.write_slice(events, slice_):
        pass
    assert search.cursor == (3 * len(terms) - 2 if terms else 0)
    for word in WORDS:
        having = [3 * index + 1 for index, term in enumerate(terms) if word in term][::-1]
        assert search.find(word, limit) == having[:limit]
        middle = having[len(having) // 2] if having else 50
        assert search.find(word, 100, middle) == [seq for seq in having if seq < middle]


def test_neighbours_are_merged_so_that_a_look_up_asks_few(tmp_path: Path) -> None:
    search = SearchSegments(open_search(tmp_path / "search.db"))
    events = events_with([[WORDS[index % 5]] for index in range(16 * 16 + 5)])
    while search.write_slice(events, 1):
        pass
    levels = search._rows("SELECT level, count(*) FROM segment GROUP BY level", ())
    assert levels == [(0, 5), (2, 1)]
    assert len(search.find(WORDS[0], 1000)) == 53
    search.close()


def test_long_neighbours_are_merged_as_far_as_they_fit_and_shorter_ones_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "MERGED_BYTES_MAX", segments.MERGE * 3 * segments.ENTRY_BYTES)
    long, short = WORDS[:4], WORDS[:1]
    search = SearchSegments(open_search(tmp_path / "search.db"))
    events = events_with([long] * segments.MERGE + [short] * segments.MERGE)
    while search.write_slice(events, 1):
        pass
    levels = search._rows("SELECT level, count(*) FROM segment GROUP BY level ORDER BY level", ())
    assert levels == [(0, 4), (1, 1), (segments.FULL, 1)]  # 12 long; 4 long with 12 short; 4 short
    assert len(set(search.find(WORDS[0], 1000))) == 2 * segments.MERGE
    search.close()


def test_a_segment_that_is_too_long_by_itself_is_merged_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "MERGED_BYTES_MAX", segments.ENTRY_BYTES)
    search = SearchSegments(open_search(tmp_path / "search.db"))
    events = events_with([WORDS[:4]] * 40)
    while search.write_slice(events, 1):
        pass
    levels = search._rows("SELECT level, count(*) FROM segment GROUP BY level ORDER BY level", ())
    assert levels == [(0, segments.MERGE - 1), (segments.FULL, 40 - segments.MERGE + 1)]
    assert len(search.find(WORDS[0], 1000)) == 40
    search.close()


@given(
    seed=st.integers(0, 1 << 32),
    count=st.integers(0, 6000),
    common=st.lists(st.tuples(st.binary(min_size=8, max_size=8), st.integers(1, 3000)), max_size=3),
    sought=st.binary(min_size=8, max_size=8),
)
@settings(deadline=None, max_examples=60)
def test_a_term_is_found_wherever_others_have_pushed_it(
    seed: int, count: int, common: list[tuple[bytes, int]], sought: bytes
) -> None:
    rng = random.Random(seed)
    terms = [rng.randbytes(8) for _ in range(count)]
    terms += [word for word, times in common for _ in range(times)]
    entries = sorted(word + index.to_bytes(4, "big") for index, word in enumerate(terms))
    data = b"".join(entries)
    blob = PiecewiseBytes(lambda start, length: data[start : start + length])
    chosen = rng.sample(terms, min(3, len(terms)))
    for word in [sought, bytes(8), b"\xff" * 8, *chosen, *(word for word, _ in common)]:
        run = PostingRun.of(blob, len(entries), word)
        held = [int.from_bytes(posting[8:]) for posting in entries if posting[:8] == word]
        assert [*run.numbers(newest_first=False)] == held


@pytest.mark.parametrize(("times", "reads_max"), [(0, 3), (100_000, 7)])
def test_a_rare_term_is_found_by_few_reads_of_a_long_segment(times: int, reads_max: int) -> None:
    """Each read is a question to the database where the store is in PostgreSQL: by halves it would
    be nine."""
    rng = random.Random(1)
    common = [bytes([byte]) * 8 for byte in (10, 99, 200) for _ in range(times)]
    terms = sorted([*common, *(rng.randbytes(8) for _ in range(300_000))])
    data = b"".join(word + b"\0\0\0\1" for word in terms)
    asked = 0

    def read(start: int, length: int) -> bytes:
        nonlocal asked
        asked += 1
        return data[start : start + length]

    words = [*rng.sample(sorted({*terms}), 100), *(rng.randbytes(8) for _ in range(100))]
    for word in words:
        with PiecewiseBytes(read) as pieces:
            PostingRun.of(pieces, len(terms), word)
    assert asked <= reads_max * len(words)


def test_a_segment_that_cannot_be_written_does_not_move_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, events = SearchSegments(open_search(tmp_path / "search.db")), events_with([[WORDS[0]]])

    def full(_: int) -> None:
        raise apsw.FullError

    monkeypatch.setattr(search, "_merge", full)
    with pytest.raises(apsw.FullError):
        search.write_slice(events)
    monkeypatch.undo()
    assert search.cursor == 0 and search.find(WORDS[0], 10) == []
    assert search.write_slice(events) == 1
    assert search.find(WORDS[0], 10) == [1]
    search.close()


def test_segments_of_dropped_events_are_dropped_one_by_one_but_the_newest(tmp_path: Path) -> None:
    events = events_with([[WORDS[0]]] * 12)  # numbers 1, 4 … 34
    search = SearchSegments(open_search(tmp_path / "search.db"))
    while search.write_slice(events, 3):
        pass
    assert not search.drop_before(7), "the first one holds event 7 too"
    assert search.drop_before(8)
    assert not search.drop_before(8)
    assert search.find(WORDS[0], 20)[-1] == 10
    while search.drop_before(1 << 62):
        pass
    assert search.find(WORDS[0], 20) == [34, 31, 28]
    search.close()
    again = SearchSegments(open_search(tmp_path / "search.db"))
    assert again.cursor == 34 and not again.write_slice(events)
    again.close()


def test_the_reading_half_drops_segments_of_events_that_are_gone(tmp_path: Path) -> None:
    writing = WritingHalf(tmp_path / FILE)
    reading = ReadingHalf.in_directory(tmp_path)
    for part in range(3):
        writing.commit(port.Batch(1, [event(f"e{part}-{i}", terms=[WORDS[0]]) for i in range(5)]))
        reading._indexed_at = 0.0
        reading.background()
    writing.connection.execute("DELETE FROM event WHERE seq <= 11").fetchall()
    reading._indexed_at = reading._dropped_at = float("-inf")
    while reading.background():
        reading._indexed_at = float("-inf")
    assert reading.find(WORDS[0], 20) == [15, 14, 13, 12, 11]
    reading.close()
    writing.close()


def test_the_cursor_outlives_its_owner(tmp_path: Path) -> None:
    events = events_with([[WORDS[0]]] * 5)
    search = SearchSegments(open_search(tmp_path / "search.db"))
    search.write_slice(events, 3)
    search.close()
    again = SearchSegments(open_search(tmp_path / "search.db"))
    assert again.cursor == 7
    assert again.write_slice(events) == 2
    assert again.find(WORDS[0], 10) == [13, 10, 7, 4, 1]
    again.close()
    assert segments.MERGE == 16


@given(terms=EVENTS, slice_=st.integers(1, 30), data=st.data())
@settings(deadline=None, max_examples=60)
def test_any_of_several_terms_agrees_with_a_plain_list(
    terms: list[list[bytes]], slice_: int, data: st.DataObject
) -> None:
    search, events = SearchSegments(open_search(":memory:")), events_with(terms)
    while search.write_slice(events, slice_):
        pass
    groups = data.draw(
        st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), min_size=1, max_size=3)
    )
    having = [
        3 * index + 1
        for index, term in enumerate(terms)
        if all(set(group) & set(term) for group in groups)
    ]
    asked = [b"".join(group) for group in groups]
    for after in (None, 0):
        seen = [seq for seq, fits in search.walk(asked, None, after) if fits]
        assert seen == (having if after is not None else having[::-1])
