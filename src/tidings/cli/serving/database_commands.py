"""How the commands that work on the store itself read settings and end."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tidings.app.database_operations import DatabaseUnreachable
from tidings.cli.exits import CommandExit, Exit
from tidings.errors import Unusable
from tidings.settings.load import SettingsRefused, load
from tidings.settings.settings import Settings

Done = TypeVar("Done")


def load_settings(config: Path | None, options: Mapping[str, Any]) -> Settings:
    """Read the settings in force. Raise CommandExit where they do not fit."""
    try:
        return load(os.environ, config, options)
    except SettingsRefused as refused:
        raise CommandExit(str(refused), Exit.USAGE) from None


def load_store_settings(
    config: Path | None, data: Path | None, database: str | None = None
) -> Settings:
    """Read the settings of the store that a command looks into: the data directory that the command
    line names, also where the service has a database; else the service's. Raise CommandExit."""
    settings = load_settings(config, {"data": data, "database": database})
    if data is not None and database is None:
        return msgspec.structs.replace(settings, database=None)
    return settings


def refuse_database(settings: Settings, command: str, instead: str) -> None:
    """Raise CommandExit where a command is of data directories, and the store is a database."""
    if settings.database is not None:
        raise CommandExit(
            f"The store must be a data directory for `tidings {command}`; it is the database "
            f"{settings.database.describe()}. {instead} docs/postgresql.md says how. For a data "
            "directory, run it without `database`.",
            Exit.REFUSED,
        )


def done(work: Callable[[], Done]) -> Done:
    """Do what a command is for. Raise CommandExit where the store cannot be worked with."""
    try:
        return work()
    except DatabaseUnreachable as unreachable:
        raise CommandExit(str(unreachable), Exit.UNREACHABLE) from None
    except Unusable as refused:
        raise CommandExit(str(refused), Exit.REFUSED) from None
