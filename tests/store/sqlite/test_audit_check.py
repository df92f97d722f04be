"""The audit log of a data directory is checked: whatever who can write to its tables, and has not
its key, does to it is named; what he can hide from it, the line of an anchor finds."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.store.conformance.audited import KEY, change
from tidings.core.audit.actor import SERVICE
from tidings.core.audit.anchors import AnchorLine
from tidings.core.audit.audit_actions import LOG_SHORTENED, STORE_RESTORED
from tidings.core.audit.chain import ANCHORS
from tidings.core.audit.entries import draft
from tidings.core.audit.report import AuditReport
from tidings.store import port
from tidings.store.sql.audit.audit_walk import AuditUnreadable
from tidings.store.sqlite.audit_check import check_audit
from tidings.store.sqlite.halves import WritingHalf

START_MS = 1_000_000
STEP_MS = 1000


class Log:
    """A database file with an audit log, and who writes to it with and without the key."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now_ms = START_MS
        self.half = WritingHalf(directory / "tidings.db", lambda: self.now_ms)
        self.run: Callable[..., Any] = self.half.connection.execute

    def write(self, *orgs: int) -> None:
        """An entry in the chain of each."""
        for org in orgs:
            self.now_ms += STEP_MS
            self.half.audit.write(port.AuditWrite(KEY, (change(org=org),)))

    def anchor(self) -> AnchorLine:
        made = self.half.audit_upkeep.put_anchor(KEY, self.now_ms)
        assert made is not None
        return AnchorLine(made.mac, made.number)

    def shorten(self, org: int, last: int) -> None:
        """Retention drops the entries up to one."""
        [(at_ms,)] = self.run("SELECT at_ms FROM audit WHERE chain = ? AND number = ?", (org, last))
        mark = draft(org, SERVICE, LOG_SHORTENED, str(org))
        assert self.half.audit_upkeep.shorten(KEY, mark, at_ms + 1)

    def shorten_anchors(self) -> None:
        mark = draft(0, SERVICE, LOG_SHORTENED, ANCHORS)
        assert self.half.audit_upkeep.shorten_anchors(KEY, mark, 2**50, 2**50)

    def cut(self, org: int, last: int) -> None:
        """An attacker cuts the end off, and the notes of it."""
        self.run("DELETE FROM audit WHERE chain = ? AND number > ?", (org, last))
        self.run(
            "UPDATE audit_chain SET anchored = min(anchored, ?2), (number, mac) ="
            " (SELECT number, mac FROM audit WHERE chain = ?1 AND number = ?2) WHERE chain = ?1",
            (org, last),
        )

    def forget_anchors(self, last: int = 0) -> None:
        """An attacker deletes the anchors behind one, and the notes of them."""
        self.run("DELETE FROM audit_anchor WHERE number > ?", (last,))
        self.run("UPDATE audit_chain SET anchored = 0")

    def check(self, line: AnchorLine | None = None) -> AuditReport:
        return check_audit(self.directory, KEY, line)

    def faults(self, line: AnchorLine | None = None) -> list[tuple[int | None, int | None]]:
        return [(fault.chain, fault.number) for fault in self.check(line).faults]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Three chains of ten entries, anchored after six and after nine."""
    log = Log(tmp_path)
    for number in range(10):
        log.write(7, 0, 8)
        if number in (5, 8):
            log.anchor()
    return log


def test_a_whole_log_has_no_fault_and_its_figures(log: Log) -> None:
    line = log.anchor()
    report = log.check(line)
    assert report.faults == [] and report.fault_count == 0
    assert (report.chains, report.entries, report.anchors) == (3, 30, 3)
    assert report.newest_anchor is not None
    assert report.newest_anchor.digest == line.digest.hex()


def test_it_is_whole_after_retention_of_entries_and_anchors(log: Log) -> None:
    for _ in range(3):
        log.shorten(7, log.run("SELECT min(number) + 2 FROM audit WHERE chain = 7").fetchone()[0])
        log.write(7)
        assert log.faults() == []
    log.anchor()
    log.shorten_anchors()
    assert log.faults() == []
    line = log.anchor()
    log.write(7, 8)
    log.shorten_anchors()
    log.anchor()
    assert log.faults(line) == []


@pytest.mark.parametrize("column", ["at_ms", "actor", "address", "action", "before", "after"])
def test_a_changed_row_is_named(log: Log, column: str) -> None:
    log.run(f"UPDATE audit SET {column} = 77 WHERE chain = 7 AND number = 4")
    assert (7, 4) in log.faults()


def test_an_entry_that_was_taken_out_of_the_middle_is_named(log: Log) -> None:
    log.run("DELETE FROM audit WHERE chain = 8 AND number = 6")
    assert log.faults() == [(8, 6)]
    log.run("UPDATE audit SET number = number - 1 WHERE chain = 8 AND number > 6")
    assert (8, 6) in log.faults(), "nor do those behind it fit in its place"


def test_an_end_that_was_cut_is_named_even_with_its_notes_gone(log: Log) -> None:
    log.run("DELETE FROM audit WHERE chain = 7 AND number > 5")
    assert log.faults() == [(7, 6)]
    log.cut(7, 5)
    assert log.faults() == [(7, 6)], "an anchor names it"


def test_an_end_that_was_cut_with_its_anchors_is_found_by_the_line_alone(log: Log) -> None:
    line = log.anchor()
    log.cut(7, 5)
    log.forget_anchors()
    assert log.faults() == []
    assert log.faults(line) == [(None, line.number)]
    assert log.faults(AnchorLine(line.digest)) == [(None, None)]
    log.write(7, 7, 7, 7, 7, 0)
    for _ in range(5):
        log.anchor()
        log.write(7)
    assert log.faults() == [] and log.faults(line) == [(None, line.number)], "nor by going on"


def test_a_whole_chain_that_was_begun_anew_is_named(log: Log) -> None:
    log.run("DELETE FROM audit WHERE chain = 7")
    assert log.faults() == [(7, 1)]
    log.run("DELETE FROM audit_chain WHERE chain = 7")
    assert log.faults() == [(7, 1)], "an anchor names it"
    log.write(*[7] * 12)
    assert log.faults() == [(7, 6)], "another entry was there at the anchor"


def test_the_whole_log_begun_anew_is_found_by_the_line_alone(log: Log) -> None:
    line = log.anchor()
    for table in ("audit", "audit_chain", "audit_anchor"):
        log.run(f"DELETE FROM {table}")
    for _ in range(4):
        log.write(0, 7, 8)
        log.anchor()
    assert log.faults() == [] and log.faults(line) == [(None, line.number)]


def test_who_deletes_the_newest_mark_and_the_beginning_is_found(log: Log) -> None:
    log.shorten(7, 3)
    log.write(7, 7)
    log.shorten(7, 5)  # marks: 11 and 14
    log.write(7, 7)
    log.run("DELETE FROM audit WHERE chain = 7 AND (number <= 8 OR number = 14)")
    assert {(7, 6), (7, 14)} & set(log.faults())
    log.run("DELETE FROM audit WHERE chain = 7 AND number <= 14")
    assert (7, 1) in log.faults()


def test_who_puts_an_old_beginning_back_is_found(log: Log) -> None:
    log.run("CREATE TEMP TABLE old AS SELECT * FROM audit WHERE chain = 7 AND number <= 5")
    log.shorten(7, 3)
    log.write(7)
    log.shorten(7, 5)
    log.run("INSERT INTO audit SELECT * FROM old WHERE number > 3")
    assert log.faults() == [(7, 4)], "an older mark is no beginning any more"
    log.run("DELETE FROM audit WHERE chain = 7 AND number = 13")
    log.run("UPDATE audit_chain SET number = 12 WHERE chain = 7")
    assert log.faults(), "and to take the newest mark away helps only where it is the last entry"


def test_who_replays_an_old_mark_is_found(log: Log) -> None:
    log.shorten(7, 3)
    log.run("CREATE TEMP TABLE mark AS SELECT * FROM audit WHERE chain = 7 AND number = 11")
    log.write(7, 7)
    log.shorten(7, 6)
    log.run("UPDATE mark SET number = (SELECT number + 1 FROM audit_chain WHERE chain = 7)")
    log.run("INSERT INTO audit SELECT * FROM mark")
    log.run("UPDATE audit_chain SET (number, mac) = (SELECT number, mac FROM mark) WHERE chain = 7")
    assert (7, 15) in log.faults()


def test_an_entry_that_was_moved_to_another_chain_is_found(log: Log) -> None:
    log.run("DELETE FROM audit WHERE chain = 8 AND number = 6")
    log.run("UPDATE audit SET chain = 8 WHERE chain = 7 AND number = 6")
    assert {(7, 6), (8, 6)} <= set(log.faults())


def test_two_chains_that_changed_places_are_found(log: Log) -> None:
    for table in ("audit", "audit_chain"):
        log.run(f"UPDATE {table} SET chain = -chain WHERE chain IN (7, 8)")
        log.run(f"UPDATE {table} SET chain = 8 WHERE chain = -7")
        log.run(f"UPDATE {table} SET chain = 7 WHERE chain = -8")
    assert {(7, 1), (8, 1)} <= set(log.faults())


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_deleted_anchor_is_found(log: Log, number: int) -> None:
    log.anchor()
    log.run("DELETE FROM audit_anchor WHERE number = ?", (number,))
    found = log.faults()
    assert (None, number) in found or (number == 3 and (7, 10) in found)


def test_the_oldest_anchors_need_a_mark_to_be_gone(log: Log) -> None:
    log.anchor()
    log.shorten_anchors()
    log.write(0)
    log.anchor()
    assert log.faults() == []
    log.run("DELETE FROM audit_anchor WHERE number = 3")
    assert (None, 3) in log.faults()


def test_a_chain_that_is_noted_as_anchored_and_is_not_is_found(log: Log) -> None:
    log.write(8)
    log.run("UPDATE audit_chain SET anchored = 500 WHERE chain = 8")
    assert log.faults() == [(8, 500)]


def test_a_line_that_retention_has_dropped_is_refused_and_no_fault(log: Log) -> None:
    line = log.anchor()
    log.write(7)
    log.anchor()
    log.shorten_anchors()
    with pytest.raises(AuditUnreadable, match="Give a newer line"):
        log.check(line)


def test_another_key_opens_nothing(log: Log) -> None:
    assert check_audit(log.directory, b"x" * 32).fault_count >= 30


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("audit", "number = 10"),
        ("audit", "number = 9"),  # which the newest anchor names
        ("audit_chain", "1"),
        ("audit_anchor", "1"),
    ],
)
@pytest.mark.parametrize("value", ["abc", b"\xff", None, -1, 2**62, 0.5, ""])
def test_no_value_of_any_column_ends_the_check(
    log: Log, table: str, row: str, value: object
) -> None:
    newest = f"rowid = (SELECT max(rowid) FROM {table} WHERE {row})"
    written = 0
    for column in [row[1] for row in log.run(f"PRAGMA table_info({table})")]:  # may be empty: below
        [(before,)] = log.run(f"SELECT {column} FROM {table} WHERE {newest}")
        try:
            [(rowid,)] = log.run(
                f"UPDATE {table} SET {column} = ? WHERE {newest} RETURNING rowid", (value,)
            ).fetchall()
        except (apsw.ConstraintError, apsw.MismatchError):
            continue  # SQLite refuses it
        written += 1
        harmless = value == before or (column == "anchored" and value == -1)  # anchored once more
        assert log.check().fault_count or harmless, column
        log.run(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (before, rowid))
        assert log.check().fault_count == 0
    assert written or (value is None and table != "audit"), "of these no column may be NULL"


@pytest.mark.parametrize("seed", range(30))
def test_no_chance_change_goes_unseen(log: Log, seed: int) -> None:
    rng = random.Random(seed)
    before = dump(log)
    chain, number = rng.choice([0, 7, 8]), rng.randint(1, 10)
    changes: list[Callable[[], Any]] = [
        lambda: log.run("DELETE FROM audit WHERE chain = ? AND number = ?", (chain, number)),
        lambda: log.run(
            "UPDATE audit SET number = number + 20 WHERE chain = ? AND number = ?",
            (chain, number),
        ),
        lambda: log.run(
            "UPDATE audit SET chain = 9 WHERE chain = ? AND number >= ?", (chain, number)
        ),
        lambda: log.run("DELETE FROM audit WHERE chain = ? AND number < ?", (chain, number)),
        lambda: log.run("DELETE FROM audit WHERE chain = ? AND number >= ?", (chain, number)),
        lambda: log.run(
            "UPDATE audit SET mac = (SELECT mac FROM audit WHERE chain = 7 AND number = 3)"
            " WHERE chain = ? AND number = ?",
            (chain, number),
        ),
    ]
    rng.choice(changes)()
    assert dump(log) == before or log.faults()


def dump(log: Log) -> list[tuple[Any, ...]]:
    return list(log.run("SELECT * FROM audit ORDER BY chain, number"))


def test_a_restore_is_told_of_where_a_line_is_not_found(log: Log) -> None:
    log.run("INSERT INTO meta VALUES ('copied_ms', ?)", (START_MS,))
    mark = draft(0, SERVICE, STORE_RESTORED, "store")
    assert log.half.audit_upkeep.note_restore(KEY, mark) == START_MS
    assert log.half.audit_upkeep.note_restore(KEY, mark) is None, "once"
    [restore] = log.check().restores
    assert (restore.number, restore.newest_anchor) == (11, 2)
    assert restore.backup_made_at == "1970-01-01T00:16:40.000Z"
    report = log.check(AnchorLine(b"l" * 32, 5))
    [fault] = report.faults
    assert "restored at" in fault.what and "from a backup of 1970-01-01T00:16:40.000Z" in fault.what
    [other] = log.check(AnchorLine(b"l" * 32, 2)).faults
    assert "restored" not in other.what, "that backup held it"


def test_a_directory_of_before_is_refused(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "tidings.db"))
    connection.execute("CREATE TABLE meta (key, value)")
    connection.close()
    with pytest.raises(AuditUnreadable, match="release before"):
        check_audit(tmp_path, KEY)
    (tmp_path / "tidings.db").write_bytes(b"no database" * 1000)
    with pytest.raises(AuditUnreadable, match="must be a database"):
        check_audit(tmp_path, KEY)


def test_faults_without_end_are_counted_and_not_kept(log: Log) -> None:
    log.write(*[7] * 1500)
    log.run("UPDATE audit SET actor = 'me' WHERE chain = 7")
    report = log.check()
    assert report.fault_count >= 1500 and len(report.faults) == 1000
