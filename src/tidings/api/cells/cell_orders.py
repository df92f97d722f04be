"""What operators have done with cells: families moved, cells drained, opened and removed.

The same for the API and the console. Who has done it stands in the platform's audit log.
"""

from collections.abc import Sequence

from tidings.api.cells.cell_list import PLAN, CellSeen, MovePlan, PlanAsked, list_cells
from tidings.api.cells.moves import (
    CellMoves,
    MoveProgress,
    MoveRefusal,
    begin_moves,
    only_cell,
    undo_move,
    unknown_org,
)
from tidings.api.cells.question import ONLY_CELL, ask_every_cell
from tidings.api.context import Services
from tidings.core.audit.audit_actions import (
    CELL_DRAINED,
    CELL_OPENED,
    CELL_REMOVED,
    ORG_MOVED,
    ORG_STAYED,
    AuditAction,
)
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId
from tidings.errors import Busy, Conflict, NotFound, RequestRefused, Unavailable

_UNKNOWN = ("unknown_org", "unknown_cell")
_LATER = ("cell_away", "not_now")
_NO_ORG = OrgId(0)


def refusal_of(refusal: MoveRefusal, field: str = "") -> RequestRefused:
    """Return the refusal of a call, by why something is not done."""
    kind: type[RequestRefused] = Conflict
    if refusal.code in _UNKNOWN:
        kind = NotFound
    elif refusal.code in _LATER:
        kind = Busy
    return kind.because(refusal.code, refusal.message, field=field)


def map_away(error: Unavailable) -> RequestRefused:
    """Return the refusal of a call that needs the map, which is away."""
    return Busy.because(
        "map_away",
        f"The map of the cells must answer; {error}. Nothing was changed. Try again.",
    )


async def plan_move(services: Services, org: OrgId, target: CellId) -> MovePlan:
    """Plan a move; nothing is changed. Raise RequestRefused where it could not be begun."""
    if services.web.cells is None:
        raise refusal_of(only_cell(org))
    gathered = await ask_every_cell(services, PLAN, PlanAsked(org, target))
    refused: MoveRefusal | None = None
    for found in gathered.by_cell.values():
        if found.plan is not None:
            return found.plan
        refused = found.refused or refused
    raise refusal_of(refused or unknown_org(org, gathered.missing))


async def move_org(services: Services, org: OrgId, target: CellId) -> MoveProgress:
    """Begin to move a family. Raise RequestRefused where it is not begun."""
    answer = await begin_moves(services, [org], target)
    for move in answer.begun:
        await _record_move(services, org, target)
        return move
    raise refusal_of(answer.refused[0])


async def undo_org(services: Services, org: OrgId) -> MoveProgress:
    """Have a family stay where it was. Raise RequestRefused where that is not so."""
    found = await undo_move(services, org)
    if isinstance(found, MoveRefusal):
        raise refusal_of(found)
    if services.web.cells is not None:
        await services.web.cells.record(ORG_STAYED, str(org), {"cell": found.source})
    return found


async def _record_move(services: Services, org: OrgId, target: CellId) -> None:
    if services.web.cells is not None:
        await services.web.cells.record(ORG_MOVED, str(org), {"cell": target})


async def drain_cell(services: Services, cell: CellId) -> CellSeen:
    """Have all families of a cell moved away. Raise RequestRefused where that is not begun."""
    moves = _moves(services)
    try:
        refused = await moves.drain(cell)
    except Unavailable as error:
        raise map_away(error) from error
    return await _done(services, cell, refused, CELL_DRAINED)


async def open_cell(services: Services, cell: CellId) -> CellSeen:
    """Have a cell take families again. Raise RequestRefused where it cannot."""
    moves = _moves(services)
    try:
        refused = await moves.reopen(cell)
    except Unavailable as error:
        raise map_away(error) from error
    return await _done(services, cell, refused, CELL_OPENED)


async def remove_cell(services: Services, cell: CellId) -> CellSeen:
    """Remove a cell that has no family. Raise RequestRefused where it has, or is the first."""
    cells = services.web.cells
    if cells is None:
        raise refusal_of(only_cell(_NO_ORG))
    try:
        refused = await cells.remove(cell)
    except Unavailable as error:
        raise map_away(error) from error
    return await _done(services, cell, refused, CELL_REMOVED)


async def see_cell(services: Services, cell: CellId) -> CellSeen:
    """Return a cell as it is listed. Raise NotFound where there is none of this number."""
    return _of((await list_cells(services)).cells, cell)


async def cell_of_org(services: Services, org: OrgId) -> CellId:
    """Return the cell that an org is in. Raise NotFound where there is no such org, Busy where
    that is not known now."""
    found: CellId | None = ONLY_CELL if services.orgs.get(org) is not None else None
    if services.web.cells is not None:
        try:
            found = await services.web.cells.cell_of(org)
        except Unavailable as error:
            raise map_away(error) from error
    if found is None:
        raise refusal_of(unknown_org(org, ()))
    return found


def _of(cells: Sequence[CellSeen], cell: CellId) -> CellSeen:
    found = next((seen for seen in cells if seen.cell == cell), None)
    if found is None:
        raise NotFound.because(
            "unknown_cell",
            f"The cell must be one that exists; got {cell}. List them with GET /v1/cells.",
            field="cell",
        )
    return found


def _moves(services: Services) -> CellMoves:
    if services.web.moves is None:
        raise refusal_of(only_cell(_NO_ORG))
    return services.web.moves


async def _done(
    services: Services, cell: CellId, refused: MoveRefusal | None, action: AuditAction
) -> CellSeen:
    if refused is not None:
        raise refusal_of(refused)
    if services.web.cells is not None:
        await services.web.cells.record(action, str(cell), {})
    return await see_cell(services, cell)
