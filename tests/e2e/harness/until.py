"""Waiting in tests: for something to become true, or to stay so; always with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_S = 0.01
PATIENCE_S = 120.0  # for what must happen: no promise in time, so that a busy machine keeps it too


def until(ask: Callable[[], Value | None], what: str, seconds: float = PATIENCE_S) -> Value:
    """The first true answer. AssertionError, with what was waited for, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last answer {found!r}")
        time.sleep(POLL_S)
    return found


def stays(ask: Callable[[], object], what: str, seconds: float = 0.8) -> None:
    """That an answer is true now and remains so: the only way to see that nothing happens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ask()
        assert found, f"no longer true: {what}"
        time.sleep(POLL_S)
