"""Puts back what a backup of several cells holds: all of it, one cell, or the map alone.

All of it is taken beside its place first, checked, and put into its place by renames: the key, the
map, the further cells, and the first one last. Where a rename is the last thing that was done, the
same command does those that are left. Nothing that is there is written over.

A cell that is put back into an installation is one beside others that went on. It begins none of
the ranges that it had, sends nothing before it is started (`serve --hold`), and has of its families
those that no other cell has got since.

A map that is put back is another incarnation of it, so every owner writes its part again; and it
names each further cell whose store lies there.
"""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import apsw

from tidings.app.cells.cell_settings import (
    CELLS_DIRECTORY,
    FIRST_CELL,
    directory_entry,
    directory_of_cell,
    settings_of_cell,
)
from tidings.app.cells.commands.backing_up import MAP_NAME, file_of_cell, fold
from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.map_place import MAP_DIRECTORY, has_cell_map, open_map_rows
from tidings.app.cells.store_identity import CellRefused, identity_of, reading_store
from tidings.app.keys.key_check import admit_key
from tidings.app.keys.master_key import KeyPlace, directory_key_place
from tidings.core.cells.cell_map import FamilyPlace, is_newer
from tidings.core.cells.families import CellId, FamilyId, FamilyState
from tidings.engine.delivery.stops import EVERYTHING, HOLD
from tidings.engine.vault import read_or_make_key
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store.cell_map.sqlite_map import MAP_FILE, open_sqlite_map
from tidings.store.port import SendingStop
from tidings.store.port.cell_map import CellState, MapPlace
from tidings.store.sql.configuration.cell_identity import StoreIdentity, read_identity
from tidings.store.sql.configuration.families import follow_places, read_families
from tidings.store.sql.delivery.in_flight import FILE as IN_FLIGHT
from tidings.store.sql.replay.replays import STOP
from tidings.store.sqlite.backup import check_integrity, check_restored
from tidings.store.sqlite.connection import DISK_FAULTS, SqliteConnection
from tidings.store.sqlite.database import FILE, LOCK, open_reader
from tidings.store.sqlite.directory_lock import DirectoryLock
from tidings.store.sqlite.saved_files import (
    CELLS,
    KEY,
    MANIFEST,
    BackupRefused,
    CellPoint,
    Manifest,
    Open,
    Progress,
    make_directories,
    new_file,
    no_backup,
    opened,
    read_manifest,
    sync,
    take_file,
)

STAGE = ".restoring"
WHOLE = "whole"  # in it, once all that is in it may be put into its place
_OF_ALL = (KEY, MAP_DIRECTORY, CELLS_DIRECTORY, FILE)  # in the order in which they are put


def restore_all(source: Path, data: Path, progress: Progress) -> Manifest:
    """Make the data directory of an installation from a backup of all its cells. Raise as
    `restore_cell`."""
    with _reading(source) as (files, manifest):
        if manifest.map is None or CellId(manifest.cells[0].cell) != FIRST_CELL:
            cells = ", ".join(str(point.cell) for point in manifest.cells)
            raise BackupRefused(
                f"{source} must be a backup of all cells to make a data directory; it is of cell "
                f"{cells} alone. Restore it into its installation with --cell {cells}."
            )
        if data.is_dir() and any((data / name).exists() for name in (LOCK, FILE)):
            DirectoryLock(data).release()  # whose it is, is said before that it is not empty
        stage = data / STAGE
        known = _known(stage, manifest)
        if data.is_dir() and any(
            path.name not in {LOCK, STAGE, *(_OF_ALL if known else ())} for path in data.iterdir()
        ):
            raise BackupRefused(
                f"{data} must be empty or not exist; it contains files. Restore to another "
                "directory, or move them away."
            )
        with _owned(data):
            if not known:
                names = [point.file for point in manifest.cells]
                _stage(stage, source, files, manifest, [KEY, *names, MAP_NAME], progress)
                _admit(stage / KEY, [stage / name for name in names], manifest, source)
                _begin_map(stage / MAP_DIRECTORY, data=None)
                _mark_whole(stage, manifest)
            _put(stage, data, _OF_ALL)
    return manifest


def restore_cell(source: Path, data: Path, cell: CellId, progress: Progress) -> Manifest:
    """Put one cell back into the directory of its installation, also while others are served.

    Raise an Unusable that says why not, DatabaseUnreachable where it cannot be done now, OSError
    where the disk fails.
    """
    with _reading(source) as (files, manifest):
        point = _point_of(source, manifest, cell)
        placed = _places_elsewhere(data, cell)
        directory = directory_of_cell(data, cell)
        if directory.is_dir():
            DirectoryLock(directory).release()
        _must_be_gone(directory, (FILE, "search.db"), f"the store of cell {cell}")
        _must_be_ours(data, manifest, source)
        directory.parent.mkdir(mode=0o700, exist_ok=True)
        with _owned(directory):
            stage, name = directory / STAGE, file_of_cell(cell)
            _stage(stage, source, files, manifest, [KEY, point.file], progress)
            _admit(stage / KEY, [stage / point.file], manifest, source)
            _begin_beside(stage / name, placed, cell)
            if not (data / KEY).exists():
                (stage / KEY).rename(data / KEY)
                sync(data)
            (directory / IN_FLIGHT).unlink(missing_ok=True)  # of the one that was lost
            (stage / name).rename(directory / FILE)
            sync(directory)
            shutil.rmtree(stage)
    return manifest


def restore_map(source: Path, data: Path, progress: Progress) -> Manifest:
    """Put the map of the cells back, also while they are served. Raise as `restore_cell`."""
    with _reading(source) as (files, manifest):
        if manifest.map is None:
            raise no_backup(source, "it is of one cell, and has no map")
        directory = data / MAP_DIRECTORY
        _must_be_gone(directory, (MAP_FILE,), "the map of the cells")
        _must_be_ours(data, manifest, source)
        with _disk():
            directory.mkdir(mode=0o700, exist_ok=True)
            stage = directory / STAGE
            _stage(stage, source, files, manifest, [MAP_NAME], progress)
            _begin_map(stage / MAP_DIRECTORY, data)
            (directory / MAP_FILE).hardlink_to(stage / MAP_NAME)  # refuses where one has come there
            sync(directory)
            shutil.rmtree(stage)
    return manifest


# -- what is refused ------------------------------------------------------------------------------


@contextmanager
def _reading(source: Path) -> Iterator[tuple[Open, Manifest]]:
    """Open a backup of cells in a block, and put what stores say into words of a command."""
    with refusing(), opened(source) as files:
        manifest = read_manifest(source, files)
        if manifest.format != CELLS:
            raise BackupRefused(
                f"{source} must be a backup of several cells; it is of a store that was the only "
                "one. Leave --cell and --map out."
            )
        points = manifest.cells
        names = {KEY, *(file_of_cell(CellId(point.cell)) for point in points)}
        if manifest.map is not None:
            names.add(MAP_NAME)
        if not points or {*manifest.files} != names or {point.file for point in points} - names:
            raise no_backup(source, f"its {MANIFEST} names other files")
        yield files, manifest


def _point_of(source: Path, manifest: Manifest, cell: CellId) -> CellPoint:
    for point in manifest.cells:
        if point.cell == cell:
            return point
    there = ", ".join(str(point.cell) for point in manifest.cells)
    raise BackupRefused(
        f"{source} must hold cell {cell} to restore it; it holds {there}. Use another backup."
    )


def _places_elsewhere(data: Path, cell: CellId) -> Mapping[FamilyId, FamilyPlace]:
    """Return where families are that are to be left to other cells: by the map, and by the stores
    of these, which an owner tells the map a moment later. Raise CellRefused where the map does not
    say that the cell's store is in this directory."""
    settings = Settings(data=data)
    if not has_cell_map(settings):
        raise CellRefused(
            f"{data} must have the map of its cells to restore one of them; it has none. Restore "
            "the map first, with --map."
        )
    with closing(open_map_rows(settings)) as rows:
        reading = rows.changes.read(MapPlace())
    there = [known.cell for known in reading.cells if known.state is not CellState.REMOVED]
    if cell not in there:
        raise CellRefused(
            f"--cell must be a cell that the map of {data} names; it names "
            f"{', '.join(map(str, there)) or 'none'}. Restore all cells to a new directory instead."
        )
    placed = dict(reading.changes.families)
    for other in there:
        if other == cell:
            continue
        with suppress(Unavailable, Unusable, apsw.Error, OSError):
            with reading_store(settings_of_cell(settings, directory_entry(other))) as connection:
                families = {} if connection is None else read_families(connection)
            for row in families.values():
                at = FamilyPlace(other, row.number)
                if row.state is FamilyState.HERE and is_newer(at, placed.get(row.family)):
                    placed[row.family] = at
    return placed


def _must_be_gone(directory: Path, stems: tuple[str, ...], what: str) -> None:
    """Raise BackupRefused where files are in the way: a log of another database beside one that is
    put there would be taken for its own."""
    if not directory.is_dir():
        return
    left = sorted(path.name for path in directory.iterdir() if path.name.startswith(stems))
    if left:
        raise BackupRefused(
            f"{directory} must not hold {what} any more for another one to be put there; it has "
            f"{', '.join(left)}. Move them away."
        )


def _must_be_ours(data: Path, manifest: Manifest, source: Path) -> None:
    """Raise CellRefused where a backup is another installation's than that of a directory, as far
    as one of its stores can tell; WrongKey where its key is another one."""
    for found in _identities(data):
        if found.installation != manifest.installation:
            raise CellRefused(
                f"{source} must be a backup of the installation in {data}; it is of another one. "
                "Name the right one."
            )
        if (data / KEY).is_file():
            admit_key(read_or_make_key(data / KEY), found.key_check, directory_key_place(data))
        return


def _identities(data: Path) -> Iterator[StoreIdentity]:
    """Read what the stores of an installation say of themselves, without those that cannot be
    read."""
    for cell in (FIRST_CELL, *_cells_below(data)):
        with suppress(Unavailable, Unusable, apsw.Error, OSError):
            found = identity_of(settings_of_cell(Settings(data=data), directory_entry(cell)))
            if found is not None and found.cell == cell:
                yield found


def _cells_below(data: Path) -> list[CellId]:
    """List the further cells that have a directory, by its name."""
    cells = data / CELLS_DIRECTORY
    names = [path.name for path in cells.iterdir()] if cells.is_dir() else []
    return sorted(CellId(int(name)) for name in names if name.isascii() and name.isdecimal())


# -- taking, and putting --------------------------------------------------------------------------


def _stage(
    stage: Path,
    source: Path,
    files: Open,
    manifest: Manifest,
    names: list[str],
    progress: Progress,
) -> None:
    """Take files of a backup beside their place, and check the databases."""
    if stage.exists():
        shutil.rmtree(stage)  # of a command that was ended: nothing of it is used
    stage.mkdir(mode=0o700)
    for name in names:
        make_directories(stage, name)
        take_file(files, name, manifest.files, stage / name, source, progress)
    progress("checking the databases", 0, 1)
    for name in names:
        if name.endswith(FILE):
            check_restored(stage / name, manifest.made)
        elif name == MAP_NAME:
            with closing(apsw.Connection(str(stage / name))) as copy:
                check_integrity(copy)


def _admit(key: Path, stores: list[Path], manifest: Manifest, source: Path) -> None:
    """Raise WrongKey or BackupRefused where stores are not those that the backup says, or not of
    its key."""
    master = read_or_make_key(key)
    place = KeyPlace(f"{KEY} of {source}", "Use a backup that was made with its own key.")
    by_file = {point.file: point.cell for point in manifest.cells}
    for store in stores:
        with closing(open_reader(store)) as connection:
            found = read_identity(connection)
        admit_key(master, found.key_check, place)
        cell = by_file[str(store.relative_to(key.parent))]
        if (found.cell, found.installation) != (cell, manifest.installation):
            raise no_backup(source, f"the store of cell {cell} in it is another one's")


def _begin_map(directory: Path, data: Path | None) -> None:
    """Make a map another incarnation, and have it name the cells that lie in a directory."""
    with closing(open_sqlite_map(directory)) as rows:
        reading = rows.changes.read(MapPlace())
        rows.changes.begin_incarnation(reading.place.incarnation)
        if data is not None:
            known = {cell.cell for cell in reading.cells}
            for found in _identities(data):
                if found.cell is not None and found.cell not in known:
                    rows.entries.put_cell(directory_entry(found.cell))
    fold(directory / MAP_FILE)
    sync(directory / MAP_FILE)


def _begin_beside(store: Path, placed: Mapping[FamilyId, FamilyPlace], cell: CellId) -> None:
    """Have a store send nothing before sending is started, for it is put beside cells that send;
    and have it leave to these what has gone to them since."""
    stop = SendingStop(EVERYTHING, since_ms=int(time.time() * 1000), by=HOLD)
    flags = apsw.SQLITE_OPEN_READWRITE
    with closing(SqliteConnection(str(store), flags=flags)) as connection, connection:
        connection.execute(STOP.insert("INSERT OR IGNORE"), STOP.write(stop)).fetchall()
        follow_places(connection, placed, cell)
    sync(store)


def _mark_whole(stage: Path, manifest: Manifest) -> None:
    for directory in [stage, *(path for path in stage.rglob("*") if path.is_dir())]:
        sync(directory)
    new_file(stage / WHOLE, _mark(manifest))
    sync(stage)


def _known(stage: Path, manifest: Manifest) -> bool:
    """Return whether all of this backup was taken and checked, and may be put into its place."""
    with suppress(FileNotFoundError):
        return (stage / WHOLE).read_bytes() == _mark(manifest)
    return False


def _mark(manifest: Manifest) -> bytes:
    return "".join(file.sha256 for _, file in sorted(manifest.files.items())).encode()


def _put(stage: Path, data: Path, names: tuple[str, ...]) -> None:
    """Put what was taken into its place, and remove the rest of it."""
    for name in names:
        if (stage / name).exists():
            (stage / name).rename(data / name)
            sync(data)
    (stage / WHOLE).unlink()
    shutil.rmtree(stage)
    sync(data)


@contextmanager
def _owned(directory: Path) -> Iterator[None]:
    """Own a directory in a block, in which what is put there is not served by anybody."""
    lock = DirectoryLock(directory)
    try:
        with _disk():
            yield
    finally:
        lock.release()


@contextmanager
def _disk() -> Iterator[None]:
    """Put faults of the disk into one error."""
    try:
        yield
    except DISK_FAULTS as error:
        raise OSError(str(error)) from error
