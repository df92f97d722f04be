"""`tidings migrate`: brings the schema of a database forward, which no start does."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tidings.cli.exits import Exit, next_step, say
from tidings.cli.output import print_line


def migrate(
    *,
    config: Path | None = None,
    database: str | None = None,
    serve_role: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Create or update the tables of a store in PostgreSQL. Never done by a start.

    Where there are several cells, it goes through all of them, each on a line of its own.

    Give the password by TIDINGS_DATABASE or ~/.pgpass: every process can read a command line.

    Parameters
    ----------
    config
        A settings file in TOML.
    database
        The database, as the role that owns the tables. Default: as `tidings serve`.
    serve_role
        The role that serves: it gets the right to read and write rows, and no other.
    json
        Print what was done as JSON.
    """
    from tidings.app.cells.commands.places import migrate_all  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import done, load_settings  # noqa: PLC0415

    settings = load_settings(config, {"database": database})
    schemas = migrate_all(settings, serve_role)
    while (made := done(lambda: next(schemas, None))) is not None:
        if json:
            print_line(made._asdict() | {"serveRole": serve_role})
        elif made.before == made.after:
            print(f"{made.schema} in {made.database} has schema {made.after} already.")
        else:
            print(f"{made.schema} in {made.database}: from schema {made.before} to {made.after}.")
    if serve_role is not None:
        say(f"{serve_role} may read and write its rows, and nothing else.")
    given = "" if config is None else f" --config {shlex.quote(str(config))}"
    next_step(f"tidings serve{given}")
    return Exit.OK
