"""The process: picks adapters, server and signals, and builds the service over them.

The order of a start: directory lock and store, key, configuration into the registry, the
bootstrap credential, the engine (which recovers what the last owner left), then the port is opened.
While a full disk holds one of these up, the port says so (`start_retry.py`). A stop goes the other
way: no new calls, no new attempts, wait for those under way, write what came of them, close the
store cleanly.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from tidings.app.database import MAP, CellsFound, driver_refusal, look_for_map, store_opener
from tidings.app.keys.key_check import admit_key, read_own_key, unlock
from tidings.app.keys.master_key import KeyPlace, directory_key_place, read_master_key
from tidings.app.machine import file_refusal, log_to_stderr, port_refusal
from tidings.app.operator_files.check import check_files
from tidings.app.operator_files.operator_file import FileRefused
from tidings.app.start_retry import StartAborted, StartRetry
from tidings.core.audit.anchors import read_anchor_line
from tidings.core.audit.report import AuditReport
from tidings.core.cells.families import CellId
from tidings.engine.vault import KEY_FILE, VaultRefused, read_or_make_key
from tidings.errors import Unavailable, Unusable
from tidings.process_end import MEMORY, is_of_memory
from tidings.settings.settings import Settings
from tidings.store.port import StoreRefused
from tidings.store.sql.audit.audit_walk import AuditUnreadable
from tidings.store.sqlite import backup as backups
from tidings.store.sqlite.audit_check import check_audit, read_kept_keys
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.known_key import read_known_key
from tidings.store.sqlite.saved_files import Manifest, Progress, is_of_cells

if TYPE_CHECKING:
    from tidings.app.cells.membership import Membership
    from tidings.app.service import RunningService


class DataRefused(Unusable):
    """The request for a data directory cannot be met; the text says why and what to do."""


def serve(
    settings: Settings, hold: bool = False, command: Sequence[str] = (), post: str | None = None
) -> int:
    """Run the service until it is told to stop; the exit code of the process.

    With `hold` it sends nothing until sending is started again. Where the map names cells, each of
    them is served by a process of its own: by `command`, and by its `post` (`WorkerPost`).
    """
    gc.disable()  # what a start makes, stays; `Service.run` enables it
    log_to_stderr(settings.log_level)
    refusal = file_refusal() or driver_refusal(settings)
    if post is None:  # else the port is the host's
        refusal = refusal or port_refusal(settings)
    if refusal is not None:
        print(refusal, file=sys.stderr)
        return 4
    try:
        # Who stands by would meet its files as it takes over, when nobody else is there any more.
        if settings.database is not None or not settings.data.exists():
            check_files(settings)
        if post is not None:
            return uvloop.run(_serve(settings, hold, _membership(settings, post)))
        return _serve_or_host(settings, hold, command)
    except FileRefused as refused:  # starting again does not mend it
        _say_refused(refused, post)
        return 2
    except Unusable as refused:
        _say_refused(refused, post)
        return 4
    except Exception as error:
        if not is_of_memory(error):
            raise
        print(f"Tidings has ended. {MEMORY}", file=sys.stderr)
        return 1


def _say_refused(refusal: Unusable, post: str | None) -> None:
    """Say why a start is refused: to who has asked for it. A host starts it again, and says the
    same reason once a minute."""
    if post is not None:
        from tidings.app.cells.worker_post import PostRefused, WorkerPost  # noqa: PLC0415  # of several cells

        with suppress(PostRefused):
            if WorkerPost.read(post).say_refused(str(refusal)):
                return
    print(refusal, file=sys.stderr)


def _serve_or_host(settings: Settings, hold: bool, command: Sequence[str]) -> int:
    """Serve the one store that there is, or have each cell of the map served."""
    try:
        look_for_map(settings)
        return uvloop.run(_serve(settings, hold))
    except CellsFound:
        from tidings.app.cells.host import serve_cells  # noqa: PLC0415  # of several cells

        code = uvloop.run(serve_cells(settings, command, hold))
    if code is None:  # a map that names no cell yet
        code = uvloop.run(_serve(settings, hold, is_alone=True))
    return code


def backup(data: Path, to: Path, progress: Progress, cell: int | None = None) -> Manifest:
    """Copy a data directory, also one that is served; of several cells all, or one. DataRefused:
    why not; OSError: the disk."""

    def admitted() -> Manifest:
        if _has_cells(data):
            from tidings.app.cells.commands.backing_up import backup_cells  # noqa: PLC0415  # of several cells

            return backup_cells(data, to, progress, None if cell is None else CellId(cell))
        if cell is not None:
            raise DataRefused(
                f"--cell must name a cell of several; {data} has no map of cells. Leave it out."
            )
        _must_be_no_cell(data)
        _admit_key_file(data / KEY_FILE, data / FILE, directory_key_place(data))
        return backups.backup(data, to, progress)

    return _or_refused(admitted)


def restore(
    source: Path,
    data: Path,
    progress: Progress,
    cell: int | None = None,
    only_map: bool = False,
) -> Manifest:
    """Make a data directory from a copy; or put one cell, or the map, back into the one of an
    installation with several cells. DataRefused says why not; OSError: the disk."""
    place = KeyPlace(f"{KEY_FILE} of {source}", "Use a backup that was made with its own key.")

    def admit(database: Path, key: Path) -> None:
        _admit_key_file(key, database, place)

    def restored() -> Manifest:
        if cell is None and not only_map and not is_of_cells(source):
            return backups.restore(source, data, progress, admit)
        from tidings.app.cells.commands import restoring  # noqa: PLC0415  # of several cells

        if cell is not None:
            return restoring.restore_cell(source, data, CellId(cell), progress)
        restore_it = restoring.restore_map if only_map else restoring.restore_all
        return restore_it(source, data, progress)

    return _or_refused(restored)


def verify_audit(data: Path, anchor: str = "", key: Path | None = None) -> AuditReport:
    """Check the audit log of a data directory, also of one that is served, against the line of an
    anchor where one is given. `key`: the file of its key, where that is not beside it. ValueError
    where it is no such line; DataRefused."""
    from tidings.app.keys.derived_keys import audit_key  # noqa: PLC0415  # with the engine

    line = read_anchor_line(anchor) if anchor else None
    key = key or data / KEY_FILE
    for file in (data / FILE, key):
        if not file.is_file():  # a key that is missing must not be made
            raise DataRefused(
                f"{data} must be a data directory or a backup with {FILE} and {KEY_FILE}; it has "
                f"no {file.name}. Name one with --data, and restore a .tar first (tidings restore)."
            )
    try:
        master = read_or_make_key(key)
        vault = unlock(master, read_known_key(data / FILE), directory_key_place(key.parent))
        return check_audit(data, audit_key(master, vault, read_kept_keys(data)), line)
    except (AuditUnreadable, StoreRefused, VaultRefused) as refusal:
        raise DataRefused(str(refusal)) from None


def _admit_key_file(key: Path, database: Path, place: KeyPlace) -> None:
    """Raise WrongKey where a key file is not that of the database beside it; VaultRefused where it
    cannot be used, StoreRefused."""
    if key.is_file() and (known := read_known_key(database)) is not None:
        admit_key(read_or_make_key(key), known, place)


def _must_be_the_only_cell(settings: Settings) -> None:
    if settings.database is not None or not os.path.isfile(settings.data / FILE):
        return  # its opening says what is wrong with one that may not be looked at
    from tidings.app.cells.store_identity import must_be_the_only_cell  # noqa: PLC0415  # with apsw

    must_be_the_only_cell(settings)


def _must_be_no_cell(data: Path) -> None:
    """Raise DataRefused where a copy of a data directory would hold one cell of several."""
    from tidings.app.cells.store_identity import identity_of  # noqa: PLC0415  # with apsw

    found = identity_of(Settings(data=data))
    if found is not None and found.cell is not None:
        raise DataRefused(
            f"{data} must be the data directory of an installation to be backed up; it is cell "
            f"{found.cell} of several, without their map. Name the directory that has the folder "
            f"map with --data, and add --cell {found.cell} to back up this cell alone."
        )


def _has_cells(data: Path) -> bool:
    """Return whether a data directory is of an installation with several cells."""
    if not os.path.isfile(data / MAP):
        return False
    from tidings.app.cells.commands.backing_up import has_cells  # noqa: PLC0415  # of several cells

    return has_cells(data)


def _or_refused(work: Callable[[], Manifest]) -> Manifest:
    try:
        return work()
    except DataRefused:
        raise
    except (Unusable, Unavailable) as refusal:
        raise DataRefused(str(refusal)) from None


async def _serve(
    settings: Settings,
    hold: bool,
    membership: "Membership | None" = None,
    *,
    is_alone: bool = False,
) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, 0)
    if membership is not None:
        membership.follow_host(end)
        settings = membership.settings
    start = StartRetry(settings, ended, has_port=membership is None)
    try:
        service = await _composed(settings, start, lambda: end(1), hold, membership, is_alone)
    except StartAborted as early:
        return early.code
    finally:
        await start.close()
    try:
        code = await service.run(ended)
    finally:
        await service.stop()
    return code


def _membership(settings: Settings, post: str) -> "Membership":
    """Return what a process that owns one cell of several has beside the service."""
    from tidings.app.cells.membership import Membership  # noqa: PLC0415  # of several cells
    from tidings.app.cells.worker_post import WorkerPost  # noqa: PLC0415

    return Membership(settings, WorkerPost.read(post))


async def _composed(
    settings: Settings,
    start: StartRetry,
    died: Callable[[], None],
    hold: bool = False,
    membership: "Membership | None" = None,
    is_alone: bool = False,
) -> "RunningService":
    """The service over its open store, as soon as the disk lets it start."""
    if membership is None:
        await asyncio.to_thread(_must_be_the_only_cell, settings)
    master = await asyncio.to_thread(read_master_key, settings)
    cell, former = None, None
    if membership is not None:
        cell, former = membership.cell, membership.former_owner
    open_store, lease = store_opener(
        settings, died, master, is_alone=is_alone, cell=cell, former=former
    )
    store, service = await asyncio.gather(start.through(open_store), asyncio.to_thread(_service))
    try:
        if master is None:
            whole = settings if membership is None else membership.whole
            master = await start.through(lambda: read_own_key(whole, store))
        return await service.compose(
            settings, store, lease, master, start.through, hold, membership
        )
    except BaseException:
        await store.close(clean=False)
        raise


def _service() -> "type[RunningService]":
    """Loads most of the code, beside the store's processes, which start meanwhile."""
    from tidings.app.service import RunningService

    return RunningService
