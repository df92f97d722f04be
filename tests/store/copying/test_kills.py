"""A copy that is killed at any of its steps goes on, and at no moment may both stores start."""

import os
import signal
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.store.copying.filled import (
    FilledStore,
    empty_database,
    empty_directory,
    filled_directory,
    killed,
    opened,
    rows_of,
)
from tidings.app.store_copying import copy_store
from tidings.store.copying import table_rows
from tidings.store.port import StoreRefused
from tidings.store.sql.copy_marks import CopySide, begin_to_serve, read_mark

# In their order: behind which step the process is killed, and which side may start then.
STEPS = (
    ("marking the target", "source"),
    ("marking the source", ""),
    ("copying attempt", ""),
    ("copied attempt", ""),
    ("copying event", ""),
    ("copied webhook_version", ""),
    ("replacing the facts", ""),
    ("comparing event", ""),
    ("compared", ""),
    ("leaving the source", ""),
    ("making the target whole", "target"),
)


def kill_behind(step: str, source: FilledStore, target: FilledStore) -> None:
    """Copy in a process of its own, which is killed behind a step."""

    def progress(what: str, _done: int, _of: int) -> None:
        if what == step:
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if not pid:
        try:
            copy_store(source.path, target.path, progress)
        finally:
            os._exit(1)
    assert killed(pid), step


def may_start(store: FilledStore) -> bool:
    """Whether a service would start on it; it stays as it is."""
    side = opened(store)
    try:
        mark = read_mark(side.connection)
        if mark is None or mark.side == CopySide.ARRIVED:
            return True
        with pytest.raises(StoreRefused, match="`tidings store copy --from /.* --to /|take-back"):
            begin_to_serve(side.connection)
        return False
    finally:
        side.close()


@pytest.mark.parametrize("to_database", [True, False])
def test_a_copy_is_killed_behind_each_of_its_steps(tmp_path: Path, to_database: bool) -> None:
    source = filled_directory(tmp_path / "a")
    rows = rows_of(source)
    target = empty_database(tmp_path / "b")
    with patch.object(table_rows, "ROWS_MAX", 2):
        if not to_database:
            copy_store(source.path, target.path, lambda *_: None)
            side = opened(target)
            begin_to_serve(side.connection)
            side.close()
            source, target = target, empty_directory(tmp_path / "c")
        for step, starts in STEPS:
            kill_behind(step, source, target)
            may = [
                name for name, store in (("source", source), ("target", target)) if may_start(store)
            ]
            assert may == [starts] * bool(starts), step
        report = copy_store(source.path, target.path, lambda *_: None)
    assert (report.rows, report.copied) == (sum(map(len, rows.values())) + 1, 0)
    assert rows_of(target) == rows
