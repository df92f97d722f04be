"""`/v1/cells` and `/v1/moves`: the cells of an installation, and families that go between them."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.cells.cell_list import CellSeen, MovePlan, list_cells
from tidings.api.cells.cell_orders import (
    cell_of_org,
    drain_cell,
    move_org,
    open_cell,
    plan_move,
    remove_cell,
    see_cell,
    undo_org,
)
from tidings.api.cells.moves import MoveProgress, list_moves
from tidings.api.context import Services, read_object
from tidings.api.description import Model
from tidings.api.models import Page, new_body
from tidings.api.paging import WHOLE
from tidings.api.route import PLATFORM, ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.cells.families import CellId
from tidings.core.declaration import read_body
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.core.orgs.org_rules import MoveRequest
from tidings.core.times import iso
from tidings.errors import Invalid, NotFound
from tidings.values import describe_value

NUMBER_DIGITS = 9  # of a cell, at most
_ONE_CELL = "there is one cell"
REFUSED = {409: f"It is not done: the message says why. `only_cell`: {_ONE_CELL}"}
LATER = {503: "An owner, or the map, does not answer now: nothing was changed"}
MISSING = Field(
    default=None,
    description="The cells whose owners have not answered; only there where some have not.",
)


class Cell(Model):
    """A cell: a process over a store of its own, for some families of orgs."""

    cell: int
    state: Literal["open", "draining", "removed"] = Field(
        description="Draining: its families move away, and none is placed there."
    )
    kind: Literal["directory", "schema"] | None = Field(
        description=f"What its store is; null where {_ONE_CELL}, whose store the settings name."
    )
    place: str | None
    families: int = Field(description="Orgs without a parent, each with all below it.")
    eventsLastHour: int | None = Field(
        description="Null in the first minute of its process, while its owner does not answer, and "
        f"where {_ONE_CELL}."
    )
    address: str | None = Field(description="Its owner's, for other processes; null: nobody.")
    epoch: int
    confirmed: int = Field(description="The version of the map up to which its owner has read.")
    ranges: int | None = Field(description="Of numbers, that it has; null: not known now.")
    spares: int | None = Field(description="Those of them that are not begun.")
    leaving: int = Field(description="Families that are moved away.")
    arriving: int = Field(description="Families that are moved here.")
    problem: str | None


class OrgMove(Model):
    """A move of a family."""

    org: int
    source: int = Field(description="The cell that it leaves.")
    target: int = Field(description="The cell that it goes to.")
    state: Literal[
        "planned", "leaving", "copying", "copied", "switched", "dropping", "undone", "stayed"
    ] = Field(
        description="Planned: of a dry run. Leaving: its calls are answered 503, and what is under "
        "way ends. Copied: others that go with it are being copied. Switched: it is in the target. "
        "Stayed: it could not move, and is where it was; listed for ten minutes, with `problem`."
    )
    beganAt: datetime | None
    rowsMoved: int
    rowsExpected: int
    pausedSeconds: float = Field(description="For so long its calls have been answered 503.")
    pauseExpectedSeconds: float
    undone: bool = Field(description="Whether it is taken back.")
    problem: str | None = Field(description="Why it does not go on now, or could not.")


class SeveralCells(Model):
    """All cells."""

    cells: list[Cell]
    version: int = Field(description="That of the map.")
    moves: list[OrgMove]
    paging: Page
    missingCells: list[int] | None = MISSING


class SeveralMoves(Model):
    """The moves under way, and those of the last ten minutes that could not be, by their orgs."""

    moves: list[OrgMove]
    paging: Page
    missingCells: list[int] | None = MISSING


MOVE_BODY = new_body("Where an org goes.", MoveRequest, example={"to": 2, "dryRun": True})


def cell_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of cells over the services."""
    route = Routes(services, tag="cells")

    @route(
        "GET",
        "/v1/cells",
        over=Over.EVERY_CELL,
        id="listCells",
        scope=PLATFORM + "admin:read",
        summary="List all cells",
        answers=ok("All cells, by number", SeveralCells),
    )
    async def list_all() -> Response:
        """With the moves under way. An installation with one cell lists that."""
        seen = await list_cells(services)
        shown = {
            "cells": [show_cell(cell) for cell in seen.cells],
            "version": seen.version,
            "moves": [show_move(move) for move in seen.moves],
            **WHOLE,
        }
        return answer(shown | _missing(seen.missing))

    @route(
        "GET",
        "/v1/cells/{cell}",
        over=Over.EVERY_CELL,
        id="getCell",
        scope=PLATFORM + "admin:read",
        summary="Get a cell",
        answers=ok("The cell", Cell),
    )
    async def get(cell: str) -> Response:
        return answer(show_cell(await see_cell(services, _cell(cell))))

    _add_orders(route, services)
    _add_moves(route, services)
    return route.made


def _add_orders(route: Routes, services: Services) -> None:
    """Add what is done with a cell as a whole."""

    @route(
        "POST",
        "/v1/cells/{cell}/drain",
        over=Over.EVERY_CELL,
        id="drainCell",
        scope=PLATFORM + "admin:write",
        summary="Move all families of a cell away",
        answers=ok("The cell", Cell),
        refuses=REFUSED | LATER,
    )
    async def drain(cell: str) -> Response:
        """One group after the other, each to the cell that a new family would go to; none is placed
        in the cell from now on. `GET /v1/moves` shows how far it is."""
        return answer(show_cell(await drain_cell(services, _cell(cell))))

    @route(
        "POST",
        "/v1/cells/{cell}/open",
        over=Over.EVERY_CELL,
        id="openCell",
        scope=PLATFORM + "admin:write",
        summary="Have a cell take families again",
        answers=ok("The cell", Cell),
        refuses=REFUSED | LATER,
    )
    async def open_again(cell: str) -> Response:
        """Leave where it is what a drain has moved away; no further family leaves."""
        return answer(show_cell(await open_cell(services, _cell(cell))))

    @route(
        "POST",
        "/v1/cells/{cell}/remove",
        over=Over.EVERY_CELL,
        id="removeCell",
        scope=PLATFORM + "admin:write",
        summary="Remove a cell that has no family",
        answers=ok("The cell", Cell),
        refuses=REFUSED | LATER,
    )
    async def remove(cell: str) -> Response:
        """It must be drained. Its process ends; its store is left as it is, and its numbers are
        never given again. The first cell cannot be removed: it keeps the platform's audit log."""
        return answer(show_cell(await remove_cell(services, _cell(cell))))


def _add_moves(route: Routes, services: Services) -> None:
    """Add what is done with a family."""

    @route(
        "POST",
        "/v1/orgs/{org_id}/move",
        over=Over.EVERY_CELL,
        id="moveOrg",
        scope=PLATFORM + "admin:write",
        summary="Move an org to another cell",
        answers=ok("The move", OrgMove, 202),
        refuses={400: "The body is refused"} | REFUSED | LATER,
        body=MOVE_BODY,
    )
    async def move(request: Request, org_id: str) -> Response:
        """With all orgs below it; it must have no parent. While it moves, its calls are answered
        503 with `Retry-After`; nothing that was accepted is lost. With `dryRun` it only says how
        many rows there are, and for how long that would be."""
        org = _org(org_id)
        form = Form(await read_object(request))
        wanted = read_body(MoveRequest, form)
        if isinstance(wanted, list):
            raise Invalid(*wanted)
        target = CellId(wanted.to)
        if wanted.dry_run:
            return answer(show_plan(await plan_move(services, org, target)), 202)
        return answer(show_move(await move_org(services, org, target)), 202)

    @route(
        "POST",
        "/v1/orgs/{org_id}/move/undo",
        over=Over.EVERY_CELL,
        id="undoMove",
        scope=PLATFORM + "admin:write",
        summary="Take a move back",
        answers=ok("The move", OrgMove),
        refuses=REFUSED | LATER,
    )
    async def undo(org_id: str) -> Response:
        """The org stays in the cell that it was leaving. Once the target has it, it is moved back
        by another move."""
        return answer(show_move(await undo_org(services, _org(org_id))))

    @route(
        "GET",
        "/v1/orgs/{org_id}/cell",
        over=Over.EVERY_CELL,
        id="getOrgCell",
        scope=PLATFORM + "admin:read",
        summary="Which cell an org is in",
        answers=ok("The cell", {"org": "whole", "cell": "whole"}),
    )
    async def cell_of(org_id: str) -> Response:
        """While it moves, the one that it leaves."""
        org = _org(org_id)
        return answer({"org": org, "cell": await cell_of_org(services, org)})

    @route(
        "GET",
        "/v1/moves",
        over=Over.EVERY_CELL,
        id="listMoves",
        scope=PLATFORM + "admin:read",
        summary="List the moves under way",
        answers=ok("The moves, by their orgs", SeveralMoves),
    )
    async def moves() -> Response:
        found = await list_moves(services)
        shown = {"moves": [show_move(move) for move in found.begun], **WHOLE}
        return answer(shown | _missing(found.missing))


def show_cell(cell: CellSeen) -> dict[str, Any]:
    """Return a cell as the API shows it."""
    shown: dict[str, Any] = msgspec.to_builtins(cell)
    return shown


def show_move(move: MoveProgress) -> dict[str, Any]:
    """Return a move as the API shows it."""
    return {
        "org": move.family,
        "source": move.source,
        "target": move.target,
        "state": "undone" if move.is_undone else move.state,
        "beganAt": iso(move.began_ms),
        "rowsMoved": move.rows_done,
        "rowsExpected": move.rows_expected,
        "pausedSeconds": round(move.paused_s, 1),
        "pauseExpectedSeconds": round(move.expected_pause_s, 1),
        "undone": move.is_undone,
        "problem": move.problem or None,
    }


def show_plan(plan: MovePlan) -> dict[str, Any]:
    """Return a planned move as the API shows it."""
    return {
        "org": plan.org,
        "source": plan.source,
        "target": plan.target,
        "state": "planned",
        "beganAt": None,
        "rowsMoved": 0,
        "rowsExpected": plan.rows,
        "pausedSeconds": 0.0,
        "pauseExpectedSeconds": round(plan.pause_s, 1),
        "undone": False,
        "problem": None,
    }


def _missing(cells: Any) -> dict[str, Any]:
    return {"missingCells": list(cells)} if cells else {}


def _cell(text: str) -> CellId:
    """Return the cell of the path. Raise NotFound where it can be none."""
    if text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS:
        return CellId(int(text))
    raise NotFound.because(
        "unknown_cell",
        f"The cell must be one that exists; got {describe_value(text)}. List them with GET "
        "/v1/cells.",
        field="cell",
    )


def _org(text: str) -> OrgId:
    """Return the org of the path. Raise NotFound where it can be none."""
    if text.isascii() and text.isdigit() and len(text) <= 16:
        return OrgId(int(text))
    raise NotFound.because(
        "unknown_org",
        f"orgId must be the id of an org; got {describe_value(text)}. List them with GET /v1/orgs.",
        field="orgId",
    )
