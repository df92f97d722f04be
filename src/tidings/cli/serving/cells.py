"""`tidings cells`: which processes serve the orgs of an installation, and over which stores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import how_many, number, print_facts, print_line, print_lines, print_list
from tidings.cli.serving.cell_files import add_to as add_files_to
from tidings.list_columns import CELLS

if TYPE_CHECKING:
    from tidings.app.cells.commands.cell_facts import CellFacts, CellsFacts
    from tidings.settings.settings import Settings

app = App(name="cells", help="The cells of an installation: each is a process over its own store.")
for _name, _function in (
    ("move", "move"),
    ("undo", "undo"),
    ("moves", "moves"),
    ("drain", "drain"),
    ("open", "open_cell"),
    ("delete", "delete"),
):
    app.command(f"tidings.cli.serving.moves:{_function}", name=_name)
add_files_to(app)
ONLY = "There is one cell: the store itself. `tidings cells create` makes another one."


@app.command
def create(
    *,
    schema: str | None = None,
    in_database: str = "",
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    serve_role: str | None = None,
    another: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Create a cell. The first time, the existing store becomes cell 1, with all its orgs.

    Stop the service before the first time; later it takes up a new cell by itself. If the command
    is interrupted, run it again to continue.

    Parameters
    ----------
    schema
        With a database: the schema of the new cell, which is made. On directories the cell lies
        in the data directory.
    in_database
        The name of another database, of the setting `databases`, that the schema is to be in.
    config
        A settings file in TOML.
    data
        The data directory. Default: as `tidings serve`.
    database
        The installation's database, as the role that owns the tables. Default: as `tidings serve`.
    serve_role
        The role that serves. Default: the one that serves the first cell.
    another
        On directories: add one more also where the last one was never served yet.
    json
        Print the cell as JSON.
    """
    from tidings.app.cells.cell_settings import SchemaPlace  # noqa: PLC0415  # not for help
    from tidings.app.cells.commands.adding import add_cell  # noqa: PLC0415  # as above
    from tidings.cli.serving.database_commands import done  # noqa: PLC0415  # as above

    settings = _settings(config, data, database)
    added = done(
        lambda: add_cell(settings, schema, serve_role, another=another, database=in_database)
    )
    cell, place = int(added.entry.cell), SchemaPlace.read(added.entry.setting)
    if json:
        print_line(
            {"cell": cell, "isNew": added.is_new, "firstTime": added.is_first_time}
            | {"kind": added.entry.kind.value, "schema": place.schema or None}
            | {"database": place.database or None}
        )
    else:
        print(f"cell {cell}" if added.is_new else f"cell {cell}, as it was")
    if not added.is_new and schema is None:
        say(f"Cell {cell} was added before, and never served. For one more add --another.")
    if added.is_first_time:
        say("The store that was the only one is cell 1, with all its orgs. New orgs go to either.")
    next_step("tidings serve" if added.is_first_time else f"tidings cells show {cell}")
    return Exit.OK


@app.command(name="list")
def list_all(
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """List the cells, with their state in the map and in each store. Changes nothing.

    Parameters
    ----------
    config
        A settings file in TOML.
    data
        The data directory. Default: as `tidings serve`.
    database
        A PostgreSQL database, without a password. Default: the store of `tidings serve`.
    json
        Print the cells as NDJSON.
    """
    found = _read(config, data, database)
    cells = [] if found is None else [_row(cell) for cell in found.cells]
    if json:
        print_lines(cells)
    elif cells:
        print_list(CELLS.shell, cells, cell=lambda cell: number(cell["cell"]))
    for cell in cells:
        if cell["problem"]:
            say(f"Cell {cell['cell']}: {cell['problem']}")
    say(how_many(len(cells), "cell") if cells else ONLY)
    next_step(f"tidings cells show {cells[0]['cell']}" if cells else "tidings cells create")
    return Exit.OK


@app.command
def show(
    cell: int,
    /,
    *,
    config: Path | None = None,
    data: Path | None = None,
    database: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show a cell: its store, its owner, its orgs and its ranges of numbers. Writes nothing.

    Parameters
    ----------
    cell
        Its number.
    config
        A settings file in TOML.
    data
        The data directory. Default: as `tidings serve`.
    database
        A PostgreSQL database, without a password. Default: the store of `tidings serve`.
    json
        Print the cell as JSON.
    """
    found = _read(config, data, database)
    cells = [] if found is None else [_row(other) for other in found.cells if other.cell == cell]
    if found is None or not cells:
        raise CommandExit(f"There is no cell {cell}.", Exit.NOT_FOUND, "tidings cells list")
    [shown] = cells
    if json:
        print_line(shown)
    else:
        print_facts(
            [
                ("cell", number(cell)),
                ("state", shown["state"]),
                (shown["kind"], shown["place"]),
                ("owner", shown["address"] or "nobody"),
                ("epoch", shown["epoch"]),
                ("families of orgs", shown["families"]),
                ("ranges of numbers", shown["ranges"]),
                ("not begun of these", shown["spares"]),
                ("follows the map to", f"{shown['confirmed']} of {found.version}"),
                ("problem", shown["problem"]),
            ]
        )
    next_step("tidings cells list")
    return Exit.FAILED if shown["problem"] else Exit.OK


def _read(config: Path | None, data: Path | None, database: str | None) -> "CellsFacts | None":
    from tidings.app.cells.commands.cell_facts import read_cells  # noqa: PLC0415  # not for help
    from tidings.cli.serving.database_commands import done  # noqa: PLC0415  # as above

    settings = _settings(config, data, database)
    return done(lambda: read_cells(settings))


def _settings(config: Path | None, data: Path | None, database: str | None) -> "Settings":
    from tidings.cli.serving.database_commands import load_store_settings  # noqa: PLC0415  # not for help

    return load_store_settings(config, data, database)


def _row(cell: "CellFacts") -> dict[str, Any]:
    import msgspec  # noqa: PLC0415  # not for help

    row: dict[str, Any] = msgspec.to_builtins(cell)
    return row
