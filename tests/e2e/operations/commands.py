"""Commands of Tidings, each run to its end."""

import subprocess

from tests import forked
from tests.e2e.harness.service import environment


def tidings(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """One command, to its end."""
    command = [forked.SCRIPT, *map(str, arguments)]
    return forked.run(command, env=environment(), timeout=120)
