"""Starts the service in this process, by the settings and by what was said on the command line."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidings.cli.exits import refuse, say


def start(
    config: Path | None, options: Mapping[str, Any], *, hold: bool = False, post: str | None = None
) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code of the process. `options`: settings by name,
    None where nothing was said; `post`: of the process of one cell, as its host writes it."""
    from tidings.service_links import service_links  # noqa: PLC0415  # not for help
    from tidings.settings.load import SettingsRefused, load  # noqa: PLC0415

    try:
        settings = load(os.environ, config, dict(options))
    except SettingsRefused as refused:
        return refuse(refused.problems)
    if passed_over := service_links(os.environ):
        say(
            f"Passed over, because Kubernetes sets them for a service: {', '.join(passed_over)}. "
            "`enableServiceLinks: false` in the pod keeps them out."
        )
    # structlog would load it, 50 ms of a start, to colour tracebacks: a service logs JSON.
    sys.modules["rich"] = None  # type: ignore[assignment]
    from tidings.app import serve  # noqa: PLC0415

    return serve(settings, hold, _command(config, options), post)


def _command(config: Path | None, options: Mapping[str, Any]) -> list[str]:
    """Return the command that serves by the same settings."""
    words = [sys.executable, "-m", "tidings.cli", "serve"]
    for name, value in {"config": config, **options}.items():
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no-'}{name}")
        elif value is not None:
            words += [f"--{name}", str(value)]
    return words
