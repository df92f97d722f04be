"""What operators do with the files of an installation: see who runs with which, and put others in
force."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import NamedTuple

import msgspec

from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.files.file_rows import IN_FORCE, read_digests, row_name, row_of
from tidings.app.cells.files.own_digests import FILES, SHARED, digests_of
from tidings.app.cells.map_place import has_cell_map, open_map_rows
from tidings.app.cells.store_identity import CellRefused
from tidings.app.keys.master_key import find_key, key_place
from tidings.app.operator_files.check import check_files
from tidings.core.cells.families import CellId
from tidings.core.cells.file_digests import Digests, differing_names
from tidings.errors import Unusable
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellState, MapPlace, PlatformKind, PlatformRow

TRIES_MAX = 5


class FileFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Hold what is known of one file or setting, by digests: "" where it is not set; None where it
    is not known. `others`: the cells whose owner runs with another one than is in force, with
    what."""

    name: str
    in_force: str | None
    here: str | None
    others: Mapping[CellId, str]


class FilesFacts(NamedTuple):
    """Hold what is known of all files, and of those settings that differ."""

    files: Sequence[FileFacts]
    silent: Sequence[CellId]  # cells of which nobody has said what they run with
    problem: str = ""  # why it is not known what is here


def read_files(settings: Settings) -> FilesFacts | None:
    """Return which files are in force, here, and in each cell; None where there is one cell. Raise
    DatabaseUnreachable, or an Unusable that says why they cannot be read."""
    with refusing():
        if not has_cell_map(settings):
            return None
        own, problem = _own_or_why_not(settings)
        with closing(open_map_rows(settings)) as rows:
            reading = rows.changes.read(MapPlace())
    known = {row.name: row for row in reading.platform if row.kind is PlatformKind.FILE}
    cells = [cell.cell for cell in reading.cells if cell.state is not CellState.REMOVED]
    by_cell = {cell: read_digests(known.get(row_name(cell))) for cell in cells}
    in_force = read_digests(known.get(IN_FORCE))
    facts = [_facts_of(name, own, in_force, by_cell) for name in (*FILES, *SHARED)]
    shown = [fact for fact in facts if fact.name in FILES or fact.others or _is_other(fact)]
    silent = [cell for cell, digests in by_cell.items() if digests is None]
    return FilesFacts(shown, silent, problem)


def use_files(settings: Settings) -> Sequence[str] | None:
    """Put the files and settings in force that are here; return the names of those that were
    others, None where there is one cell. Raise FileRefused where one of them cannot be used, and as
    `read_files`: nothing is changed then."""
    with refusing():
        if not has_cell_map(settings):
            return None
        check_files(settings)
        own = _own(settings)
        with closing(open_map_rows(settings)) as rows:
            for _ in range(TRIES_MAX):
                known = _in_force(rows.changes.read(MapPlace()).platform)
                former = read_digests(known)
                if former == dict(own):
                    return []
                if rows.platform.put([row_of(IN_FORCE, own, known)]):
                    return sorted(own) if former is None else differing_names(own, former)
    raise CellRefused("Others put files in force at the same time. Run the command again.")


def _in_force(rows: Sequence[PlatformRow]) -> PlatformRow | None:
    found = (row for row in rows if (row.kind, row.name) == (PlatformKind.FILE, IN_FORCE))
    return next(found, None)


def _is_other(fact: FileFacts) -> bool:
    """Return whether another one is here than is in force."""
    return None not in (fact.here, fact.in_force) and fact.here != fact.in_force


def _own_or_why_not(settings: Settings) -> tuple[Digests, str]:
    try:
        return _own(settings), ""
    except Unusable as refused:
        return {}, str(refused)


def _own(settings: Settings) -> Digests:
    master = find_key(settings)
    if master is None:
        place = key_place(settings).source or "the settings master_key, _file and _command"
        raise CellRefused(
            "The master key must be given to compare files, as to the service; there is none in "
            f"{place}. Run the command with the settings that the service has."
        )
    return digests_of(settings, master)


def _facts_of(
    name: str,
    own: Digests,
    in_force: Digests | None,
    by_cell: Mapping[CellId, Digests | None],
) -> FileFacts:
    wanted = None if in_force is None else in_force.get(name)
    others = {
        cell: digests[name]
        for cell, digests in by_cell.items()
        if digests is not None and name in digests and digests[name] != wanted
    }
    return FileFacts(name=name, in_force=wanted, here=own.get(name), others=others)
