"""Several processes change the map at once; some are killed, some stand still."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.store.cell_map.other_process import FAMILIES, PATIENT_S
from tests.store.cell_map.subject import MapSubject, PostgresMap
from tidings.core.cells.cell_map import CellMap, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.cell_map import postgres_map, sqlite_map
from tidings.store.port.cell_map import MapDown, MapPlace, MapReading, RangeRun, grants_of

END_S = 120
WRITERS = 3
CHANGES = 25
SEED = 5


@contextmanager
def other(
    role: str, subject: MapSubject, first: int, count: int = 0
) -> Iterator["subprocess.Popen[str]"]:
    """Another process; it is killed at the end."""
    words = [role, *subject.words, str(first), str(count)]
    command = [sys.executable, "-m", "tests.store.cell_map.other_process", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=END_S)


def follow(known: CellMap, seen: dict[FamilyId, int], reading: MapReading) -> None:
    """Take in what was read, as readers do: nothing that was read before comes again."""
    for family in reading.changes.families:
        assert family not in seen
        seen[family] = reading.place.version
    known.merge(reading.changes)


def test_versions_are_seen_in_their_order_beside_writers(subject: MapSubject) -> None:
    """And the ranges of those that ask at once never overlap."""
    rows = subject.open_rows()
    rows.grants.begin(1, CellId(9))
    known, seen, place = CellMap(), dict[FamilyId, int](), rows.changes.read(MapPlace()).place
    runs: list[RangeRun] = []
    with (
        other("place_and_grant", subject, 1000, CHANGES) as first,
        other("place_and_grant", subject, 2000, CHANGES) as second,
        other("place_and_grant", subject, 3000, CHANGES) as third,
    ):
        writers = [first, second, third]
        while any(writer.poll() is None for writer in writers):
            reading = rows.changes.read(place)
            assert reading.place.version >= place.version
            follow(known, seen, reading)
            runs += reading.runs
            place = reading.place
        lines = []
        for writer in writers:
            printed, _ = writer.communicate(timeout=END_S)
            assert writer.returncode == 0
            lines += [[int(word) for word in line.split()] for line in printed.splitlines()]
    reading = rows.changes.read(place)
    follow(known, seen, reading)
    grants = grants_of([RangeRun(0, CellId(9)), *runs, *reading.runs], reading.next_range)
    versions = {version for _, version, *_ in lines}
    granted = [index for _, _, *indices in lines for index in indices]
    assert len(lines) == WRITERS * CHANGES == len(versions)
    assert {*seen} == {family for family, *_ in lines}
    assert sorted(granted) == list(range(1, 1 + 2 * CHANGES * WRITERS))
    for family, version, *indices in lines:
        assert seen[FamilyId(family)] >= version
        assert known.place_of(FamilyId(family)) == FamilyPlace(CellId(1), 1)
        cell = family // 1000 * 1000
        assert [grants.cell_of(index, bits=0) for index in indices] == [cell, cell]
    rows.close()


def test_a_killed_writer_leaves_nothing_half_done(subject: MapSubject) -> None:
    rng = random.Random(SEED)
    rows = subject.open_rows()
    acknowledged = 0
    for round_ in range(2):
        with other("move_all", subject, 1 + 1_000_000 * round_) as writer:
            assert writer.stdout is not None
            for _ in range(rng.randrange(1, 30)):
                number, version = map(int, writer.stdout.readline().split())
                acknowledged = number
            writer.kill()
        reading = rows.changes.read(MapPlace())
        assert {*reading.changes.families} == {*FAMILIES}
        numbers = {place.number for place in reading.changes.families.values()}
        assert len(numbers) == 1 and max(numbers) >= acknowledged
        assert reading.place.version >= version and reading.place.stamp
        family = FamilyId(100 + round_)
        following = rows.entries.place_families({family: FamilyPlace(CellId(1), 1)})
        assert following > reading.place.version
        subject.ask(f"DELETE FROM family_place WHERE family = {family}")
    rows.close()


def test_a_writer_that_ends_within_a_change_has_not_made_it(subject: MapSubject) -> None:
    rows = subject.open_rows()
    place = rows.changes.read(MapPlace()).place
    with other("stand_still", subject, 1) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "in\n"
        assert rows.changes.read(place).place == place  # readers wait for nobody
    rows.entries.place_families({FamilyId(1): FamilyPlace(CellId(1), 1)})
    assert rows.changes.read(place).place.version == place.version + 1
    assert rows.processes.list() == []
    rows.close()


def test_who_waits_for_a_change_that_does_not_end_is_told_so(
    subject: MapSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_map, "WAIT_S", 0.1)
    monkeypatch.setitem(postgres_map.BOUNDS_S, "lock_timeout", 0.1)
    rows = subject.open_rows()
    with other("stand_still", subject, 1) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "in\n"
        writer.send_signal(signal.SIGSTOP)
        with pytest.raises(MapDown):
            rows.entries.place_families({FamilyId(1): FamilyPlace(CellId(1), 1)})
        assert rows.changes.read(MapPlace()).changes.families == {}
    rows.close()
    monkeypatch.setattr(sqlite_map, "WAIT_S", PATIENT_S)
    monkeypatch.setitem(postgres_map.BOUNDS_S, "lock_timeout", PATIENT_S)
    rows = subject.open_rows()
    rows.entries.place_families({FamilyId(1): FamilyPlace(CellId(1), 1)})
    assert len(rows.changes.read(MapPlace()).changes.families) == 1
    rows.close()


def test_all_that_is_asked_of_a_server_has_an_end_there() -> None:
    rows = PostgresMap().open_rows()
    connection = rows.processes._transactions.connection
    for name, bound_s in postgres_map.BOUNDS_S.items():
        [(shown_ms,)] = connection.execute(
            f"SELECT setting FROM pg_settings WHERE name = '{name}'"
        ).fetchall()
        assert int(shown_ms) == bound_s * 1000
    rows.close()
