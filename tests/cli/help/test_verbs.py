"""One verb does one thing to all that commands are about; former verbs work, unnamed."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import Command
from tidings import cli
from tidings.cli.help.former_verbs import FORMER_VERBS

ROOT = Path(__file__).parents[3]
HELP = Path(cli.__file__).parent / "help" / "help.txt"
FORMER = [f"{noun} {verb}" for noun, verb in FORMER_VERBS]
# What each verb does. A new verb does what none here does; else the command takes that one.
ACTS = {
    "acknowledge": "note that somebody knows of it",
    "apply": "make all as a file says",
    "asyncapi": "print the description of all for programs",
    "cancel": "end what is not finished",
    "check": "try out whether it can be used",
    "copy": "write the whole of it to another place",
    "create": "have one more",
    "dead": "list what was set aside",
    "delete": "have one less",
    "delivered": "mark as delivered",
    "diff": "compare with another version",
    "disable": "send nothing, and keep nothing for later",
    "drain": "empty it now",
    "edit": "change fields of one",
    "enable": "end `disable`",
    "example": "print a sample",
    "export": "print all as a file",
    "files": "list the files of the operator",
    "init": "write files to begin with",
    "lag": "count what waits to be fetched",
    "list": "list all",
    "load": "read many in from a file",
    "log": "list events, where `list` is of their types",
    "move": "take it to another place",
    "moves": "list what is moved",
    "open": "end `drain`",
    "pause": "hold what comes until `resume`",
    "preview": "show what would come of it",
    "pull": "fetch messages",
    "rejected": "list events that were refused",
    "resume": "end `pause`",
    "retry": "try again now what failed",
    "revoke": "make a credential void, which stays listed",
    "rotate": "replace a secret",
    "run": "serve with it",
    "schema": "print the JSON Schema",
    "show": "show one",
    "take-back": "end `copy`: serve from the first place again",
    "take-over": "own what another installation has",
    "test": "send something to try it",
    "undo": "end `move` before it is done",
    "use": "make one the default",
    "use-files": "put files in force",
    "verify": "find what was changed behind the service",
}


def commands() -> list[str]:
    """All commands, as the help has them."""
    return [page.split("\n", 1)[0] for page in HELP.read_text("utf-8").split("\f")]


def test_each_act_has_one_verb() -> None:
    used = {command.split()[1] for command in commands() if " " in command}
    assert used == set(ACTS)
    assert len(set(ACTS.values())) == len(ACTS)


def test_a_former_verb_is_no_verb_and_its_successor_is_one() -> None:
    known = set(commands())
    assert len(known) > 100
    for (noun, former), verb in FORMER_VERBS.items():
        assert f"{noun} {former}" not in known and former not in ACTS
        assert f"{noun} {verb}" in known


@pytest.mark.parametrize(("noun", "former"), FORMER_VERBS)
def test_a_former_verb_leads_to_the_command_and_says_its_name(
    noun: str, former: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = FORMER_VERBS[noun, former]
    assert cli.main([noun, verb, "--help"]) == 0
    asked = capsys.readouterr()
    assert cli.main([noun, former, "--help"]) == 0
    found = capsys.readouterr()
    assert found.out == asked.out and asked.out.startswith(f"Usage: tidings {noun} {verb}")
    assert found.err == f"`tidings {noun} {former}` is now `tidings {noun} {verb}`.\n"
    assert asked.err == ""


def test_a_former_verb_does_it_and_leaves_stdout_to_json(tidings: Command) -> None:
    for former, stopped in (("stop", True), ("start", False)):
        done = tidings("sending", former, "--json").must()
        assert done.row["stopped"] is stopped
        assert done.err.startswith(f"`tidings sending {former}` is now `tidings sending ")


def test_a_word_that_is_no_verb_of_its_noun_is_told_as_ever(tidings: Command) -> None:
    done = tidings("webhooks", "add").must(2)
    assert "Unknown command" in done.err and "is now" not in done.err


def test_the_shell_does_not_complete_former_verbs(tidings: Command) -> None:
    script = tidings("completion", "bash").must().out
    [completed] = re.findall(r"all_commands='([^']*)'", script)
    assert set(FORMER_VERBS.values()) <= set(completed.split())
    assert not {former for _, former in FORMER_VERBS} & set(completed.split())


def test_nothing_that_people_read_names_a_former_verb() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "README.md", *"docs deploy examples src bench tests/golden".split()],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    texts = [path.read_bytes().decode("utf-8", "replace") for path in paths if path.is_file()]
    assert len(texts) > 1000
    named = re.compile(rf"(?:tidings |`|\")(?:{'|'.join(FORMER)})\b")
    assert named.search("`tidings cells add`")
    assert [found[0] for text in texts for found in named.finditer(text)] == []
