"""Who folds the log of the writing half: a thread of its own where the file can be opened again."""

import threading
from pathlib import Path

import apsw
import pytest

from tests.store.rows import event
from tests.store.sqlite.disk import Disk
from tidings.store import port
from tidings.store.sqlite import checkpoints, halves
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf


@pytest.mark.parametrize("where", ["a file", "a disk of its own", "memory"])
def test_the_log_is_folded_beside_the_writer_where_the_file_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folders: list[threading.Thread] = []
    fold = checkpoints._fold

    def folding(connection: apsw.Connection) -> None:
        folders.append(threading.current_thread())
        fold(connection)

    monkeypatch.setattr(checkpoints, "_fold", folding)
    monkeypatch.setattr(halves, "CHECKPOINT_PAGES", 1)
    disk = Disk("folded") if where == "a disk of its own" else None
    path = ":memory:" if where == "memory" else tmp_path / FILE
    half = WritingHalf(path, vfs=disk.name if disk else None)
    half.commit(port.Batch(1, [event("a")]))
    half.checkpoints.run_if_due()
    half.checkpoints.stop()  # waits for the thread
    here = [thread is threading.current_thread() for thread in folders]
    assert here == {"a file": [False], "a disk of its own": [True], "memory": []}[where]
    half.close()
