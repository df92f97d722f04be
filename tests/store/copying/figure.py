"""The figure of `tidings store copy`: `python -m tests.store.copying.figure --save FILE`.

A data directory with a million deliveries is copied to a PostgreSQL that syncs, by the command,
which is killed twice on the way, and back without a kill. Each command compares every row.
"""

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

from tests.postgres_server import PostgresServer
from tests.store.copying.filled import FilledStore
from tests.store.sqlite.log_rows import fill
from tidings.store.copying.sqlite_side import SqliteSide
from tidings.store.postgres.migration import migrate
from tidings.store.sql.configuration.key_check import KeyCheckRow
from tidings.store.sqlite.database import FILE, open_writer

STEP_MS = 100.0
BODY_BYTES = 1000
KILL_AT = ("copying body", "copying event:")
TABLES = ("event", "body", "event_id", "delivery")


class Run(NamedTuple):
    """One run of the command: how long it took, and how it ended."""

    what: str
    seconds: float
    outcome: str


def make_directory(place: Path, deliveries: int) -> None:
    """Fill a data directory: an event for each delivery, with its body and its id."""
    place.mkdir(mode=0o700)
    connection = open_writer(place / FILE)
    connection.execute("PRAGMA wal_autocheckpoint = 4096").fetchall()
    fill(connection, round(deliveries / 0.95), STEP_MS)  # one in twenty matches nobody
    for statement in (
        f"INSERT INTO body SELECT seq, randomblob({BODY_BYTES}) FROM event",
        "INSERT INTO event_id SELECT randomblob(16), seq, randomblob(8) FROM event",
    ):
        connection.execute(statement).fetchall()
    connection.close()
    key = os.urandom(32)
    write_key(place / "key", key)
    side = SqliteSide(place, make=False)
    KeyCheckRow(side.connection).put(FilledStore(place, key).secrets.check())
    side.close()


def write_key(path: Path, key: bytes) -> None:
    """Write a key that its owner alone reads."""
    path.touch(0o600)
    path.write_bytes(key)


def run_copy(source: Path, target: Path, kill_at: str = "") -> Run:
    """Run the command; kill it when it tells of a step."""
    command = [sys.executable, "-m", "tidings.cli", "store", "copy"]
    command += ["--from", str(source), "--to", str(target)]
    began_s = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        for line in process.stderr:
            if kill_at and line.startswith(kill_at):
                process.kill()
                return Run(f"killed at `{line.strip()}`", time.monotonic() - began_s, "killed")
        out = process.stdout.read().strip()
    assert process.returncode == 0, (process.returncode, line)
    return Run("to its end", time.monotonic() - began_s, out.partition("  ")[2])


def counts(uri: str) -> dict[str, int]:
    """Count the rows of the large tables."""
    with psycopg.connect(uri, options="-c search_path=tidings") as connection:
        found = {}
        for table in TABLES:
            [(found[table],)] = connection.execute(
                f"SELECT count(*) FROM {table}".encode()
            ).fetchall()
    return found


def measure(place: Path, deliveries: int, server: PostgresServer) -> list[str]:
    """Copy there, killed twice, and back; return the lines of the table."""
    source, last = place / "first", place / "last"
    make_directory(source, deliveries)
    uri = server.database("copied")
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = on")
        connection.execute("SELECT pg_reload_conf()")
        migrate(connection, "tidings")
    write_key(place / "master.key", base64.b64encode(os.urandom(32)))
    settings = place / "tidings.toml"
    settings.write_text(f'database = "{uri}"\nmaster_key_file = "{place}/master.key"\n')
    runs = [run_copy(source, settings, at) for at in KILL_AT]
    runs.append(run_copy(source, settings))
    rows = counts(uri)
    last.mkdir(mode=0o700)
    with psycopg.connect(uri, autocommit=True) as connection:  # as its first start does
        connection.execute("DELETE FROM tidings.store_copy")
    back = run_copy(settings, last)
    lines = [f"| {run.what} | {run.seconds:.1f} | {run.outcome} |" for run in runs]
    total = sum(run.seconds for run in runs)
    all_rows = sum(rows.values())
    lines.append(f"| together | {total:.1f} | {all_rows / total:,.0f} rows/s, compared |")
    lines.append(f"| back, {back.what} | {back.seconds:.1f} | {back.outcome} |")
    lines.append(
        f"\nRows: {', '.join(f'{count:,} of `{table}`' for table, count in rows.items())}."
    )
    return lines


def main() -> None:
    """Measure, and print or save the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1_000_000)
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory() as place:
            lines = measure(Path(place), given.deliveries, server)
    finally:
        server.end()
    text = "\n".join(("| Run | s | Outcome |", "|---|---|---|", *lines, ""))
    print(text)
    if given.save is not None:
        given.save.write_text(text)


if __name__ == "__main__":
    main()
