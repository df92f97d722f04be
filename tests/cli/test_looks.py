"""How the command looks on a terminal and behind a pipe, and how it ends where nobody answers."""

import json
import re
from typing import Any

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET
from tidings.cli.output import clean, print_line

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_a_terminal_gets_colour_a_pipe_and_no_color_do_not(
    tidings: Command, org: Api, hook: Any
) -> None:
    org.accept(bare(eventId="e-1"))
    org.settled("e-1")
    colour = tidings.on_terminal("deliveries", "list").ended().must(0).out
    assert "\x1b[32m✓ delivered" in colour
    plain = tidings.on_terminal("deliveries", "list", NO_COLOR="1").ended().must(0).out
    assert "\x1b[32m" not in plain and "✓ delivered" in plain
    assert "\x1b" not in tidings("deliveries", "list").must(0).out


@pytest.mark.parametrize("columns", [60, 200])
def test_no_line_is_longer_than_the_terminal_or_100(
    tidings: Command, org: Api, columns: int
) -> None:
    org.webhook("https://example.com/" + "long/" * 40, "x" * 60)
    for command in (["webhooks", "list"], ["webhooks", "show", "x" * 60]):
        said = tidings.on_terminal(*command, columns=columns).ended().must(0).out
        table = said.split("1 webhook")[0].split("Next:")[0]
        longest = max(len(ANSI.sub("", line)) for line in table.splitlines())
        assert longest <= min(columns, 100)


def test_what_comes_from_elsewhere_does_not_steer_the_terminal(
    tidings: Command, org: Api, receiver: Receiver
) -> None:
    org.webhook(receiver.url(receiver.path(status=400, body="\x1b]0;owned\x07\x1b[2J")))
    org.accept(bare(eventId="e-1"))
    id = org.settled("e-1")["id"]
    shown = tidings.on_terminal("show", id, NO_COLOR="1").ended().must(0).out
    assert "owned" in shown and "\x1b]0" not in shown


def test_signs_that_cannot_be_seen_are_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    steering = "a\x1b]0;owned\x07\x9b2J\u202e\n"
    assert clean(steering) == r"a\x1b]0;owned\x07\x9b2J\u202e\n"
    assert clean(steering, lines=True).endswith(r"\u202e" + "\n")
    assert clean("Ünïcode, 客户") == "Ünïcode, 客户"
    print_line({"said": steering, "name": "客户"})
    out = capsys.readouterr().out
    assert out.rstrip("\n").isprintable() and "客户" in out
    assert json.loads(out) == {"said": steering, "name": "客户"}


def test_nobody_there_is_5_and_nothing_is_printed(tidings: Command) -> None:
    for command in (["webhooks", "list"], ["tail"], ["show", "e-1"], ["replay", "list"]):
        done = tidings(*command, "--url", "http://127.0.0.1:1").must(5)
        assert done.out == "" and "must be a running Tidings" in done.err


def test_a_credential_that_is_not_known_is_4_and_not_printed(tidings: Command) -> None:
    done = tidings("webhooks", "list", TIDINGS_KEY=f"{KEY}:{SECRET}-wrong").must(4)
    assert SECRET not in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(tidings: Command, shell: str) -> None:
    script = tidings("completion", shell).must(0).out
    for word in ("webhooks", "rotate", "missed-since"):
        assert word in script
