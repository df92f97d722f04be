"""What holds for all tests."""

import asyncio
import functools
import gc
import inspect
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import depth, forked, left_running
from tests.cost import lean_reports, systems_files
from tests.looks import looked_at
from tests.loops.descriptors import Descriptors
from tests.postgres_server import end_shared_server, take_back_databases
from tests.rewriting import rewrite
from tests.store.migrated import copy_migrated
from tests.syntax import parsed

depth.settle_examples()

# The tests start hundreds of programs: each module is compiled once, whatever the caller's shell
# says of it. Without that, each start of the service compiles four hundred of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

DESCRIPTORS = Descriptors()

looked_at.install()
copy_migrated()
left_running.mark_programs()
left_running.refuse_signals_to_all()


@pytest.fixture(scope="session", autouse=True)
def all_programs_are_ended() -> Iterator[None]:
    """Tests end what they start: what runs on is ended here, and fails the run.

    Only what this session has started is looked at: each has a mark of its own, and what another
    session starts, be it below this one, has the mark of that.
    """
    yield
    end_shared_server()
    left = left_running.left_running(forked.pid_of_forker())
    left_running.end_programs(left)
    if left:
        programs = "; ".join(f"{pid}: {words}" for pid, words in left.items())
        pytest.fail(f"Tests must end the programs that they start. These ran on: {programs}")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """What a test has borrowed is free once its fixtures have ended; and the syntax of the code,
    which is large, once its file has."""
    if nextitem is None or nextitem.path != item.path:
        parsed.cache_clear()
    take_back_databases()
    DESCRIPTORS.give_back()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """A coroutine test has its bound in its loop too: the signal of pytest-timeout raises wherever
    the process is, and what it raises is lost in a callback of the loop, and anywhere in uvloop."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        mark = item.get_closest_marker("timeout")
        seconds = float(mark.args[0] if mark else item.config.getini("timeout"))
        item.obj = bounded(item.obj, seconds)


def bounded(test: Callable[..., Awaitable[None]], seconds: float) -> Callable[..., Awaitable[None]]:
    """The test, ended in its loop after three quarters of the seconds of its signal."""

    @functools.wraps(test)
    async def within(*arguments: Any, **fixtures: Any) -> None:
        # Well before the signal: this says where the test waits, and to report it takes time too.
        async with asyncio.timeout(0.75 * seconds):
            await test(*arguments, **fixtures)

    return within


def pytest_configure(config: pytest.Config) -> None:
    """Where workers are about to be started, nothing is left for each of them to compile.

    And no traceback is written by parsing its lines: Python 3.11 fails in `ast.parse` where another
    parse begins within it (gh-106905), as it does when garbage of an earlier test is found there,
    and its exception is logged.
    """
    if hasattr(traceback, "_extract_caret_anchors_from_line_segment"):
        traceback._extract_caret_anchors_from_line_segment = lambda segment: None
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        rewrite(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A run of the tests of systems reads the files that may have one."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    if not systems_files.asks_for_systems_alone(config.getoption("markexpr", "")):
        return None
    return True if not systems_files.may_have_systems(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No test of systems is in a file that such a run would not read, and it begins with those that
    take longest."""
    systems_files.check_signs(items)
    if systems_files.asks_for_systems_alone(config.getoption("markexpr", "")):
        systems_files.longest_first(items, config.rootpath)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """While thirteen thousand tests are collected nothing is garbage, and afterwards they stay:
    from there on it is looked for among what tests make, and not as often as Python does."""
    gc.disable()
    lean_reports.say_less(session.config)
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        gc.enable()
