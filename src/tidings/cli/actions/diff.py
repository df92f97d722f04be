"""`tidings actions diff`: what another file of actions would change."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tidings.cli.actions.check import CONNECTIONS_ARE, FILE_IS, USUAL, read_file
from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import clean, how_many, print_lines, word


def diff(
    new: str,
    old: str = "",
    /,
    *,
    connections: str = "",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what another file of actions would change, before the service is started with it.

    An action that the new file lacks stays as a webhook, and what waits for it waits until it is
    deleted. Of secrets it is said that they change, and not what they are.

    Parameters
    ----------
    new
        The new file.
    old
        The one that is. Default: TIDINGS_ACTIONS, or actions.toml in this folder.
    connections
        The file of connections that both may name besides. Default: TIDINGS_CONNECTIONS.
    json
        Print each change as a line of JSON.
    """
    from tidings.app.operator_files.actions import ActionsRefused
    from tidings.app.operator_files.operator_file import FileRefused
    from tidings.core.actions.file_changes import changes_of

    files = []
    for name in (old or os.environ.get(FILE_IS) or USUAL, new):
        try:
            path = Path(name)
            files.append(read_file(path, connections or os.environ.get(CONNECTIONS_ARE, "")))
        except ActionsRefused as refused:
            again = f"tidings actions check {word(name)}"
            faults = how_many(len(refused.faults), "fault")
            raise CommandExit(f"{clean(name)} has {faults}.", Exit.USAGE, again) from None
        except FileRefused as refused:
            raise CommandExit(clean(refused), Exit.USAGE, "tidings actions diff --help") from None
    changes = changes_of(*files)
    if json:
        print_lines(
            [
                {"field": change.place, "before": change.before, "after": change.after}
                for change in changes
            ]
        )
    else:
        for change in changes:
            print(clean(_line(change.place, change.before, change.after)))
    say(how_many(len(changes), "change") if changes else "Both files declare the same.")
    next_step(f"tidings actions check {word(new)}")
    return Exit.OK


def _line(place: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"+ {place}" + ("" if after == "declared" else f": {after}")
    if after is None:
        return f"- {place}" + ("" if before == "declared" else f": {before}")
    if before == after:
        return f"~ {place}: changed, but not shown"
    return f"~ {place}: {before} → {after}"
