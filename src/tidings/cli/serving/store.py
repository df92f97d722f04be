"""`tidings store`: what can be done with a store itself."""

import shlex
import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tidings.cli.exits import Exit, next_step, say
from tidings.cli.output import how_many, print_line

app = App(name="store", help="Check the store, or move it: a data directory, or a database.")


@app.command
def check(
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Check what must always be true of the rows, also while the service runs. Writes nothing.

    Where there are several cells, it goes through all of them.

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
    from tidings.app.cells.commands.cell_facts import check_cells  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import (  # noqa: PLC0415
        done,
        load_store_settings,
    )

    settings = load_store_settings(config, data, database)
    found = done(lambda: check_cells(settings))
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


@app.command
def copy(
    *,
    source: Annotated[Path, Parameter(name="--from")],
    target: Annotated[Path, Parameter(name="--to")],
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Copy a stopped store into an empty one, which replaces it.

    From a data directory to a database, or back. If it is interrupted, run it again to continue.
    Every row is compared before the target takes over; the source cannot be started afterwards.

    Parameters
    ----------
    source
        The store that was served: its settings file (.toml), or its data directory.
    target
        The empty store: its settings file (.toml), or a data directory.
    json
        Print what was copied as JSON.
    """
    from tidings.app.store_copying import copy_store  # noqa: PLC0415  # not for help
    from tidings.cli.serving.backup import BackupProgress  # noqa: PLC0415  # as above
    from tidings.cli.serving.database_commands import done  # noqa: PLC0415  # as above

    progress, began_s = BackupProgress(), time.monotonic()
    try:
        report = done(lambda: copy_store(source, target, progress))
    except KeyboardInterrupt:
        progress.end()
        say(
            "The copy is not whole, and neither store starts before it is. Run the command again: "
            "it goes on where it stopped."
        )
        raise
    finally:
        progress.end()
    if json:
        print_line(report._asdict())
    else:
        rate = report.copied / max(time.monotonic() - began_s, 0.001)
        speed = f", {rate:,.0f} rows/s" if report.copied else ""
        print(f"{target}  {report.rows:,} rows in {report.tables} tables{speed}")
    say(f"{source} was left: it starts no more. {target} has all of it.")
    next_step(f"tidings serve {_serving(target)}")
    return Exit.OK


@app.command
def take_back(
    *,
    source: Annotated[Path, Parameter(name="--from")],
    target: Annotated[Path, Parameter(name="--to")],
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Have the source of a copy start again. Only where the copy was never started.

    Parameters
    ----------
    source
        The store that was copied, as it was named then.
    target
        The store that it was copied to.
    json
        Print which one starts as JSON.
    """
    from tidings.app.store_copying import take_back_store  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import done  # noqa: PLC0415  # as above

    done(lambda: take_back_store(source, target))
    if json:
        print_line({"starts": str(source), "startsNoMore": str(target)})
    say(f"{source} may start again. {target} starts no more: empty it.")
    next_step(f"tidings serve {_serving(source)}")
    return Exit.OK


def _serving(store: Path) -> str:
    """Return the option of `tidings serve` for a store that is named by a path."""
    option = "--config" if store.suffix == ".toml" and not store.is_dir() else "--data"
    return f"{option} {shlex.quote(str(store))}"
