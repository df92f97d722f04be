"""A server of PostgreSQL that archives its log, and is restored to a point in time as the page of
PostgreSQL tells: of a base backup and the archive, at the place of the former one."""

import shutil
import time
from datetime import UTC, datetime
from typing import Any

import psycopg

from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

ARCHIVED_S = 120.0
HANDLES = ".handle_pids.json"  # of the program that runs the server for us
_ARCHIVED = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"


class ArchivedServer:
    """It archives from when it is made."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._archive = server.place.with_name("archive")
        self._archive.mkdir(mode=0o700)
        self._archive.parent.chmod(0o755)
        server.give(self._archive)
        self._backup = server.place.with_name("base")
        server.set(
            "wal_level = replica",
            "archive_mode = on",
            f"archive_command = 'test -f {self._archive}/%f || cp %p {self._archive}/%f'",
        )
        with server.crashed():
            pass  # `archive_mode` needs a start

    def back_up(self) -> None:
        """Make a base backup, in the place of one that is there."""
        shutil.rmtree(self._backup, ignore_errors=True)
        self.server.back_up(self._backup)

    def now(self) -> datetime:
        """The time by the server's clock."""
        [(now,)] = self._ask("SELECT clock_timestamp()")
        assert isinstance(now, datetime)
        return now.astimezone(UTC)

    def archive_all(self) -> None:
        """Have all that was committed so far in the archive."""
        [(file,)] = self._ask("SELECT pg_walfile_name(pg_switch_wal())")
        until(lambda: self._ask(_ARCHIVED, file) == [(True,)], f"{file} in the archive", ARCHIVED_S)

    def restore(self, at: datetime) -> None:
        """Lose the server, and restore it to a point in time, where it was."""
        self.server.crash()
        place = self.server.place
        shutil.copy(place / HANDLES, self._backup / HANDLES)
        shutil.rmtree(place)
        shutil.copytree(self._backup, place)
        settings = place / "postgresql.auto.conf"
        with settings.open("a") as file:
            file.write(f"restore_command = 'cp {self._archive}/%f %p'\n")
            file.write(f"recovery_target_time = '{at.isoformat()}'\n")
            file.write("recovery_target_action = 'promote'\n")
        (place / "recovery.signal").touch()
        for path in (place, *place.rglob("*")):
            self.server.give(path)
        self.server.start_again()
        until(self._takes_writes, "a restored server that takes writes", ARCHIVED_S)

    def _takes_writes(self) -> bool:
        return self._ask("SELECT pg_is_in_recovery()") == [(False,)]

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.uri("postgres"), autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()


def after(moment: datetime, seconds: float = 0.2) -> float:
    """Wait until a server's clock, which is this machine's, has left a moment behind. Return when
    that was, by `time.monotonic`."""
    while datetime.now(UTC).timestamp() < moment.timestamp() + seconds:
        time.sleep(seconds / 10)
    return time.monotonic()
