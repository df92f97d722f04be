"""Checks the audit logs of all cells: each store has its own chains, and its own anchors."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tidings import app
from tidings.app.cells.cell_settings import FIRST_CELL, directory_of_cell, settings_of_cell
from tidings.app.cells.commands.cell_facts import list_cells
from tidings.app.cells.commands.owned_store import refusing
from tidings.app.cells.store_identity import CellRefused, identity_of
from tidings.app.database_operations import verify_audit
from tidings.core.audit.report import AuditReport
from tidings.core.cells.families import CellId
from tidings.engine.vault import KEY_FILE
from tidings.settings.settings import Settings
from tidings.store.sqlite.saved_files import MANIFEST, opened, read_manifest


class CellAudit(NamedTuple):
    """Hold what was found of one cell; `cell` is None of a store that is the only one."""

    cell: CellId | None
    report: AuditReport


def verify_cells(settings: Settings, only: int | None, anchor: str) -> Iterator[CellAudit]:
    """Check one audit log after the other: of the store that is the only one, of all cells, or of
    one. A data directory may be a backup.

    Raise ValueError where an anchor is no line of one, DatabaseUnreachable, an Unusable that says
    why a log cannot be checked.
    """
    cells = _cells(settings)
    if not cells:
        if only is not None:
            raise CellRefused(
                "--cell must name a cell of several; there is one store. Leave it out."
            )
        yield CellAudit(None, _verify(settings, settings.data, anchor))
        return
    if only is not None and only not in cells:
        there = ", ".join(map(str, sorted(cells)))
        raise CellRefused(f"--cell must be one of {there}; got {only}.")
    if anchor and only is None:
        raise CellRefused(
            "--anchor must come with the cell whose log has that line, where there are several. "
            "Add --cell."
        )
    for cell in sorted(cells) if only is None else [CellId(only)]:
        yield CellAudit(cell, _verify(cells[cell], settings.data, anchor))


def _cells(settings: Settings) -> dict[CellId, Settings]:
    """Return the settings of each cell; none of a store that is the only one."""
    if settings.database is None and (settings.data / MANIFEST).is_file():
        return _in_backup(settings.data)
    with refusing():
        own = identity_of(settings)
        if own is not None and own.cell not in (None, FIRST_CELL) and settings.database is None:
            raise CellRefused(
                f"{settings.data} is cell {own.cell} of several. Name the data directory of the "
                f"installation with --data, and add --cell {own.cell}."
            )
        return {cell.cell: settings_of_cell(settings, cell) for cell in list_cells(settings)}


def _in_backup(data: Path) -> dict[CellId, Settings]:
    with refusing(), opened(data) as files:
        points = read_manifest(data, files).cells
    cells = [CellId(point.cell) for point in points]
    return {cell: Settings(data=directory_of_cell(data, cell)) for cell in cells}


def _verify(settings: Settings, whole: Path, anchor: str) -> AuditReport:
    if settings.database is not None:
        return verify_audit(settings, anchor)
    return app.verify_audit(settings.data, anchor, whole / KEY_FILE)
