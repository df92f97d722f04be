"""What stands before the service of one cell of several: whose a call is, by head or body."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from starlette.routing import BaseRoute

from tidings.api.cells.other_cells import OtherCells
from tidings.app.cells.calls.body_gate import BodyGate, Pairs
from tidings.app.cells.calls.call_naming import CallNaming
from tidings.app.cells.calls.call_table import CallTable
from tidings.app.cells.calls.cell_callers import CellCallers
from tidings.app.cells.calls.family_placing import FamilyPlacing
from tidings.app.cells.calls.known_openers import KnownOpeners, WholeDirectory
from tidings.app.cells.calls.map_router import MapRouter
from tidings.app.cells.calls.other_orgs import OtherOrgs
from tidings.app.cells.installation import Installation
from tidings.app.cells.over.cell_sessions import CellSessions
from tidings.app.cells.over.family_sizes import FamilySizes
from tidings.compose import App as Engine
from tidings.core.cells.door import MOVING_RETRY_S
from tidings.core.cells.families import FamilyId
from tidings.door.hop import DoorParts
from tidings.server import App, DirectApp


class CellCalls(NamedTuple):
    """Hold what calls are passed on with, the application behind that, and who decides of both."""

    door: DoorParts
    app: BodyGate
    router: MapRouter


def cell_calls(
    installation: Installation,
    engine: Engine,
    routes: Iterable[BaseRoute],
    app: App,
    direct: DirectApp,
    request_id: Callable[[Pairs], bytes],
    catch_up: Callable[[], Awaitable[None]],
    others: OtherCells,
    headers: Iterable[tuple[bytes, bytes]] = (),
    placing: FamilyPlacing | None = None,
    sizes: FamilySizes | None = None,
    retry_after_s: Callable[[FamilyId], int] = lambda _: MOVING_RETRY_S,
) -> CellCalls:
    """Make both over the routes that a process serves, and have its engine know of the orgs of
    other cells, and name its own cell in sessions and incidents. Raise UndecidedRoute where nobody
    has decided whose the calls of a route are. `app`, `direct`: the service's own gate;
    `request_id` gives a call its id, by its headers; `catch_up`: see `WholeDirectory`; `others`:
    asks the owners of other cells; `headers`: of what the door itself answers; `placing`: None
    where all cells count as having as many events; `sizes`: None where all families count as
    equally large; `retry_after_s`: how long a call of a family that is held is to wait."""
    table = CallTable(routes)
    whole = WholeDirectory(installation.store, installation.reader.view, catch_up)
    view = installation.reader.view
    openers = KnownOpeners(
        installation.store,
        installation.directory_key,
        whole,
        parents_changed=lambda: view.parents_changed,
    )
    callers = CellCallers(engine)
    naming = CallNaming(table, callers, view, openers)
    router = MapRouter(installation, naming, callers, openers, retry_after_s)
    engine.orgs.others = OtherOrgs(installation, sizes)
    engine.access.sessions.cell = engine.delivery.incidents.cell = installation.cell
    engine.access.sessions.guests.elsewhere = CellSessions(installation, others, openers)
    door = DoorParts(
        router, installation.lines, request_id, seal=installation.seal, headers=[*headers]
    )
    gate = BodyGate(
        app,
        direct,
        installation,
        table,
        naming=naming,
        router=router,
        placing=placing or FamilyPlacing(installation),
        door=door,
    )
    return CellCalls(door, gate, router)
