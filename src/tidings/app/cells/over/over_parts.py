"""What a process has over all cells, each part made of those before it."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from tidings.api.cells.question import CellQuestion
from tidings.app.cells.installation import Installation
from tidings.app.cells.over.cell_loads import CellLoads, EventMeter
from tidings.app.cells.over.every_cell import EveryCell
from tidings.app.cells.over.family_sizes import CountRows, FamilySizes
from tidings.app.cells.over.known_cells import KnownCells, OwnCellParts
from tidings.app.cells.over.platform_in_force import PlatformInForce
from tidings.compose import App
from tidings.core.cells.families import CallVerdict, FamilyId
from tidings.settings.settings import Settings


class OverParts(NamedTuple):
    """Hold who asks the owners of other cells, and what is known and in force by that."""

    every: EveryCell
    in_force: PlatformInForce
    loads: CellLoads
    sizes: FamilySizes
    cells: KnownCells

    @property
    def questions(self) -> dict[str, CellQuestion[Any, Any]]:
        """Return what these parts of other processes ask, by name."""
        asked: list[CellQuestion[Any, Any]] = [
            self.in_force.question,
            self.loads.question,
            self.sizes.question,
            self.cells.question,
        ]
        return {question.name: question for question in asked}


def over_parts(
    installation: Installation,
    app: App,
    settings: Settings,
    new_request_id: Callable[[], str],
    passed_s: Callable[[], float] = time.monotonic,
) -> OverParts:
    """Make them, and have the engine tell the owners of all cells what is over all. `settings`: of
    the installation; `passed_s`: a clock that is never set."""
    every = EveryCell(installation, new_request_id)
    base, engine = app.base, app.delivery.engine
    book, stops = app.access.access, app.delivery.stops
    in_force = PlatformInForce(installation, every, book, stops, base.changes, base.clock.now_ms)
    book.over_cells = stops.over_cells = in_force
    meter = EventMeter(lambda: engine.accepted, passed_s)
    own = own_parts(app)
    return OverParts(
        every=every,
        in_force=in_force,
        loads=CellLoads(every, meter, passed_s),
        sizes=FamilySizes(every, own.count_rows),
        cells=KnownCells(installation, settings, every, meter, own),
    )


def own_parts(app: App) -> OwnCellParts:
    """Return what of the own cell is asked."""
    return OwnCellParts(
        family_of=app.base.families.known,
        judge=app.base.families.judge,
        number_ranges=app.ports.store.number_ranges,
        count_rows=rows_counter(app),
        audit=app.base.audit,
    )


def rows_counter(app: App) -> CountRows:
    """Return what counts about how many rows there are of a family of this cell."""

    async def count(family: FamilyId) -> int | None:
        judged = app.base.families.judge(family)
        if judged is None or judged.verdict is CallVerdict.NOT_MINE:
            return None
        return await app.ports.store.count_family_rows(family)

    return count
