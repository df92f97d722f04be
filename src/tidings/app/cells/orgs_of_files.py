"""Where the orgs are that the operator's files name, as the owner of one cell of several asks.

All processes have the same files; what one declares is in force where its org is. An org that is in
no cell is an error of the file: the owner of the first cell alone reports it, so that the others
serve. They do so also where a map that was restored does not know an org yet: its owner has to
start to write it there again.
"""

import structlog

from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.app.cells.installation import Installation
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.actions import load_actions
from tidings.catalogue import Catalogue
from tidings.core.cells.directory import OpenerKind, directory_digest
from tidings.core.cells.families import CallVerdict, CellId, FamilyId, judge_call
from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.engine.orgs import Orgs
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.store.port.cell_map import MapDown, MapRefused

log = structlog.get_logger(__name__)


class OrgsOfFiles:
    """An `OrgsElsewhere` of the operator's files."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def is_elsewhere(self, org: OrgId) -> bool:
        """Return whether an org that is not here is for another process to declare for, or to
        refuse. While the map is away, each is."""
        here = self._installation
        if here.cell != FIRST_CELL:
            return True
        try:
            cell = await self._cell_of(org)
        except (MapDown, MapRefused) as error:
            log.warning(
                "it is not known in which cell an org of the files is",
                org=org,
                reason=str(error),
                then="If it is in none, the next start refuses the file.",
            )
            return True
        return cell is not None and cell != here.cell

    async def has_left(self, org: OrgId, orgs: Orgs) -> bool:
        """Return whether the org of the platform's first credential is in another cell by now: the
        credential is as it was then, and no org is made for it."""
        if orgs.get(org) is not None or not await self.is_elsewhere(org):
            return False
        log.info("the org of the first credential is in another cell", org=org)
        return True

    async def has_actions(
        self,
        settings: Settings,
        catalogue: Catalogue,
        connections: Connections,
        store: port.Store,
    ) -> bool:
        """Return whether this process serves the org of the file of actions. Raise FileRefused,
        StoreDown."""
        if settings.actions is None:
            return True
        kinds = {kind.name: kind for kind in reversed(catalogue.kinds())}
        file = load_actions(
            settings.actions, kinds, CONNECTION_TYPES, connections, admits_unknown=True
        )
        return await self.is_served_here(file.org, store)

    async def is_served_here(self, org: OrgId, store: port.Store) -> bool:
        """Return whether an org is this cell's, by its own store, or is to be made here. Raise
        StoreDown."""
        parents = {found.id: found.parent for found in (await store.load()).orgs}
        if org not in parents:
            return not await self.is_elsewhere(org)
        root = org
        while (parent := parents.get(root)) is not None:
            root = parent
        rows = {row.family: row for row in await store.families()}
        row = rows.get(FamilyId(root))
        return row is None or judge_call(row).verdict is not CallVerdict.NOT_MINE

    async def _cell_of(self, org: OrgId) -> CellId | None:
        """Return the cell of an org by map and directory; None where it is in none."""
        here = self._installation
        await here.reader.look()
        if here.reader.problem:
            raise MapDown(here.reader.problem)
        place = here.reader.view.places.place_of(FamilyId(org))
        if place is not None:
            return place.cell
        digest = directory_digest(OpenerKind.ORG, here.directory_key, str(org))
        for opener in await here.store.find_openers(digest):
            place = here.reader.view.places.place_of(opener.family)
            if place is not None:
                return place.cell
        return None  # also where its making was broken off, which is done again
