"""`tidings store`: what can be done with a store itself."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tidings.cli.exits import Exit, next_step, say
from tidings.cli.output import how_many, print_line

app = App(name="store", help="Check the store: a data directory, or a database.")


@app.command
def check(
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Check what must always be true of the rows, also while the service runs. Writes nothing.

    It reads all rows once. Ends with exit code 0 where nothing is wrong, else 1.

    Parameters
    ----------
    config
        A settings file in TOML.
    data
        A data directory. Default: the store of `tidings serve`.
    database
        A PostgreSQL database, without a password. Default: the store of `tidings serve`.
    json
        Print what is wrong as NDJSON.
    """
    from tidings.app.database_operations import check_store  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import (  # noqa: PLC0415
        done,
        load_store_settings,
    )

    settings = load_store_settings(config, data, database)
    found = done(lambda: check_store(settings))
    for finding in found:
        if json:
            print_line({"finding": finding})
        else:
            print(finding)
    if found:
        say(f"{how_many(len(found), 'finding')}: restore a backup, or report it to the developers.")
        next_step("tidings doctor")
        return Exit.FAILED
    say("Nothing is wrong with the store.")
    next_step("tidings doctor")
    return Exit.OK
