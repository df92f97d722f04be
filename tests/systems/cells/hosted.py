"""A host of two cells: its workers, who owns what, and one that does nothing for a while."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from tests.e2e.harness.service import ServiceProcess
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.app.cells.worker_post import WorkerPost
from tidings.core.cells.families import CellId

from .by_hand import SECOND_CELL, on_directories, owners

BOTH = {FIRST_CELL, SECOND_CELL}


def workers(host: ServiceProcess) -> Mapping[CellId, psutil.Process]:
    """Find the process of each cell."""
    found = {}
    for child in psutil.Process(host.pid).children():
        try:
            words = child.cmdline()
        except psutil.Error:  # it has just ended
            continue
        if "--cell" in words:
            found[WorkerPost.read(words[words.index("--cell") + 1]).entry.cell] = child
    return found


def owned(host: ServiceProcess) -> set[CellId]:
    """List the cells that have an owner by the map."""
    return {cell for cell, owner in owners(on_directories(host.data)).items() if owner.address}


def all_owned(host: ServiceProcess) -> bool:
    return owned(host) == BOTH


@contextmanager
def standing_still(process: psutil.Process) -> Iterator[None]:
    """Have a process do nothing for a while."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()
