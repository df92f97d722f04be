"""What TAB completes: names of event types wherever a command takes them, by a real bash."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tidings.catalogue import load
from tidings.cli.events.event_names import with_commas

NOWHERE = "http://127.0.0.1:1"
OWN = {"description": "An order was packed.", "schema": {"type": "object"}}
COMPLETES = """
COMP_WORDS=({words}); COMP_CWORD={at}; COMPREPLY=(); _tidings; echo "${{COMPREPLY[*]}}"
"""


class Bash:
    """A shell that has read the script."""

    def __init__(self, tidings: Command) -> None:
        self._environ = tidings.environ
        self._script = tidings.home / "completion.bash"
        self._script.write_text(tidings("completion", "bash").must(0).out)
        self._program = tidings.home / "tidings"
        self._program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tidings.cli "$@"\n')
        self._program.chmod(0o755)

    def completes(self, *lines: str, **environ: str) -> list[list[str]]:
        """What each line may become at its end."""
        asked = [f"source {shlex.quote(str(self._script))}"]
        for line in lines:
            words = [str(self._program), *line.split(" ")]
            said = " ".join(map(shlex.quote, words))
            asked.append(COMPLETES.format(words=said, at=len(words) - 1))
        done = subprocess.run(
            ["bash", "--norc", "-c", "\n".join(asked)],
            env=self._environ | environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert done.stderr == ""
        return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture
def alone(tmp_path: Path) -> Command:
    """The command where nobody has named a service."""
    return Command(tmp_path)


@pytest.mark.skipif(shutil.which("bash") is None, reason="it runs bash")
def test_bash_completes_event_types_where_a_command_takes_them(alone: Command) -> None:
    names = load().names()
    points = sorted(name for name in names if name.startswith("points"))
    assert "pointsIssued" in points
    trigger, show, more, played = Bash(alone).completes(
        "trigger points",
        "events show tidings.",
        "tail --on customerAdded,points",
        "simulate --types pointsIssued,pointsI",
    )
    assert trigger == points
    assert show == sorted(name for name in names if name.startswith("tidings.")) != []
    assert more == [f"customerAdded,{name}" for name in points]
    assert played == [], "it is named already"


@pytest.mark.skipif(shutil.which("bash") is None, reason="it runs bash")
def test_bash_completes_types_of_the_orgs_own_where_its_service_answers(
    tidings: Command, org: Api
) -> None:
    org.send("PUT", "/v1/eventTypes/orderPacked", OWN).must(201)
    bash = Bash(tidings)
    assert bash.completes("trigger order", "events schema orderP") == [["orderPacked"]] * 2
    [without] = bash.completes("trigger points", TIDINGS_URL=NOWHERE)
    assert "pointsIssued" in without, "the catalogue's names need no service"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shells_script_asks_for_them_at_tab_and_holds_no_list(
    alone: Command, shell: str
) -> None:
    script = alone("completion", shell).must(0).out
    assert "__complete" in script
    assert not re.search(r"\bpointsIssued\b", script)


def test_a_list_is_completed_at_its_last_name_with_what_it_does_not_hold() -> None:
    assert with_commas("", ["a", "b"]) == ["a", "b"]
    assert with_commas("b,", ["a", "b"]) == ["b,a"]
    assert with_commas("x,b,a", ["a", "b", "c"]) == ["x,b,a", "x,b,c"]
