"""Subjects of commits are checked from one commit on; where they cannot be, that is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/subjects.py"
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CEILING_DIRECTORIES": "/",
}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **NOBODY}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=environment, check=False
    )


def commit(folder: Path, subject: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    run("git", *who, "commit", "--allow-empty", "-q", "-m", subject, cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).stdout.strip()


@pytest.fixture
def history(tmp_path: Path) -> Path:
    run("git", "init", "-q", ".", cwd=tmp_path)
    return tmp_path


def check(folder: Path, before: str) -> tuple[int, str]:
    ended = run(sys.executable, SCRIPT, before, cwd=folder)
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    "subject",
    [
        "store: Add rows by name",
        "core, tests: Speed up what is counted",
        "api: Re-order what is answered",
        "tests: Fix " + "x" * 61,
    ],
)
def test_a_subject_of_the_trade_passes(history: Path, subject: str) -> None:
    before = commit(history, "Say anything")
    commit(history, subject)
    assert check(history, before) == (0, "")


@pytest.mark.parametrize("verb", ["Let", "Say", "Tell", "Hold", "Keep"])
def test_a_retired_verb_is_refused(history: Path, verb: str) -> None:
    before = commit(history, "store: Add rows by name")
    commit(history, f"store: {verb} rows by name")
    code, printed = check(history, before)
    assert code == 1
    assert printed.endswith(f": the verb must be one of the trade, as Add or Fix; got {verb}.\n")


@pytest.mark.parametrize(
    "subject",
    ["Add rows by name", "store: add rows", "store:Add rows", "store: Add", "Store: Add rows"],
)
def test_another_shape_is_refused(history: Path, subject: str) -> None:
    before = commit(history, "store: Add rows by name")
    commit(history, subject)
    code, printed = check(history, before)
    assert code == 1
    assert f"the subject must be `area: Verb what`; got {subject!r}." in printed


def test_a_long_subject_is_refused(history: Path) -> None:
    before = commit(history, "store: Add rows by name")
    commit(history, "tests: Fix " + "x" * 62)
    code, printed = check(history, before)
    assert code == 1
    assert "72 characters at most" in printed


def test_a_history_that_cannot_be_asked_is_said(history: Path, tmp_path: Path) -> None:
    commit(history, "Say anything")
    code, printed = check(history, "0" * 40)
    assert code == 0
    assert printed.startswith("Subjects of commits are not checked: the history must reach 000")
    alone = tmp_path / "alone"
    alone.mkdir()
    (history / ".git").rename(history / "elsewhere")
    code, printed = check(alone, "0" * 40)
    assert code == 0
    assert "not a git repository" in printed
