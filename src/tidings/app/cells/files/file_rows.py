"""The rows of files in the map: what is in force, and with what the owner of each cell runs."""

from collections.abc import Sequence

import msgspec

from tidings.app.cells.files.own_digests import FILES
from tidings.app.cells.map_view import MapView
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.core.cells.file_digests import (
    Digests,
    FilesJudgement,
    are_of_one_machine,
    judge_files,
    short,
)
from tidings.settings.settings import PREFIX, Settings
from tidings.store.port.cell_map import PlatformKind, PlatformRow

IN_FORCE = "in force"
NAMED_MAX = 5


def row_name(cell: CellId) -> str:
    """Return the name of the row of what a cell's owner runs with."""
    return f"cell {cell}"


def read_digests(row: PlatformRow | None) -> Digests | None:
    """Read the digests of a row; None where there are none that can be read."""
    if row is None or row.content is None:
        return None
    try:
        return msgspec.json.decode(row.content, type=dict[str, str])
    except msgspec.DecodeError:  # of a later release
        return None


def row_of(name: str, digests: Digests, known: PlatformRow | None) -> PlatformRow:
    """Make the row of these digests, to take the place of the known one."""
    revision = 1 if known is None else known.revision + 1
    content = msgspec.json.encode(digests, order="sorted")
    return PlatformRow(kind=PlatformKind.FILE, name=name, revision=revision, content=content)


def judge(own: Digests, view: MapView, own_host: str) -> FilesJudgement:
    """Judge the digests of a process of the machine whose doors are at `own_host`."""
    in_force = read_digests(view.platform_row(PlatformKind.FILE, IN_FORCE))
    owners = [view.places.owner_of(cell) for cell in view.cells]
    is_alone = are_of_one_machine(map(_address, owners), own_host)
    return judge_files(own, in_force, is_alone=is_alone)


def refusal_of(settings: Settings, differing: Sequence[str], own: Digests, view: MapView) -> str:
    """Say why a process takes no cell, and what to do."""
    in_force = read_digests(view.platform_row(PlatformKind.FILE, IN_FORCE)) or {}
    named = []
    for name in differing[:NAMED_MAX]:
        path = getattr(settings, name, None)
        where = f" ({path})" if name in FILES else ""
        digests = f"{short(in_force.get(name, ''))} is in force, and {short(own[name])} is here"
        named.append(f"{PREFIX}{name.upper()}{where}: {digests}")
    more = len(differing) - len(named)
    also = f", and {more} more" if more > 0 else ""
    return (
        "All processes of an installation must have the same files and settings; here there are "
        f"others: {'; '.join(named)}{also}. No cell is taken. Bring here what the others have; or, "
        "if what is here is the new one, put it in force with `tidings cells use-files`, and start "
        "the others again with it."
    )


def _address(owner: CellOwner | None) -> str:
    return "" if owner is None else owner.address
