"""Figures that are made by hand still run: what they fill is what the product takes."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.systems

# By command, what only a run that came to its end has printed.
COMMANDS = {
    ("tests.store.copying.figure", "--deliveries", "300"): "| back, to its end |",
    ("tests.store.postgres.retention_figures", "3", "300"): "VACUUM delivery: ",
    ("bench", "logs", "--deliveries", "2000"): "events by their fate: ",
}
ENDS_S = 240.0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_command_of_a_figure_runs_to_its_end(command: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        timeout=ENDS_S,
        check=False,  # a figure that a busy machine misses is none of this
    )
    assert COMMANDS[command] in ended.stdout, ended.stderr
