"""How the commands that work on the store itself read settings and end."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

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


def done(work: Callable[[], Done]) -> Done:
    """Do what a command is for. Raise CommandExit where the store cannot be worked with."""
    try:
        return work()
    except DatabaseUnreachable as unreachable:
        raise CommandExit(str(unreachable), Exit.UNREACHABLE) from None
    except Unusable as refused:
        raise CommandExit(str(refused), Exit.REFUSED) from None
