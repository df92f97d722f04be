"""The cells of the installation, as this process knows them, and what is done with them as a whole.

What operators have done with cells is recorded by the first cell, which has the platform's audit
log; while its owner does not answer, by the cell of the process that was called.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from tidings.api.cells.cell_list import MappedCell, MovePlan, OwnerFacts, PlanFound
from tidings.api.cells.moves import MoveRefusal
from tidings.api.cells.other_cells import OtherCells
from tidings.api.cells.question import CellQuestion
from tidings.api.context import Services
from tidings.app.cells.cell_settings import FIRST_CELL, settings_of_cell
from tidings.app.cells.installation import Installation
from tidings.app.cells.over.cell_loads import EventMeter
from tidings.app.cells.over.family_sizes import CountRows
from tidings.core.audit.actor import Actor
from tidings.core.audit.audit_actions import AuditAction, actions
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.cells.directory import OpenerKind, directory_digest
from tidings.core.cells.families import CallVerdict, CellId, FamilyId, FamilyJudgement
from tidings.core.cells.moving import expected_pause_s
from tidings.core.cells.ranges import CellRanges
from tidings.core.ids import OrgId
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.current_actor import current_actor
from tidings.errors import Unavailable, Unusable
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellEntry, CellState, MapDown, MapRefused

NO_ORG = OrgId(0)
RECORD_S, RECORD_EVERY_S = 10.0, 0.5


class EntryAsked(msgspec.Struct, frozen=True):
    """Ask the owner of the first cell to record what was done with cells. `after`: JSON."""

    action: str
    object: str
    after: str
    actor: Actor


class EntryTaken(msgspec.Struct, frozen=True):
    """Say whether it is recorded."""

    is_recorded: bool


class OwnCellParts(NamedTuple):
    """Hold what of the own cell is asked."""

    family_of: Callable[[OrgId], FamilyId | None]  # None: this cell knows no such org
    judge: Callable[[FamilyId], FamilyJudgement | None]
    number_ranges: Callable[[], Awaitable[CellRanges]]
    count_rows: CountRows
    audit: AuditLog


class KnownCells:
    """An `InstallationCells`. To be used within one event loop."""

    def __init__(
        self,
        installation: Installation,
        settings: Settings,
        every: OtherCells,
        meter: EventMeter,
        own: OwnCellParts,
        record_s: float = RECORD_S,
    ) -> None:
        """`settings`: of the installation; `record_s`: for how long the first cell's owner is
        waited for."""
        self._installation = installation
        self._settings = settings
        self._every = every
        self._meter = meter
        self._own = own
        self._record_s = record_s
        # Why a family of this cell cannot go to another one, by what that says of itself.
        self.find_obstacle: Callable[[OrgId, CellId], Awaitable[MoveRefusal | None]] | None = None
        self.question = CellQuestion(
            name="record", asks=EntryAsked, finds=EntryTaken, answer=self._take_entry
        )

    @property
    def version(self) -> int:
        """See `InstallationCells`."""
        return self._installation.reader.view.place.version

    async def mapped(self) -> Sequence[MappedCell]:
        """See `InstallationCells`."""
        await self._installation.reader.look()
        view = self._installation.reader.view
        confirmed: dict[CellId, int] = {}
        with suppress(MapDown, MapRefused):
            confirmed = {**await self._installation.store.confirmations()}
        families = view.families_by_cell()
        found = []
        for number, cell in sorted(view.cells.items()):
            owner = view.places.owner_of(number)
            found.append(
                MappedCell(
                    cell=number,
                    state=cell.state.name.lower(),
                    kind=cell.kind.value,
                    place=self._place_of(cell),
                    families=families[number],
                    address=None if owner is None else owner.address or None,
                    epoch=0 if owner is None else owner.epoch,
                    confirmed=confirmed.get(number, 0),
                )
            )
        return found

    async def cell_of(self, org: OrgId) -> CellId | None:
        """See `InstallationCells`."""
        here = self._installation
        family = self._own.family_of(org)
        judged = None if family is None else self._own.judge(family)
        if judged is not None and judged.verdict is not CallVerdict.NOT_MINE:
            return here.cell
        await here.reader.look()
        digest = directory_digest(OpenerKind.ORG, here.directory_key, str(org))
        openers = await here.store.find_openers(digest)
        found = next((opener.family for opener in openers), family or FamilyId(org))
        place = here.reader.view.places.place_of(found)
        return None if place is None else place.cell

    async def facts(self) -> OwnerFacts:
        """See `InstallationCells`."""
        ranges = await self._own.number_ranges()
        return OwnerFacts(
            events=self._meter.events(),
            ranges=len(ranges.granted),
            spares=len(ranges.spares),
            problem=self._installation.reader.problem,
        )

    async def plan(self, org: OrgId, target: CellId) -> PlanFound:
        """See `InstallationCells`."""
        family = self._own.family_of(org)
        judged = None if family is None else self._own.judge(family)
        if family is None or judged is None or judged.verdict is CallVerdict.NOT_MINE:
            return PlanFound()
        refused = self._why_not(org, family, judged, target)
        if refused is not None:
            return PlanFound(refused=MoveRefusal(org, *refused))
        if self.find_obstacle is not None:
            obstacle = await self.find_obstacle(org, target)
            if obstacle is not None:
                return PlanFound(refused=obstacle)
        rows = await self._own.count_rows(family) or 0
        return PlanFound(
            MovePlan(
                org=org,
                source=self._installation.cell,
                target=target,
                rows=rows,
                pause_s=expected_pause_s(rows),
            )
        )

    def _why_not(
        self, org: OrgId, family: FamilyId, judged: FamilyJudgement, target: CellId
    ) -> tuple[str, str] | None:
        """Return the code and the sentence why a family of this cell cannot be moved."""
        own, view = self._installation.cell, self._installation.reader.view
        entry = view.cells.get(target)
        if OrgId(family) != org:
            return "not_a_root", (
                f"The org must have no parent; org {org} is below org {family} and moves with it. "
                f"Move org {family}."
            )
        if judged.verdict is CallVerdict.HELD:
            return "already_moving", (
                f"The org must not be moving; org {org} is on its way to cell {judged.elsewhere}. "
                f"Wait until it is there, or take the move back with `tidings cells undo {org}`."
            )
        if target == own:
            return "same_cell", (
                f"The cell must be another one; org {org} is already in cell {own}. Name another "
                "one: `tidings cells list`."
            )
        if entry is None or entry.state is CellState.REMOVED:
            return "unknown_cell", (
                f"The cell must be one that exists; got {target}. See `tidings cells list`."
            )
        if entry.state is not CellState.OPEN or not view.places.is_owned(target):
            return "cell_not_open", (
                f"Cell {target} must be open and served; it is being drained, or no process serves "
                "it. See `tidings cells list`."
            )
        return None

    async def remove(self, cell: CellId) -> MoveRefusal | None:
        """See `InstallationCells`."""
        reader = self._installation.reader
        if not await reader.look():
            raise MapDown(reader.problem)
        view = reader.view
        entry = view.cells.get(cell)
        if cell == FIRST_CELL:
            return _refusal(
                "first_cell",
                "The cell must be another one than the first: cell 1 keeps the platform's audit "
                "log and sign-in links. Drain it instead: `tidings cells drain 1`.",
            )
        if entry is None:
            return _refusal(
                "unknown_cell",
                f"The cell must be one that exists; got {cell}. See `tidings cells list`.",
            )
        if entry.state is CellState.OPEN:
            return _refusal(
                "not_drained",
                f"Cell {cell} must be drained before it is removed; it takes new orgs. Run "
                f"`tidings cells drain {cell}`.",
            )
        if not await self._installation.store.remove_cell(cell):
            await reader.look()
            count = view.families_by_cell()[cell]
            return _refusal(
                "has_families",
                f"Cell {cell} must have no family of orgs; it has {count}. Wait until they have "
                "moved: `tidings cells moves`.",
            )
        await reader.look()
        return None

    async def record(self, action: AuditAction, object: str, after: dict[str, Any]) -> None:
        """See `InstallationCells`."""
        actor = current_actor()
        if self._installation.cell != FIRST_CELL:
            asked = EntryAsked(
                action=action.name, object=object, after=json.dumps(after), actor=actor
            )
            question = self.question
            loop = asyncio.get_running_loop()
            until_s = loop.time() + self._record_s
            while True:  # at the end of a move its process starts again
                found = await self._every.ask(
                    question.name, msgspec.json.encode(asked), EntryTaken, question.answer_s
                )
                if any(taken.is_recorded for taken in found.by_cell.values()):
                    return
                if loop.time() >= until_s:
                    break
                await asyncio.sleep(RECORD_EVERY_S)
        await self._own.audit.append(action, PLATFORM_CHAIN, object, after, actor=actor)

    async def _take_entry(self, services: Services, asked: EntryAsked) -> EntryTaken:
        action = actions().get(asked.action)
        if self._installation.cell != FIRST_CELL or action is None:
            return EntryTaken(is_recorded=False)
        after = json.loads(asked.after)
        audit = self._own.audit
        await audit.append(action, PLATFORM_CHAIN, asked.object, after, actor=asked.actor)
        return EntryTaken(is_recorded=True)

    def _place_of(self, entry: CellEntry) -> str:
        if entry.setting:
            return entry.setting
        try:
            return str(settings_of_cell(self._settings, entry).data)
        except (Unavailable, Unusable):
            return ""


def _refusal(code: str, message: str) -> MoveRefusal:
    return MoveRefusal(NO_ORG, code, message)
