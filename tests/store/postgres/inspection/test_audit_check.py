"""The audit log of a database is checked by the rules of every store: `tests/store/sqlite/
test_audit_check.py` tries them one by one."""

from unittest.mock import patch

import pytest

from tests.store.conformance.audited import KEY
from tests.store.postgres.audit_log import owned_log
from tests.store.postgres.databases import connect, migrated
from tidings.core.audit.anchors import AnchorLine
from tidings.errors import Unusable
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection import audit_check
from tidings.store.postgres.inspection.audit_check import check_audit

ORGS, EACH = (7, 0, 8), 10


@pytest.fixture
def database() -> StoreDatabase:
    """Three chains of ten entries, anchored after six and after nine."""
    database = StoreDatabase(migrated())
    with owned_log(database) as log:
        for number in range(EACH):
            log.write(*ORGS)
            if number in (5, 8):
                log.anchor()
    return database


def change(database: StoreDatabase, *statements: str) -> None:
    """Change rows as anybody can who may write to them."""
    with connect(database.uri) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def faults(
    database: StoreDatabase, line: AnchorLine | None = None
) -> list[tuple[int | None, int | None]]:
    return [(fault.chain, fault.number) for fault in check_audit(database, KEY, line).faults]


def test_a_whole_log_has_no_fault_and_its_figures_also_read_in_pieces(
    database: StoreDatabase,
) -> None:
    with owned_log(database) as log:
        line = log.anchor()
        with patch.object(audit_check, "ROWS", 7):
            report = check_audit(database, KEY, line)
    assert report.faults == []
    assert (report.chains, report.entries, report.anchors) == (3, 30, 3)
    assert report.newest_anchor is not None
    assert report.newest_anchor.digest == line.digest.hex()


@pytest.mark.parametrize("column", ["at_ms", "actor", "address", "action", "before", "after"])
def test_a_changed_row_is_named(database: StoreDatabase, column: str) -> None:
    value = "77" if column == "at_ms" else "'77'"
    change(database, f"UPDATE audit SET {column} = {value} WHERE chain = 7 AND number = 4")
    assert (7, 4) in faults(database)


def test_what_was_taken_out_or_cut_off_is_named(database: StoreDatabase) -> None:
    change(database, "DELETE FROM audit WHERE chain = 8 AND number = 6")
    assert faults(database) == [(8, 6)]
    change(database, "DELETE FROM audit WHERE chain = 7 AND number > 7")
    assert (7, 8) in faults(database)


def test_another_key_and_an_anchor_that_is_not_there_are_found(database: StoreDatabase) -> None:
    assert check_audit(database, b"o" * 32).fault_count > 0
    report = check_audit(database, KEY, AnchorLine(b"x" * 32, 2))
    assert [fault.what for fault in report.faults if "Anchor 2 with the digest" in fault.what]


def test_a_schema_without_tables_is_refused_with_what_to_do(database: StoreDatabase) -> None:
    with pytest.raises(Unusable, match="tidings migrate"):
        check_audit(StoreDatabase(database.uri, "another"), KEY)
