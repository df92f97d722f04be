"""What a process that owns one cell of several does beside the service: its jobs."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tidings.app.cells.calls.family_placing import FamilyPlacing
from tidings.app.cells.commands.cell_facts import ranges_reader
from tidings.app.cells.duties.owner_duties import PART as CELL_DUTIES
from tidings.app.cells.duties.owner_duties import OwnerClocks, OwnerDuties
from tidings.app.cells.duties.owner_row import PART as CELL_OWNER
from tidings.app.cells.duties.owner_row import CellOwnerRow
from tidings.app.cells.files.files_in_force import FilesInForce
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import PART as CELL_MAP
from tidings.app.cells.moves.arrivals import Arrivals
from tidings.app.cells.moves.cell_moves import NOTICE, MovesOfCell
from tidings.app.cells.moves.cell_moves import PART as CELL_MOVES
from tidings.app.cells.moves.departures import Departures
from tidings.app.cells.moves.move_questions import OtherOwners
from tidings.app.cells.over.cell_loads import PART as CELL_LOAD
from tidings.app.cells.over.cell_loads import CellLoads
from tidings.app.cells.over.platform_in_force import PART as PLATFORM
from tidings.app.cells.over.platform_in_force import PlatformInForce
from tidings.compose import App
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.moving import TargetFacts
from tidings.core.ids import OrgId
from tidings.core.running.service_part import ServicePart, count_word
from tidings.engine.clock import WallClock
from tidings.engine.running.supervisor import Job
from tidings.settings.settings import Settings
from tidings.store.port.cell_map import CellState


def jobs_of(
    installation: Installation,
    app: App,
    owner: CellOwnerRow,
    settings: Settings,
    in_force: PlatformInForce,
    moves: MovesOfCell,
    loads: CellLoads,
    files: FilesInForce,
) -> Mapping[ServicePart, Job]:
    """List what runs for as long as the process owns its cell. `settings`: of the installation."""

    async def follow() -> None:
        await in_force.follow()
        await files.follow()

    duties = OwnerDuties(
        installation,
        app.ports.store,
        lambda: app.base.registry.version,
        ranges_reader(settings),
        OwnerClocks(app.base.clock.now_ms),
        follow,
    )
    return {
        CELL_MAP: installation.reader.run,
        CELL_OWNER: owner.run,
        CELL_DUTIES: duties.run,
        PLATFORM: in_force.run,
        CELL_MOVES: moves.run,
        CELL_LOAD: loads.run,
    }


def make_moves(
    installation: Installation,
    app: App,
    others: OtherOwners,
    loads: CellLoads,
    begin_again: Callable[[], None],
    directory: Path | None,
) -> MovesOfCell:
    """Make what moves families out of a cell, and takes in those that arrive. `begin_again` ends
    the process in order, to be started again at once; `directory`: of the cell's store, None where
    that is a schema."""
    families, store, heartbeats = app.base.families, app.ports.store, app.base.heartbeats

    def notify(sentence: str) -> None:
        if sentence:
            heartbeats.raise_notice(NOTICE, sentence)
        else:
            heartbeats.clear_notice(NOTICE)

    def is_removed(cell: CellId) -> bool:
        known = installation.reader.view.cells.get(cell)
        return known is not None and known.state is CellState.REMOVED

    departures = Departures(
        families,
        store,
        app.base.audit,
        others,
        installation.cell,
        lambda family: describe_under_way(app, family),
        begin_again,
        app.base.clock.now_ms,
        is_removed=is_removed,
        ended_sessions=app.access.everywhere.ended,
    )

    def describe_target() -> TargetFacts:
        free = None if directory is None else shutil.disk_usage(directory).free
        return TargetFacts(app.base.clock.now_ms(), WallClock().now_ms(), free)

    arrivals = Arrivals(installation, families, store, app.base.audit, begin_again, describe_target)
    return MovesOfCell(
        installation,
        families,
        lambda: [org.id for org in app.orgs.all()],
        departures,
        arrivals,
        FamilyPlacing(installation, loads).loads,
        notify,
    )


def describe_under_way(app: App, family: FamilyId) -> str:
    """Say what of a family is under way, as "2 attempts and 1 letter"; empty: nothing.

    Whatever else begins is refused by the store, and resumed from there: events, replays, cancels,
    fan-outs, changes, and what comes in."""
    families = app.base.families

    def is_of(org: OrgId) -> bool:
        return families.of(org) == family

    counters: dict[str, Callable[[Callable[[OrgId], bool]], int]] = {
        "attempt": app.delivery.engine.dispatcher.under_way,
        "test": app.delivery.trial.under_way,
        "letter": app.notices.emails.under_way,
        "arrival": app.delivery.inboxes.under_way,
        "source": app.sources.pumps.under_way,
    }
    found = [(count(is_of), word) for word, count in counters.items()]
    return " and ".join(count_word(count, word) for count, word in found if count)
