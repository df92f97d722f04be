"""What a process that owns one cell of several does beside the service: who routes its calls, and
its jobs."""

from collections.abc import Mapping

from tidings.app.cells.commands.cell_facts import ranges_reader
from tidings.app.cells.duties.owner_duties import PART as CELL_DUTIES
from tidings.app.cells.duties.owner_duties import OwnerClocks, OwnerDuties
from tidings.app.cells.duties.owner_row import PART as CELL_OWNER
from tidings.app.cells.duties.owner_row import CellOwnerRow
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import PART as CELL_MAP
from tidings.compose import App
from tidings.core.cells.door import DoorDecision, PassOn, RefuseNow, ServeHere
from tidings.core.running.service_part import ServicePart
from tidings.door.head import NotMine
from tidings.door.hop import DoorRouter, RoutedCall
from tidings.engine.running.supervisor import Job
from tidings.settings.settings import Settings


class OwnCellRouter:
    """Has every call served by the process that it came to. A `DoorRouter`."""

    def __init__(self, installation: Installation) -> None:
        self._cell = installation.cell

    def decide(self, call: RoutedCall) -> DoorDecision | None:
        """See `DoorRouter`."""
        return None if call.passed_on is None else ServeHere(self._cell)

    async def decide_again(
        self, call: RoutedCall, tried: PassOn, tries: int, not_mine: NotMine | None
    ) -> DoorDecision:
        """See `DoorRouter`."""
        return RefuseNow("the owner of the family is not known now", 2)


def make_router(installation: Installation, app: App) -> DoorRouter:
    """Make what decides whose a call is."""
    return OwnCellRouter(installation)


def jobs_of(
    installation: Installation, app: App, owner: CellOwnerRow, settings: Settings
) -> Mapping[ServicePart, Job]:
    """List what runs for as long as the process owns its cell. `settings`: of the installation."""
    duties = OwnerDuties(
        installation,
        app.ports.store,
        lambda: app.base.registry.version,
        ranges_reader(settings),
        OwnerClocks(app.base.clock.now_ms),
    )
    return {CELL_MAP: installation.reader.run, CELL_OWNER: owner.run, CELL_DUTIES: duties.run}
