"""The command: quick help, exit codes, and what is said where."""

import os
import re
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tidings import __version__
from tidings.cli import main
from tidings.cli.exits import Exit

HELP_S_MAX = 0.2


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    return subprocess.run(
        [sys.executable, "-m", "tidings.cli", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        env=clean | environ,
    )


def cpu_s(*arguments: str, cache: Path) -> float:
    """The least CPU time of several starts, compiled before, as an installation does."""
    times = []
    for _ in range(6):
        before = getrusage(RUSAGE_CHILDREN)
        environ = os.environ | {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run(
            [sys.executable, *arguments], env=environ, stdout=subprocess.DEVNULL, check=True
        )
        after = getrusage(RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times[1:])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what was compiled is kept: once for all commands."""
    return tmp_path_factory.mktemp("compiled")


@pytest.mark.parametrize("command", [[], ["webhooks"], ["listen"]])
def test_help_is_quick(command: list[str], cache: Path) -> None:
    """200 ms; on a machine that is busy or slow, in proportion to a start that is known (70 ms)."""
    known = cpu_s("-c", "import asyncio, http.client, inspect", cache=cache)
    took = cpu_s("-m", "tidings.cli", *command, "--help", cache=cache)
    assert took < HELP_S_MAX * max(1, known / 0.070)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_help_is_as_wide_as_the_terminal_and_sets_what_it_breaks_deeper(width: int) -> None:
    lines = run("listen", "-h", COLUMNS=str(width)).stdout.splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    words = " ".join(lines).split()
    assert words == run("listen", "--help", COLUMNS="1000").stdout.split()
    broken = [line for line in lines if line.startswith(" " * 6)]
    assert (width < 200) == bool(broken)


@pytest.mark.parametrize("words", [["webhooks"], ["help", "webhooks"], ["webhooks", "-h"]])
def test_a_noun_without_its_verb_and_the_word_help_show_the_help(words: list[str]) -> None:
    done = run(*words)
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert done.stdout == run("webhooks", "--help").stdout


def test_a_default_that_says_nothing_is_not_in_the_help() -> None:
    for command in (["webhooks", "apply"], ["inboxes", "create"], ["doctor"]):
        shown = run(*command, "--help").stdout
        assert "False" not in shown and "ARGS" not in shown and '""' not in shown
    assert "[WEBHOOK]" in run("doctor", "--help").stdout


def test_a_command_that_is_not_there_has_no_help() -> None:
    done = run("serv", "--help")
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith('Unknown command "serv". Did you mean "serve"?')


def test_commands_load_nothing_of_the_service_before_they_run() -> None:
    loaded = "import sys, tidings.cli.app; print([m for m in sys.modules if 'tidings' in m])"
    said = subprocess.check_output([sys.executable, "-c", loaded], text=True)
    assert set(re.findall(r"tidings[\w.]*", said)) == {
        "tidings",
        "tidings.cli",
        "tidings.cli.app",
        "tidings.cli.events",
        "tidings.cli.events.event_names",
        "tidings.cli.exits",
        "tidings.cli.help",
        "tidings.cli.help.former_verbs",
        "tidings.cli.help.quick_help",
        "tidings.cli.next_steps",
    }


DECLARED = [
    *("webhooks create", "webhooks edit", "orgs create", "orgs edit"),
    *("credentials create", "inboxes create", "alerts create", "alerts edit"),
]
"""What has options made from declarations, beside `replay`: these are loaded with it."""


def test_the_help_of_no_command_loads_what_the_command_needs() -> None:
    """So that what is measured for three holds for all: what is slow is loaded when it runs."""
    asked = (
        "import io, sys\n"
        "from rich.console import Console\n"
        "from tidings.cli.app import app\n"
        f"declared = {DECLARED}\n"
        "def paths(parent, before):\n"
        "    for name in [name for name in parent if not name.startswith('-')]:\n"
        "        if ' '.join(path := (*before, name)) not in declared:\n"
        "            yield path\n"
        "            yield from paths(parent[name], path)\n"
        "every = list(paths(app, ()))\n"
        "for path in every:\n"
        "    if path != ('replay',):\n"
        "        app.help_print(list(path), console=Console(file=io.StringIO()))\n"
        "print(len(every), *sorted(sys.modules))\n"
    )
    count, *loaded = subprocess.check_output([sys.executable, "-c", asked], text=True).split()
    assert int(count) > 45
    slow = r"tidings\.(api|app|catalogue|console|core|demo|egress|engine|simulator|store|transform)"
    heavy = rf"({slow}|fastapi|starlette|pydantic|apsw|yaml|msgspec|jsonschema_rs|httptools)(\.|$)"
    assert [module for module in loaded if re.match(heavy, module)] == []


def test_help_is_at_most_100_columns_and_names_the_exit_codes() -> None:
    for command in ([], ["serve"], ["send"], ["demo"], ["version"], ["webhooks"], ["replay"]):
        done = run(*command, "--help")
        assert done.returncode == Exit.OK
        assert max(map(len, done.stdout.splitlines())) <= 100
        assert "5 unreachable" in done.stdout


def test_version_is_data() -> None:
    for words in ("version", "--version"):
        done = run(words)
        assert done.returncode == Exit.OK
        assert done.stdout == f"{__version__}\n"
        assert done.stderr == ""
    assert "--version" in run("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serv"], 'Unknown command "serv". Did you mean "serve"?'),
        (["webhooks", "nope"], 'Unknown command "nope". `tidings webhooks --help` lists them.'),
        (["serve", "--prot", "1"], "Unknown option: --prot. Did you mean --port?"),
        (["show"], "ID must be given; got none. `tidings show --help` shows how."),
        (["listen"], "--on must be given; got none. `tidings listen --help` shows how."),
        (["replay", "--webhook"], "--webhook must have a value; got none."),
        (["show", "a", "b c"], "The line must end before b c: that is one word too many."),
        (["orgs", "show", "x"], "ID must be a number; got x."),
        (["tail", "--org", "1", "--org", "2"], "--org must be given once; got it twice."),
        (["completion", "tcsh"], "SHELL must be bash, zsh or fish; got tcsh."),
        (["serve", "--port", "70000"], "--port must be a number from 1 to 65535; got 70000."),
        (["serve", "--config", "/no"], "--config must name a file that can be read; got /no: "),
        (["demo", "--port", "x"], "--port must be a number; got x."),
        (["demo", "--port", "0"], "--port must be a number from 1 to 65535; got 0."),
    ],
)
def test_wrong_usage_is_2_and_says_what_to_write(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == Exit.USAGE
    out, err = capsys.readouterr()
    assert err.startswith(said)
    assert out == ""


@pytest.mark.parametrize("command", [["serve"], ["send", "-"], ["demo"]])
def test_an_unknown_variable_is_refused_by_every_command(command: list[str]) -> None:
    done = run(*command, TIDINGS_PROT="8080")
    assert done.returncode == Exit.USAGE
    assert done.stderr == "TIDINGS_PROT is not a setting. Did you mean TIDINGS_PORT?\n"
    assert done.stdout == ""


def test_a_wrong_variable_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = run("serve", "--data", str(tmp_path / "data"), TIDINGS_PORT="70000")
    assert done.returncode == Exit.USAGE
    assert done.stderr == "TIDINGS_PORT must be a number from 1 to 65535; got 70000.\n"
    assert not (tmp_path / "data").exists()


def test_no_error_uses_the_words_that_help_nobody() -> None:
    for arguments in (["serv"], ["serve", "--port", "x"], ["orgs", "show", "x"], ["send"]):
        done = run(*arguments)
        assert done.returncode == Exit.USAGE
        assert not re.search(r"invalid|oops|please|Traceback|Error", done.stderr, re.IGNORECASE)
