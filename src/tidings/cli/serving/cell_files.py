"""`tidings cells files` and `use-files`: which files the processes of an installation run with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import print_line, print_lines, print_list
from tidings.list_columns import CELL_FILES

if TYPE_CHECKING:
    from tidings.app.cells.commands.cell_files import FileFacts, FilesFacts


def files(
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show the digests of the operator's files: in force, here, and in cells that run others.

    Settings that all processes must have the same are listed where they differ. Writes nothing.

    Parameters
    ----------
    config
        A settings file in TOML.
    data
        The data directory. Default: as `tidings serve`.
    database
        A PostgreSQL database, without a password. Default: the store of `tidings serve`.
    json
        Print the files as NDJSON.
    """
    found = _read(config, data, database)
    facts = [] if found is None else [_row(file) for file in found.files]
    if json:
        print_lines(facts)
    elif facts:
        print_list(
            CELL_FILES.shell,
            facts,
            inForce=lambda fact: _short(fact["inForce"]),
            here=lambda fact: _short(fact["here"]),
            others=lambda fact: ", ".join(
                f"cell {cell}: {_short(digest)}" for cell, digest in fact["others"].items()
            ),
        )
    if found is None:
        say("There is one cell. Its process runs with the files that it was started with.")
        return Exit.OK
    if found.problem:
        say(found.problem)
    for cell in found.silent:
        say(f"Cell {cell}: no process has said with which files it runs.")
    if any(fact["others"] for fact in facts):
        say("A process takes files at its start. Start the processes of these cells again.")
    are_other = any(
        None not in (fact["inForce"], fact["here"]) and fact["inForce"] != fact["here"]
        for fact in facts
    )
    next_step("tidings cells use-files" if are_other else "tidings cells list")
    return Exit.OK


def use_files(
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Apply the files on this machine: connections, sources, actions, certificates.

    And the settings that all processes must have the same. Those that run go on with theirs, and
    take them at their next start; one that has others takes no cell then.

    Parameters
    ----------
    config
        A settings file in TOML.
    data
        The data directory. Default: as `tidings serve`.
    database
        The database. Default: as `tidings serve`.
    json
        Print what was changed as JSON.
    """
    from tidings.app.cells.commands.cell_files import use_files as use  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import done, load_store_settings  # noqa: PLC0415

    settings = load_store_settings(config, data, database)
    changed = done(lambda: use(settings))
    if changed is None:
        raise CommandExit(
            "There is one cell. Its process runs with the files that it was started with: "
            "start it again.",
            Exit.REFUSED,
        )
    if json:
        print_line({"changed": list(changed)})
    elif changed:
        say(
            f"In force now: {', '.join(changed)}. Processes that run take them at their next start."
        )
    else:
        say("Nothing differs: what is here is in force.")
    next_step("tidings cells files")
    return Exit.OK


def add_to(app: App) -> None:
    """Add the commands to those of cells."""
    app.command(files, name="files")
    app.command(use_files, name="use-files")


def _read(config: Path | None, data: Path | None, database: str | None) -> "FilesFacts | None":
    from tidings.app.cells.commands.cell_files import read_files  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import done, load_store_settings  # noqa: PLC0415

    settings = load_store_settings(config, data, database)
    return done(lambda: read_files(settings))


def _row(file: "FileFacts") -> dict[str, Any]:
    import msgspec  # noqa: PLC0415  # not for help

    row: dict[str, Any] = msgspec.to_builtins(file, str_keys=True)
    return row


def _short(digest: str | None) -> str:
    from tidings.core.cells.file_digests import short  # noqa: PLC0415  # not for help

    return "unknown" if digest is None else short(digest)
