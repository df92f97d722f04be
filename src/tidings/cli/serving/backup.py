"""`tidings backup` and `tidings restore`: progress on stderr, what was made on stdout."""

import os
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from tidings import app
from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.serving.database_commands import load_settings, refuse_database
from tidings.settings.load import SettingsRefused, load

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


def backup(config: Path | None, data: Path | None, to: Path, as_json: bool) -> int:
    """Copy the data directory; the exit code."""
    settings = load_settings(config, {"data": data})
    instead = "Back it up by pg_dump or base backups, and the master key in another place:"
    refuse_database(settings, "backup", instead)
    manifest = _made(lambda progress: app.backup(settings.data, to, progress), to)
    if as_json:
        print(msgspec.json.encode(manifest).decode())
    else:
        size = sum(file.bytes for file in manifest.files.values())
        print(f"{to}  {_size(size)}  up to event {manifest.newest_event}")
    say("It holds the key of the service: keep it as secret as the service itself.")
    next_step(f"tidings restore --from {shlex.quote(str(to))} --data DIRECTORY")
    return Exit.OK


def restore(source: Path, data: Path, as_json: bool) -> int:
    """Make a data directory from a copy; the exit code."""
    with suppress(SettingsRefused):  # it needs none: a copy may be of the machine that has them
        instead = "Restore it by pg_restore, or from a base backup:"
        refuse_database(load(os.environ), "restore", instead)
    manifest = _made(lambda progress: app.restore(source, data, progress), data)
    if as_json:
        print(msgspec.json.encode(manifest).decode())
    else:
        print(f"{data}  of {manifest.made_at}  up to event {manifest.newest_event}")
    if manifest.unfinished:
        say(
            f"{manifest.unfinished} deliveries were unfinished then. What was delivered meanwhile "
            "would come again, with the same webhook-id: start held, and take it as delivered "
            "(tidings sending delivered)."
        )
    next_step(f"tidings serve --data {shlex.quote(str(data))} --hold")
    return Exit.OK


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
