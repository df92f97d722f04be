"""How a command ends: its exit code, and what it says on the way."""

import sys
from enum import IntEnum

from tidings.cli.next_steps import other_step


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5


class CommandExit(Exception):
    """Ends a command: why it was not carried out, its exit code, and what can be done, to copy."""

    def __init__(self, problem: str, code: Exit, step: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.code = code
        self.step = step


def say(text: str) -> None:
    """Talk: to stderr, so that a pipe gets data only."""
    print(text, file=sys.stderr, flush=True)


_typed: list[str] = []


def begin(words: list[str]) -> None:
    """Remember what was typed, so that no next step only repeats it."""
    _typed[:] = words


def next_step(command: str) -> None:
    """Print the last line: what can be done now, to be copied."""
    say(f"Next: {other_step(command, _typed)}")


def refuse(problems: list[str], code: Exit = Exit.USAGE) -> Exit:
    """Say why a command was not carried out, and return its exit code."""
    for problem in problems:
        say(problem)
    return code


def exit_of(status: int) -> Exit:
    """Return the exit code that an answer of the service stands for."""
    if 200 <= status < 300:
        return Exit.OK
    if status == 404:
        return Exit.NOT_FOUND
    return Exit.FAILED if status >= 500 else Exit.REFUSED
