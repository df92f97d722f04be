"""Checks the audit log of a data directory, also of one that is served: nothing is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from tidings.core.audit.anchors import AnchorLine
from tidings.core.audit.report import AuditReport
from tidings.store.port import KeptKey
from tidings.store.sql.audit.audit_walk import AuditUnreadable, AuditWalk
from tidings.store.sql.configuration.snapshot import KEPT_KEY
from tidings.store.sqlite.connection import DISK_FAULTS, SqliteConnection
from tidings.store.sqlite.database import FILE, open_reader

FIRST_SCHEMA = 28  # with an audit log
FIRST_WITH_KEPT_KEYS = 31


def check_audit(data: Path, key: bytes, line: AnchorLine | None = None) -> AuditReport:
    """Check the audit log of a data directory. AuditUnreadable."""
    with _opened(data) as (connection, _):
        return AuditWalk(connection, connection.execute, key).check(line)


def read_kept_keys(data: Path) -> list[KeptKey]:
    """Read the keys that a data directory keeps of another one. AuditUnreadable."""
    with _opened(data) as (connection, schema):
        if schema < FIRST_WITH_KEPT_KEYS:
            return []
        return [KEPT_KEY.read(row) for row in connection.execute(KEPT_KEY.select)]


@contextmanager
def _opened(data: Path) -> Iterator[tuple[SqliteConnection, int]]:
    """Open one moment of a database that has an audit log; give the number of its schema too."""
    try:
        connection = open_reader(data / FILE)
        try:
            connection.execute("BEGIN").fetchall()
            [(schema,)] = connection.execute("PRAGMA user_version").fetchall()
            if int(schema) < FIRST_SCHEMA:  # type: ignore[arg-type]
                raise AuditUnreadable(
                    f"{data} must have an audit log; it is of a release before there was one. "
                    "Start this release on it: the log begins then."
                )
            yield connection, int(schema)  # type: ignore[arg-type]
        finally:
            connection.close()
    except (*DISK_FAULTS, apsw.NotADBError, apsw.CorruptError, apsw.SQLError) as error:
        raise AuditUnreadable(
            f"{data / FILE} must be a database of Tidings that can be read; SQLite reports: "
            f"{error}. Name the data directory with --data; where it is damaged, restore a backup."
        ) from error
