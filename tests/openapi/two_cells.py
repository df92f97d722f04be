"""Stands for the other cell of an installation, where a walk makes the calls of cells."""

from dataclasses import dataclass
from typing import Any

from tests.api.control_client import Service
from tidings.api.cells.cell_list import MappedCell, MovePlan, OwnerFacts, PlanFound
from tidings.api.cells.moves import (
    MoveProgress,
    MoveRefusal,
    MovesAsked,
    MovesBegun,
    UndoFound,
)
from tidings.core.audit.audit_actions import AuditAction
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId

ONE, TWO = CellId(1), CellId(2)


@dataclass
class WalkedCells:
    """Both cells, whatever is asked of them; who asks is recorded."""

    service: Service
    version: int = 41

    async def mapped(self) -> list[MappedCell]:
        return [
            MappedCell(
                cell=cell,
                state="open",
                kind="directory",
                place=f"/var/lib/tidings/{cell}",
                families=1,
                address=f"127.0.0.1:3506{cell}",
                epoch=3,
                confirmed=41,
            )
            for cell in (ONE, TWO)
        ]

    async def cell_of(self, org: OrgId) -> CellId | None:
        return ONE

    async def facts(self) -> OwnerFacts:
        return OwnerFacts(events=1200, ranges=9, spares=8)

    async def plan(self, org: OrgId, target: CellId) -> PlanFound:
        return PlanFound(MovePlan(org=org, source=ONE, target=target, rows=20_000, pause_s=6.5))

    async def remove(self, cell: CellId) -> MoveRefusal | None:
        return None

    async def record(self, action: AuditAction, object: str, after: dict[str, Any]) -> None:
        await self.service.parts.base.audit.append(action, PLATFORM_CHAIN, object, after)


class WalkedMoves:
    """Moves every org."""

    def _move(self, org: OrgId, target: CellId) -> MoveProgress:
        return MoveProgress(org, ONE, target, 2, "copying", 1_771_000_000_000, 5, 20_000, 1.5, 6.5)

    async def begin(self, asked: MovesAsked) -> MovesBegun:
        return MovesBegun([self._move(org, asked.target) for org in asked.orgs])

    async def undo(self, org: OrgId) -> UndoFound:
        return UndoFound(self._move(org, TWO))

    async def progress(self) -> list[MoveProgress]:
        return [self._move(OrgId(2001), TWO)]

    async def drain(self, cell: CellId) -> MoveRefusal | None:
        return None

    async def reopen(self, cell: CellId) -> MoveRefusal | None:
        return None


def add_second_cell(service: Service) -> None:
    """Have the service answer as if there was another cell; its routes are made already."""
    for name, part in (("cells", WalkedCells(service)), ("moves", WalkedMoves())):
        object.__setattr__(service.services.web, name, part)
