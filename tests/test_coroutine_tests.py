"""A coroutine test runs, its end is awaited and has a bound; what is not awaited does not pass."""

import asyncio
import os
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


def outcomes(place: Path) -> str:
    """What pytest says of the tests of a folder, under our own settings."""
    ours = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(place), "-p", "tests.conftest")
    options = ("-p", "no:cacheprovider", "-rA", "--continue-on-collection-errors")
    command = [sys.executable, "-m", "pytest", *ours, *options, str(place)]
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=place, env=path, check=False, timeout=60, capture_output=True, text=True
    )
    return done.stdout


def test_nothing_passes_because_nobody_awaited_it(tmp_path: Path) -> None:
    (tmp_path / "test_made.py").write_text(TESTS)
    (tmp_path / "test_generator.py").write_text(GENERATOR)
    said = outcomes(tmp_path)
    assert "4 failed, 1 passed" in said and "1 error" in said, said
    assert "PASSED test_made.py::test_is_well" in said and "ERROR test_generator.py" in said, said


async def test_who_hangs_is_ended_in_its_loop() -> None:
    with pytest.raises(TimeoutError):
        await bounded(lambda: asyncio.sleep(60), 0.01)()
