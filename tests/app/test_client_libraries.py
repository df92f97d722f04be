"""What a driver imports at its first use has been imported before, beside the event loop."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tidings
from tests.syntax import walk
from tidings.app.client_libraries import MODULES
from tidings.app.connection_types import CONNECTION_TYPES

PACKAGE = Path(tidings.__file__).parent
LIBRARIES = ("aiokafka", "aiosmtplib", "psycopg")
LOOP_MS = 5.0  # of processor time, to begin a thread and to hear of its end

# In a process of its own, for this one has imported them all.
TRIAL = """
import asyncio, json, sys, time
import tidings.app.drivers
from tidings.app.client_libraries import import_clients

libraries = json.loads(sys.argv[2])
early = [name for name in libraries if name in sys.modules]

async def main():
    began_s = time.thread_time()
    all_s = time.process_time()
    await import_clients(json.loads(sys.argv[1]))
    return (time.thread_time() - began_s) * 1e3, (time.process_time() - all_s) * 1e3

loop_ms, all_ms = asyncio.run(main())
before = set(sys.modules)
for name in json.loads(sys.argv[3]):
    __import__(name)
print(json.dumps({
    "early": early,
    "loop_ms": loop_ms,
    "all_ms": all_ms,
    "there": [name for name in libraries if name in sys.modules],
    "later": sorted(set(sys.modules) - before),
}))
"""


def late_imports() -> Iterator[tuple[str, str]]:
    """Find the modules of ours that are imported within a function: where, and which."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] in ("app", "cli") or "node_modules" in place.parts:
            continue  # what is imported before anybody is served, or in no service
        for function in walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for statement in walk(function):
                if isinstance(statement, ast.ImportFrom) and statement.module is not None:
                    yield str(place), statement.module


def test_whatever_is_imported_at_its_first_use_is_imported_at_the_start() -> None:
    imported = {name for names in MODULES.values() for name in names}
    late = list(late_imports())
    assert len(late) >= 10
    assert {(place, name) for place, name in late if name not in imported} == set()
    assert imported == {name for _, name in late}, "and nothing besides"
    assert MODULES.keys() == CONNECTION_TYPES.keys()


@pytest.mark.parametrize("kinds", [*([kind] for kind in MODULES), list(MODULES)], ids=str)
def test_the_loop_goes_on_while_libraries_are_imported(kinds: list[str]) -> None:
    names = [name for kind in kinds for name in MODULES[kind]]
    ran = subprocess.run(
        [sys.executable, "-c", TRIAL, json.dumps(kinds), json.dumps(LIBRARIES), json.dumps(names)],
        capture_output=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    assert found["early"] == [], "who declares no connection needs no library"
    assert found["later"] == [], "nothing is left to be imported on the loop"
    assert found["loop_ms"] < LOOP_MS
    assert kinds != list(MODULES) or found["all_ms"] > LOOP_MS, "all of them would be seen"
    assert found["there"] != []
    if len(kinds) == len(MODULES):
        assert found["there"] == list(LIBRARIES)


def test_a_library_that_is_missing_or_broken_keeps_no_service_from_starting(
    tmp_path: Path,
) -> None:
    for name in LIBRARIES:
        (tmp_path / f"{name}.py").write_text("raise ImportError('no such library')\n")
    paths = filter(None, [os.environ.get("PYTHONPATH")])
    (tmp_path / "psycopg.py").write_text("raise RuntimeError('broken')\n")
    ran = subprocess.run(
        [sys.executable, "-c", TRIAL, json.dumps(list(MODULES)), json.dumps(LIBRARIES), "[]"],
        capture_output=True,
        check=True,
        env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *paths])},
    )
    assert json.loads(ran.stdout.splitlines()[-1])["there"] == []
