"""An installation in a database, whose further cells may be in another one."""

from pathlib import Path

import msgspec

from tests.app.cells.commands.one_installation import OneInstallation, in_database
from tests.postgres_server import shared_server
from tidings.app.cells.commands.adding import AddedCell, AddStep, add_cell
from tidings.settings.database_uri import NamedDatabases

OTHER = "other"
SCHEMA = "tidings"  # as that of the first cell


class InTwoDatabases(OneInstallation):
    """A further cell is in the other database."""

    def add(self, name: int = 2, end_at: AddStep | None = None) -> AddedCell:
        """`tidings cells create --in-database other`."""
        schema = SCHEMA if name == 2 else self.schema(name)
        return add_cell(self.settings, schema, database=OTHER)


def in_two_databases(directory: Path, uri: str | None = None) -> InTwoDatabases:
    """Make it, served once. `uri`: of the other database."""
    made = in_database(directory)
    other = NamedDatabases({OTHER: uri or shared_server().lend_database()})
    installation = InTwoDatabases(msgspec.structs.replace(made.settings, databases=other))
    installation.serve_once()
    return installation


def without_other(installation: OneInstallation) -> OneInstallation:
    """Return it as a machine has it whose settings do not name the other database."""
    return OneInstallation(
        msgspec.structs.replace(installation.settings, databases=NamedDatabases({}))
    )


def with_other(installation: OneInstallation, uri: str) -> OneInstallation:
    """Return it as a machine has it whose settings name another place for the other database."""
    return OneInstallation(
        msgspec.structs.replace(installation.settings, databases=NamedDatabases({OTHER: uri}))
    )
