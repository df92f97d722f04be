"""The operator's files of an installation: edited, and taken by processes of it and of others."""

from tests.app.cells.calls.two_workers import TwoWorkers, Worker
from tidings.app.cells.files.files_in_force import FilesInForce
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.engine.vault import SealedSecret
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, CellKind

MASTER = SealedSecret(bytes(32))
FAR = CellId(3)


def edit(settings: Settings, servers: str) -> None:
    assert settings.connections is not None
    settings.connections.write_text(f'[main]\ntype = "kafka"\nservers = "{servers}"\n')


def process(worker: Worker, settings: Settings) -> FilesInForce:
    """Make what a process has of the files that lie here now."""
    return FilesInForce(worker.installation, settings, MASTER)


async def started(worker: Worker, settings: Settings) -> FilesInForce:
    """Start a process over the worker's cell, until it owes the map nothing."""
    files = process(worker, settings)
    await files.admit()
    await files.follow()
    await worker.installation.reader.look()
    return files


async def own_elsewhere(both: TwoWorkers) -> None:
    """Have a third cell be owned on another machine."""
    cell_map = both.workers[0].map
    await cell_map.put_cell(CellEntry(FAR, CellKind.DIRECTORY))
    await cell_map.put_owner(FAR, CellOwner(1, "10.0.0.9:4000"))
