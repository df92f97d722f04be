"""An installation on directories or in a database, with a store that was served once."""

import itertools
from contextlib import closing
from pathlib import Path

import msgspec

from tests.postgres_server import shared_server
from tests.store.postgres.databases import SCHEMA, connect
from tests.store.rows import event
from tidings.app.cells.cell_settings import settings_of_cell
from tidings.app.cells.commands.adding import AddedCell, AddStep, add_cell
from tidings.app.cells.commands.owned_store import owned
from tidings.app.cells.map_place import open_map_rows
from tidings.app.cells.store_identity import reading_store
from tidings.app.keys.key_check import check_of
from tidings.core.cells.families import CellId
from tidings.core.cells.ranges import CellRanges
from tidings.core.ids import OrgId
from tidings.engine.vault import SealedSecret
from tidings.settings.database_uri import DatabaseUri
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.port.cell_map import CellEntry, MapPlace, MapReading
from tidings.store.postgres.migration import migrate
from tidings.store.sql.facts.numbers import read_ranges
from tidings.store.sql.halves import RowWriter

MASTER = SealedSecret(bytes(32))
KEY_CHECK = check_of(MASTER)
FIRST_ORG, CHILD = OrgId(100041), OrgId(100042)


class Ended(BaseException):
    """The process ends here."""


class OneInstallation:
    """What its commands and services do, in this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._names = (f"{number}" for number in itertools.count(1))

    def serve_once(self, name: str = "this one") -> None:
        """The first start: the key is known, and there are orgs. `name`: of the installation, for
        databases of tests are copies of one."""
        with owned(self.settings) as writing:
            with writing.connection:
                writing.connection.execute("UPDATE installation SET id = ?", (name,))
            writing.key_check.put(KEY_CHECK)
            writing.orgs.put_org(port.StoredOrg(FIRST_ORG, "first"))
            writing.orgs.put_org(port.StoredOrg(CHILD, "child", parent=FIRST_ORG))

    def add(self, name: int = 2, end_at: AddStep | None = None) -> AddedCell:
        """`tidings cells create`; it may end behind a step."""

        def after(step: AddStep) -> None:
            if step is end_at:
                raise Ended

        return add_cell(self.settings, self.schema(name), after=after)

    def schema(self, name: int) -> str | None:
        """How the command is told where the cell shall be."""
        return None if self.settings.database is None else f"cell_{name}"

    def read(self) -> MapReading:
        """The map."""
        with closing(open_map_rows(self.settings)) as rows:
            return rows.changes.read(MapPlace())

    def place(self, entry: CellEntry) -> Settings:
        """The settings of a cell."""
        return settings_of_cell(self.settings, entry)

    def ranges(self) -> dict[CellId, CellRanges]:
        """What each cell has in its own store."""
        found = {}
        for cell in self.read().cells:
            with reading_store(self.place(cell)) as connection:
                assert connection is not None
                found[cell.cell] = read_ranges(connection)
        return found

    def give(self, place: Settings, count: int = 1) -> list[int]:
        """Serve a store for a moment, in which it gives numbers to events."""
        with owned(place) as writing:
            return self.accept(writing, count)

    def accept(self, writing: RowWriter, count: int = 1) -> list[int]:
        """Give numbers to events."""
        version = writing.configuration.load().registry_version
        events = [event(next(self._names)) for _ in range(count)]
        return [*writing.commit(port.Batch(version, events)).seqs]


def on_directories(directory: Path) -> OneInstallation:
    return OneInstallation(Settings(data=directory / "data"))


def in_database(directory: Path) -> OneInstallation:
    uri = shared_server().lend_database()
    with connect(uri) as connection:
        migrate(connection, SCHEMA)
    settings = Settings(data=directory / "data", database=DatabaseUri(uri))
    return OneInstallation(msgspec.structs.replace(settings, database_schema=SCHEMA))
