"""`tidings actions run`: the service with a file of actions."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tidings.cli.actions.check import FILE_IS, USUAL
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.output import clean


def run(
    file: str = "",
    /,
    *,
    config: Path | None = None,
    data: Path | None = None,
    host: str | None = None,
    port: str | None = None,
    dev: bool | None = None,
    hold: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run the service with a file of actions until SIGTERM or Ctrl-C.

    The same as `tidings serve` with TIDINGS_ACTIONS set.

    Parameters
    ----------
    file
        Default: TIDINGS_ACTIONS, or actions.toml in this folder.
    config
        A settings file in TOML.
    data
        The data directory. It is created if it does not exist.
    host
        The address to listen on.
    port
        The port to listen on.
    dev
        Admit plain http and loopback or private systems.
    hold
        Do nothing until `tidings sending resume --all`. Events are accepted.
    """
    from tidings.cli.serving.serve import start

    path = Path(file or os.environ.get(FILE_IS) or USUAL)
    if not _is_file(path):
        raise CommandExit(
            f"FILE must be a file of actions; got {clean(path)}, where none is.",
            Exit.USAGE,
            "tidings actions init",
        )
    options = {"actions": path, "data": data, "host": host, "port": port, "dev": dev}
    return start(config, options, hold=hold)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # of a name that no file can have
        return False
