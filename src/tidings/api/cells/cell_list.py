"""The cells of an installation, as any process lists them: by the map, and by their owners.

What the map has is known wherever one asks; how much a cell does, and which numbers it has, its
owner answers. One whose owner has not answered is listed without that.
"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

import msgspec

from tidings.api.cells.moves import MoveProgress, MoveRefusal, list_moves
from tidings.api.cells.question import ONLY_CELL, CellQuestion, ask_every_cell
from tidings.api.context import Services
from tidings.core.audit.audit_actions import AuditAction
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId


class OwnerFactsAsked(msgspec.Struct, frozen=True):
    """Ask the owner of a cell what it knows of it."""


class OwnerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what the owner of a cell knows of it. `events`: of the last hour; None: not yet, or it
    is not counted. `ranges`, `spares`: of numbers. `problem`: empty where there is none."""

    events: int | None = None
    ranges: int = 0
    spares: int = 0
    problem: str = ""


class MappedCell(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what the map has of a cell. `address`: of its owner's door, None where nobody owns it;
    `place`: its directory or schema; `confirmed`: the version of the map that its owner follows."""

    cell: CellId
    state: str
    kind: str
    place: str
    families: int
    address: str | None
    epoch: int
    confirmed: int


class CellSeen(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Show a cell. What only its owner knows is None where that has not answered; kind, place and
    owner are None where there is one cell, whose store is that of the settings. `leaving` and
    `arriving` count families that are moved."""

    cell: CellId
    state: str
    kind: str | None
    place: str | None
    families: int
    events_last_hour: int | None
    address: str | None
    epoch: int
    confirmed: int
    ranges: int | None
    spares: int | None
    leaving: int
    arriving: int
    problem: str | None


class CellsSeen(msgspec.Struct, frozen=True):
    """Hold all cells by their numbers, the version of the map, the moves under way, and the cells
    whose owner has not answered."""

    cells: Sequence[CellSeen]
    version: int
    moves: Sequence[MoveProgress]
    missing: Sequence[CellId]


class MovePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a move would do. `rows`: an estimate; `pause_s`: for about how many seconds calls
    of the family would be answered 503."""

    org: OrgId
    source: CellId
    target: CellId
    rows: int
    pause_s: float


class PlanAsked(msgspec.Struct, frozen=True):
    """Ask what moving a family would do."""

    org: OrgId
    target: CellId


class PlanFound(msgspec.Struct, frozen=True):
    """Hold that, or why it cannot be moved; neither: it is not this cell's."""

    plan: MovePlan | None = None
    refused: MoveRefusal | None = None


class InstallationCells(Protocol):
    """Knows the cells of an installation with several."""

    def mapped(self) -> Awaitable[Sequence[MappedCell]]:
        """List the cells, as far as the map is known; those that were removed too."""

    @property
    def version(self) -> int:
        """Return the version of the map that is known."""

    def cell_of(self, org: OrgId) -> Awaitable[CellId | None]:
        """Return the cell that an org is in; None where there is no such org. Raise MapDown."""

    def facts(self) -> Awaitable[OwnerFacts]:
        """Return what this process knows of its own cell. Raise StoreDown."""

    def plan(self, org: OrgId, target: CellId) -> Awaitable[PlanFound]:
        """Plan a move of a family that is here. Raise StoreDown."""

    def remove(self, cell: CellId) -> Awaitable[MoveRefusal | None]:
        """Remove a cell that has no family; return why not. Raise MapDown."""

    def record(self, action: AuditAction, object: str, after: dict[str, Any]) -> Awaitable[None]:
        """Record what somebody has done in the platform's audit log. Raise StoreDown."""


async def _facts(services: Services, asked: OwnerFactsAsked) -> OwnerFacts:
    cells = services.web.cells
    return OwnerFacts() if cells is None else await cells.facts()


async def _plan(services: Services, asked: PlanAsked) -> PlanFound:
    cells = services.web.cells
    return PlanFound() if cells is None else await cells.plan(asked.org, asked.target)


OWNER_FACTS = CellQuestion(name="cell", asks=OwnerFactsAsked, finds=OwnerFacts, answer=_facts)
PLAN = CellQuestion(name="move-plan", asks=PlanAsked, finds=PlanFound, answer=_plan)


async def list_cells(services: Services) -> CellsSeen:
    """List all cells, by their numbers."""
    known = services.web.cells
    if known is None:
        return CellsSeen(cells=[_only(services)], version=0, moves=(), missing=())
    facts = await ask_every_cell(services, OWNER_FACTS, OwnerFactsAsked())
    moving = await list_moves(services)
    under_way = [move for move in moving.begun if move.state != "stayed"]
    leaving = Counter(move.source for move in under_way)
    arriving = Counter(move.target for move in under_way)
    seen = []
    for cell in await known.mapped():
        fact = facts.by_cell.get(cell.cell)
        seen.append(
            CellSeen(
                cell=cell.cell,
                state=cell.state,
                kind=cell.kind,
                place=cell.place,
                families=cell.families,
                events_last_hour=None if fact is None else fact.events,
                address=cell.address,
                epoch=cell.epoch,
                confirmed=cell.confirmed,
                ranges=None if fact is None else fact.ranges,
                spares=None if fact is None else fact.spares,
                leaving=leaving[cell.cell],
                arriving=arriving[cell.cell],
                problem=_problem(cell, fact),
            )
        )
    missing = sorted({*facts.missing, *moving.missing})
    return CellsSeen(cells=seen, version=known.version, moves=moving.begun, missing=missing)


def _problem(cell: MappedCell, fact: OwnerFacts | None) -> str | None:
    if cell.state == "removed":
        return None
    if cell.address is None:
        return "No process owns it. Start the service of its machine."
    if fact is None:
        return "Its owner has not answered. See the log of its process."
    return fact.problem or None


def _only(services: Services) -> CellSeen:
    return CellSeen(
        cell=ONLY_CELL,
        state="open",
        kind=None,
        place=None,
        families=sum(1 for org in services.orgs.all() if org.parent is None),
        events_last_hour=None,
        address=None,
        epoch=0,
        confirmed=0,
        ranges=None,
        spares=None,
        leaving=0,
        arriving=0,
        problem=None,
    )
