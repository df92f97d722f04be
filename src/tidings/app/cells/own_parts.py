"""What a process that owns one cell of several does beside the service: its jobs."""

from collections.abc import Mapping

from tidings.app.cells.commands.cell_facts import ranges_reader
from tidings.app.cells.duties.owner_duties import PART as CELL_DUTIES
from tidings.app.cells.duties.owner_duties import OwnerClocks, OwnerDuties
from tidings.app.cells.duties.owner_row import PART as CELL_OWNER
from tidings.app.cells.duties.owner_row import CellOwnerRow
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import PART as CELL_MAP
from tidings.app.cells.over.platform_in_force import PART as PLATFORM
from tidings.app.cells.over.platform_in_force import PlatformInForce
from tidings.compose import App
from tidings.core.running.service_part import ServicePart
from tidings.engine.running.supervisor import Job
from tidings.settings.settings import Settings


def jobs_of(
    installation: Installation,
    app: App,
    owner: CellOwnerRow,
    settings: Settings,
    in_force: PlatformInForce,
) -> Mapping[ServicePart, Job]:
    """List what runs for as long as the process owns its cell. `settings`: of the installation."""
    duties = OwnerDuties(
        installation,
        app.ports.store,
        lambda: app.base.registry.version,
        ranges_reader(settings),
        OwnerClocks(app.base.clock.now_ms),
        in_force.follow,
    )
    return {
        CELL_MAP: installation.reader.run,
        CELL_OWNER: owner.run,
        CELL_DUTIES: duties.run,
        PLATFORM: in_force.run,
    }
