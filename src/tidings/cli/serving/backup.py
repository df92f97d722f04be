"""`tidings backup` and `tidings restore`: progress on stderr, what was made on stdout."""

import os
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tidings import app
from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.serving.database_commands import load_settings, refuse_database
from tidings.errors import Unavailable, Unusable
from tidings.settings.load import SettingsRefused, load
from tidings.settings.settings import Settings

if TYPE_CHECKING:
    from tidings.app.cells.commands.cell_databases import CellDatabase

SAY_EVERY_S = 2.0
Copied = TypeVar("Copied")


class BackupProgress:
    """Says how far it is: on a terminal in one line, else every two seconds."""

    def __init__(self) -> None:
        self._printed_s = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, what: str, done: int, of: int) -> None:
        """Tell a step."""
        now = time.monotonic()
        if now - self._printed_s < (0.1 if self._terminal else SAY_EVERY_S):
            return
        self._printed_s = now
        text = f"{what}: {100 * done // max(of, 1)} %"
        if self._terminal:
            print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)
        else:
            say(text)

    def end(self) -> None:
        """Leave the line empty."""
        if self._terminal:
            print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)


def backup(
    config: Path | None, data: Path | None, to: Path, cell: int | None, as_json: bool
) -> int:
    """Copy the data directory; the exit code."""
    settings = load_settings(config, {"data": data})
    refuse_database(settings, "backup", _dump_instead(settings))
    manifest = _made(lambda progress: app.backup(settings.data, to, progress, cell), to)
    if as_json:
        print(msgspec.json.encode(manifest).decode())
    else:
        size = sum(file.bytes for file in manifest.files.values())
        print(f"{to}  {_size(size)}  up to event {manifest.newest_event}")
        for point in manifest.cells:
            print(f"cell {point.cell}  up to event {point.newest_event}")
    say("It holds the key of the service: keep it as secret as the service itself.")
    given = "--data DIRECTORY" if cell is None else f"--data {shlex.quote(str(settings.data))}"
    only = "" if cell is None else f" --cell {cell}"
    next_step(f"tidings restore --from {shlex.quote(str(to))} {given}{only}")
    return Exit.OK


def restore(source: Path, data: Path, cell: int | None, only_map: bool, as_json: bool) -> int:
    """Make a data directory from a copy, or put a part of it back; the exit code."""
    if cell is not None and only_map:
        raise CommandExit("--cell and --map each restore one part: give one of them.", Exit.USAGE)
    with suppress(SettingsRefused):  # it needs none: a copy may be of the machine that has them
        instead = "Restore it by pg_restore, or from a base backup:"
        refuse_database(load(os.environ), "restore", instead)
    manifest = _made(lambda progress: app.restore(source, data, progress, cell, only_map), data)
    points = [point for point in manifest.cells if cell is None or point.cell == cell]
    newest, unfinished = manifest.newest_event, manifest.unfinished
    if cell is not None:
        newest, unfinished = points[0].newest_event, points[0].unfinished
    if as_json:
        print(msgspec.json.encode(manifest).decode())
    elif only_map and manifest.map is not None:
        print(f"{data}  of {manifest.made_at}  version {manifest.map.version} of the map")
    else:
        print(f"{data}  of {manifest.made_at}  up to event {newest}")
        for point in points:
            print(f"cell {point.cell}  up to event {point.newest_event}")
    if only_map:
        next_step("tidings store check")
        return Exit.OK
    if unfinished:
        say(
            f"{unfinished} deliveries were unfinished then. What was delivered meanwhile "
            "would come again, with the same webhook-id: start held, and take it as delivered "
            "(tidings sending delivered)."
        )
    if cell is not None:
        say(f"Cell {cell} sends nothing before `tidings sending resume --all`.")
        next_step("tidings cells list")
    else:
        next_step(f"tidings serve --data {shlex.quote(str(data))} --hold")
    return Exit.OK


def _dump_instead(settings: Settings) -> str:
    """Say how a database is backed up: of several cells with all their schemas at one moment."""
    instead = "Back it up by pg_dump or base backups, and the master key in another place:"
    if settings.database is None:
        return instead
    from tidings.app.cells.commands.cell_databases import list_databases  # noqa: PLC0415  # not for help

    try:
        databases = list_databases(settings)
    except (Unavailable, Unusable):  # it is refused without that as well
        return instead
    if not databases:
        return instead
    if len(databases) > 1:
        dumps = ", ".join(f"`{_dump(database, named=True)}`" for database in databases)
        return (
            "Back up each database with all its cells while no org moves (`tidings cells moves`), "
            f"and the master key in another place: {dumps}, or a base backup of each."
        )
    [database] = databases
    return (
        "Back up all cells and their map at one moment, and the master key in another place: "
        f"`{_dump(database)}`, or a base backup."
    )


def _dump(database: "CellDatabase", *, named: bool = False) -> str:
    """Return the command that copies what a database has of an installation."""
    schemas = [*database.schemas.values(), *filter(None, [database.map_schema])]
    words = " ".join(f"--schema={schema}" for schema in schemas)
    uri = database.settings.database
    where, file = "", "FILE"
    if named and uri is not None:
        where, file = f" --dbname={uri.describe()}", f"FILE-{database.name or 'first'}"
    return f"pg_dump{where} --format=custom {words} --file={file}"


def _made(work: Callable[[BackupProgress], Copied], place: Path) -> Copied:
    """Run a copy, and print its progress meanwhile. Raise CommandExit."""
    progress = BackupProgress()
    try:
        return work(progress)
    except app.DataRefused as refused:
        raise CommandExit(str(refused), Exit.REFUSED) from None
    except OSError as error:
        raise CommandExit(
            f"{place} must be written completely; the disk reports: {error.strerror or error}. "
            "Nothing was left behind. Free some space, or choose another place.",
            Exit.FAILED,
        ) from None
    finally:
        progress.end()


def _size(count: int) -> str:
    return f"{count / (1 << 20):,.1f} MiB"
