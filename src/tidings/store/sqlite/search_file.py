"""The file that holds what is found by: the search terms, and the summaries of blocks.

Everything in it can be made again from the events, so it is written without waiting for the disk
(`synchronous=NORMAL`: a power cut may lose the newest segments, never their order).
"""

from pathlib import Path

from tidings.store.sql.events.blocks import LEFT_IN_STATE
from tidings.store.sqlite.connection import SqliteConnection

SEARCH_FILE = "search.db"
FORMAT = 5  # of this file; what has another one is made again from the events

_TABLES = (
    "CREATE TABLE IF NOT EXISTS segment (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
    " level INTEGER NOT NULL, entries BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS block (number INTEGER PRIMARY KEY, mark INTEGER NOT NULL,"
    " min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS cell (block INTEGER NOT NULL, webhook INTEGER NOT NULL,"
    " kinds TEXT NOT NULL, PRIMARY KEY (block, webhook)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS slice (level INTEGER NOT NULL, block INTEGER NOT NULL,"
    " webhook INTEGER NOT NULL, slot INTEGER NOT NULL, min_ms INTEGER NOT NULL,"
    " max_ms INTEGER NOT NULL, n0 INTEGER NOT NULL, n1 INTEGER NOT NULL, n2 INTEGER NOT NULL,"
    " n3 INTEGER NOT NULL, n4 INTEGER NOT NULL, n5 INTEGER NOT NULL, n6 INTEGER NOT NULL,"
    " n7 INTEGER NOT NULL, n8 INTEGER NOT NULL, attempts INTEGER NOT NULL, ms_sum INTEGER NOT NULL,"
    " slowest_ms INTEGER NOT NULL, spread BLOB NOT NULL,"
    " late BLOB NOT NULL, answers BLOB NOT NULL, earlier BLOB,"
    " arrived_again INTEGER, failed_again INTEGER,"
    " PRIMARY KEY (level, block, webhook, slot)) WITHOUT ROWID",
    "DROP INDEX IF EXISTS slice_left",  # up to version 0.1, without what was replayed
    "CREATE INDEX IF NOT EXISTS slice_left_in_state ON slice (webhook, slot)"
    f" WHERE {LEFT_IN_STATE}",
    "CREATE TABLE IF NOT EXISTS event_block (number INTEGER PRIMARY KEY, min_ms INTEGER NOT NULL,"
    " max_ms INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS event_cell (block INTEGER NOT NULL, org INTEGER NOT NULL,"
    " kinds TEXT NOT NULL, PRIMARY KEY (block, org)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS event_slice (level INTEGER NOT NULL, org INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, block INTEGER NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY (level, org, slot, block)) WITHOUT ROWID",
)
# Until what waits was a state of its own, the seventh count was of what a replay has delivered.
_WITHOUT_WAITING = "SELECT count(*) = 1 FROM pragma_table_info('slice') WHERE name = 'n7'"
_WITH_WAITING = "SELECT count(*) = 1 FROM pragma_table_info('slice') WHERE name = 'n8'"
# Until answers were counted of all attempts, slices had those to the last ones alone.
_WITH_EARLIER = "SELECT count(*) = 1 FROM pragma_table_info('slice') WHERE name = 'earlier'"
_ADD_EARLIER = "ALTER TABLE slice ADD COLUMN earlier BLOB"
# Until arrivals were counted by events, what a replay had sent again counted once more.
_WITH_AGAIN = "SELECT count(*) = 1 FROM pragma_table_info('slice') WHERE name = 'failed_again'"
_ADD_AGAIN = (
    "ALTER TABLE slice ADD COLUMN arrived_again INTEGER",
    "ALTER TABLE slice ADD COLUMN failed_again INTEGER",
)
_MAKE_ROOM = (
    "DROP INDEX IF EXISTS slice_left_in_state",
    "ALTER TABLE slice ADD COLUMN n8 INTEGER NOT NULL DEFAULT 0",
    "UPDATE slice SET n8 = n7, n7 = 0",
)


def open_search(path: Path | str, vfs: str | None = None) -> SqliteConnection:
    """Open the file, and make its tables where they are not there; of another format, anew."""
    search = SqliteConnection(str(path), vfs=vfs)
    for statement in (
        "PRAGMA auto_vacuum = incremental",  # its page map makes seeking in a value short
        "PRAGMA journal_mode = wal",
        "PRAGMA synchronous = normal",
    ):
        search.execute(statement).fetchall()
    [(format,)] = search.execute("PRAGMA user_version").fetchall()
    if format != FORMAT:
        _start_anew(search)
    _make_room(search)
    for statement in _TABLES:
        search.execute(statement).fetchall()
    return search


def table_names() -> frozenset[str]:
    """Return the tables of the file: what is in them can be made again from others."""
    return frozenset(
        statement.partition(" (")[0].split()[-1]
        for statement in _TABLES
        if statement.startswith("CREATE TABLE")
    )


def _start_anew(search: SqliteConnection) -> None:
    with search:
        tables = search.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in tables:
            search.execute(f'DROP TABLE "{name}"').fetchall()
        search.execute(f"PRAGMA user_version = {FORMAT}").fetchall()


def _make_room(search: SqliteConnection) -> None:
    """Make room in the slices of before for what waits, for answers to earlier attempts, and for
    what was sent again."""
    [(has, has_room, has_earlier, has_again)] = search.execute(
        f"SELECT ({_WITHOUT_WAITING}), ({_WITH_WAITING}), ({_WITH_EARLIER}), ({_WITH_AGAIN})"
    )
    if has and not has_room:
        with search:
            for statement in _MAKE_ROOM:
                search.execute(statement).fetchall()
    if has and not has_earlier:
        search.execute(_ADD_EARLIER).fetchall()
    if has and not has_again:
        with search:
            for statement in _ADD_AGAIN:
                search.execute(statement).fetchall()
