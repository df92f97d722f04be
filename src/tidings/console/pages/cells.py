"""The cells of the installation: how each does, and families that move between them."""

from typing import Any

from starlette.responses import Response

from tidings.api.cells.cell_list import CellSeen, list_cells
from tidings.api.cells.cell_orders import (
    cell_of_org,
    drain_cell,
    move_org,
    open_cell,
    plan_move,
    remove_cell,
    undo_org,
)
from tidings.console.place import PageScope
from tidings.console.visit import PlainVisit
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId
from tidings.engine.access.denials import demand
from tidings.errors import Forbidden, Invalid, RequestRefused

AT, MOVE = "/cells", "/cells/move"
DIGITS_MAX = 16
_DONE = {
    "drain": (drain_cell, "Cell {} is drained: its orgs move away, and new ones go elsewhere."),
    "open": (open_cell, "Cell {} takes new orgs again."),
    "remove": (remove_cell, "Cell {} is removed. Its store was left as it is."),
}


async def show_all(visit: PlainVisit) -> Response:
    """Show all cells and the moves under way; with `part=now` what is asked for again."""
    _platform(visit, "admin:read")
    values = await _now(visit)
    if visit.request.query_params.get("part") == "now":
        return visit.page("parts/cells.html", **values)
    return visit.page("cells.html", **values)


async def change(visit: PlainVisit) -> Response:
    """Have a cell drained, opened or removed, or a move taken back."""
    _platform(visit, "admin:write")
    wanted, number = visit.form.get("do", ""), _number(visit.form.get("of", ""))
    try:
        if wanted == "undo":
            move = await undo_org(visit.services, OrgId(number))
            return visit.go(AT, f"Org {number} stays in cell {move.source}.")
        if wanted not in _DONE:
            raise _unknown("do")
        act, sentence = _DONE[wanted]
        await act(visit.services, CellId(number))
    except RequestRefused as refused:
        return visit.page("cells.html", 400, trouble=str(refused), **await _now(visit))
    return visit.go(AT, sentence.format(number))


async def show_move(visit: PlainVisit) -> Response:
    """Show what moving an org would take, to the cell that is chosen."""
    _platform(visit, "admin:write")
    query = visit.request.query_params
    return await _move_page(visit, query.get("org", ""), query.get("to", ""))


async def move(visit: PlainVisit) -> Response:
    """Begin to move an org."""
    _platform(visit, "admin:write")
    org, to = visit.form.get("org", ""), visit.form.get("to", "")
    try:
        await move_org(visit.services, OrgId(_number(org)), CellId(_number(to)))
    except RequestRefused as refused:
        return await _move_page(visit, org, to, str(refused))
    return visit.go(AT, f"Org {_number(org)} moves to cell {_number(to)}.")


async def _move_page(visit: PlainVisit, org: str, to: str, trouble: str = "") -> Response:
    plan, source, targets = None, None, list[CellSeen]()
    try:
        number = OrgId(_number(org))
        source = await cell_of_org(visit.services, number)
        seen = await list_cells(visit.services)
        targets = [
            cell
            for cell in seen.cells
            if cell.state == "open" and cell.address and cell.cell != source
        ]
        if to:
            plan = await plan_move(visit.services, number, CellId(_number(to)))
    except RequestRefused as refused:
        trouble = trouble or str(refused)
    return visit.page(
        "cell_move.html",
        400 if trouble else 200,
        of=org[:DIGITS_MAX],
        source=source,
        targets=targets,
        to=to[:DIGITS_MAX],
        plan=plan,
        trouble=trouble,
    )


async def _now(visit: PlainVisit) -> dict[str, Any]:
    services = visit.services
    seen = await list_cells(services)
    return {
        "cells": seen.cells,
        "moves": seen.moves,
        "missing": seen.missing,
        "is_one": services.web.cells is None,
        "is_busy": bool(seen.moves) or any(cell.state == "draining" for cell in seen.cells),
        "writes": visit.may("admin:write"),
        "lead": lambda org: PageScope(org).at("/settings"),
    }


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX:
        return int(text)
    raise _unknown("of")


def _unknown(field: str) -> Invalid:
    return Invalid.because(
        "bad_form",
        "The form must be one of this page; it is another one. Reload the page.",
        field=field,
    )


def _platform(visit: PlainVisit, scope: str) -> None:
    if not visit.caller.platform:
        raise Forbidden.because(
            "forbidden",
            "Cells must be seen with the platform's own credential; got an org's credential. Ask "
            "the operator.",
            place="session",
        )
    demand(visit.caller, scope)
