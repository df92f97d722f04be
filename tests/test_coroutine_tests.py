"""A coroutine test runs, its end is awaited and has a bound; what is not awaited does not pass."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import bounded

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import asyncio

async def wrong():
    await asyncio.sleep(0)
    assert False

async def test_is_well():
    await asyncio.sleep(0)

async def test_fails():
    await wrong()

async def test_awaits_nothing():
    wrong()

def test_forgets_its_loop():
    wrong()

def test_gives_a_coroutine_back():
    return wrong()
"""
GENERATOR = """
async def test_yields():
    yield
"""


def outcomes(file: Path) -> str:
    """What pytest says of the tests of a file, under our own settings: of each when it has ended,
    for a forgotten coroutine may be found, and end pytest, at any time from then on."""
    place = file.parent
    ours = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(place), "-p", "tests.conftest")
    command = [sys.executable, "-m", "pytest", *ours, "-p", "no:cacheprovider", "-vv", str(file)]
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=place, env=path, check=False, timeout=240, capture_output=True, text=True
    )
    return done.stdout


def test_nothing_passes_because_nobody_awaited_it(tmp_path: Path) -> None:
    made, generator = tmp_path / "test_made.py", tmp_path / "test_generator.py"
    made.write_text(TESTS)
    generator.write_text(GENERATOR)
    said = outcomes(made)
    assert dict(re.findall(r"::(\w+) (PASSED|FAILED|ERROR)", said)) == {
        "test_is_well": "PASSED",
        "test_fails": "FAILED",
        "test_awaits_nothing": "FAILED",
        "test_forgets_its_loop": "FAILED",
        "test_gives_a_coroutine_back": "FAILED",
    }, said
    said = outcomes(generator)
    assert "1 error" in said and "ERROR" in said, said


async def test_who_hangs_is_ended_in_its_loop() -> None:
    with pytest.raises(TimeoutError):
        await bounded(lambda: asyncio.sleep(60), 0.01)()
