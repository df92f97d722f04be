"""`tidings actions check`: looks through a file of actions, as a start of the service does."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import clean, how_many, print_line, print_table, word
from tidings.list_columns import ListColumn, Shown

if TYPE_CHECKING:
    from tidings.core.actions.file.faults import ActionsFileFault
    from tidings.core.actions.file.reading import ActionsFile

USUAL = "actions.toml"
FILE_IS, CONNECTIONS_ARE = "TIDINGS_ACTIONS", "TIDINGS_CONNECTIONS"


def check(
    file: str = "",
    /,
    *,
    connections: str = "",
    accept: tuple[str, ...] = (),
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Check a file of actions: list its problems, or the actions that it declares.

    The file is read as the service reads it, with the files and variables that it names. Nothing
    is sent or called.

    Parameters
    ----------
    file
        Default: TIDINGS_ACTIONS, or actions.toml in this folder.
    connections
        The file of connections that it may name besides. Default: TIDINGS_CONNECTIONS.
    accept
        A look-up whose list is as it should be, although it shrank, lacks a column or has unknown
        time zones: the service takes it then. As often as needed.
    json
        Print what was found as one line of JSON.
    """
    from tidings.app.operator_files.actions import ActionsRefused, searched_files
    from tidings.app.operator_files.operator_file import FileRefused

    path = Path(file or os.environ.get(FILE_IS) or USUAL)
    again = f"tidings actions check {word(str(path))}"
    try:
        made = read_file(path, connections or os.environ.get(CONNECTIONS_ARE, ""))
    except ActionsRefused as refused:
        if json:
            print_line({"valid": False, "faults": [_shown(fault) for fault in refused.faults]})
        else:
            for fault in refused.faults:
                print(clean(fault))
        say(f"{clean(path)} has {how_many(len(refused.faults), 'fault')}.")
        next_step(again)
        return Exit.FAILED
    except FileRefused as refused:
        raise CommandExit(clean(refused), Exit.USAGE, "tidings actions init") from None
    if unknown := [name for name in accept if name not in made.columns]:
        raise CommandExit(
            f"--accept must name a look-up of {clean(path)} in a CSV file; got "
            f"{clean(unknown[0])}. Correct it.",
            Exit.USAGE,
            again,
        )
    try:
        lost, odd = searched_files(made, accept)
    except OSError as error:
        why = error.strerror or "it fails"
        raise CommandExit(
            f"The folder of the list must be writable, for the note that it is accepted; {why}.",
            Exit.FAILED,
            again,
        ) from None
    _print(made, lost, odd, json)
    for line in (*lost, *odd):
        say(f"{clean(path)}: {clean(line)}")
    say(f"{clean(path)} declares {how_many(len(made.actions), 'action')} of org {made.org}.")
    next_step(again if lost else f"tidings actions run {word(str(path))}")
    return Exit.FAILED if lost else Exit.OK


def read_file(path: Path, connections: str) -> "ActionsFile":
    """Read a file of actions as a start of the service does. `connections`: the file of those that
    it may name besides; empty: there is none. ActionsRefused, FileRefused."""
    from tidings.app.connection_types import CONNECTION_TYPES
    from tidings.app.operator_files.actions import load_actions
    from tidings.app.operator_files.connections import load_connections
    from tidings.catalogue import load

    catalogue = load()
    kinds = {kind.name: kind for kind in reversed(catalogue.kinds())}  # the first of its versions
    known = load_connections(Path(connections) if connections else None, CONNECTION_TYPES)
    # Which types the org has declared itself is in the service: of others a word is said.
    return load_actions(path, kinds, CONNECTION_TYPES, known, admits_unknown=True)


def _print(made: "ActionsFile", lost: list[str], odd: list[str], json: bool) -> None:
    from tidings.core.actions.words import does_of, looked_up, over_of, when_of

    if json:
        print_line(
            {
                "valid": not lost,
                "org": made.org,
                "actions": [
                    {
                        "name": action.name,
                        "when": when_of(action),
                        "does": does_of(action),
                        "over": over_of(action),
                        "lookups": [lookup.name for lookup in action.lookups],
                    }
                    for action in made.actions.values()
                ],
                "searchedFiles": {"wrong": lost, "odd": odd},
                "warnings": [_shown(warning) for warning in made.warnings],
            }
        )
        return
    print_table(
        (ListColumn("Name", shown=Shown.NAME), "When", "Looks up", "Does", "Over"),
        [
            (action.name, when_of(action), looked_up(action), does_of(action), over_of(action))
            for action in made.actions.values()
        ],
    )
    for fault in made.warnings:
        say(clean(fault))


def _shown(fault: "ActionsFileFault") -> dict[str, Any]:
    return {
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "code": fault.code,
        "field": fault.field,
        "message": fault.said,
    }
