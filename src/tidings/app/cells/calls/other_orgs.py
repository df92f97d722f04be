"""The orgs of other cells, as the engine of this one asks for them: by map and directory."""

from tidings.app.cells.installation import Installation
from tidings.core.cells.directory import OpenerKind, directory_digest
from tidings.core.cells.families import FamilyId
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.store import port
from tidings.store.port.cell_map import MapDown, MapRefused

_STEPS_MAX = 40  # each as long as all before it


class OtherOrgs:
    """An `OrgsElsewhere`."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def free_id(self, lowest: OrgId) -> OrgId:
        """See `OrgsElsewhere`. Ids follow each other, but for some that are passed over: orgs below
        others have theirs among them."""
        places = self._installation.reader.view.places
        wanted = max(lowest, places.highest_family() + 1)
        if wanted > ORG_ID_MAX:  # one was given the last id: the others have lower ones
            wanted = lowest
        for step in range(_STEPS_MAX):
            if not await self.has(OrgId(wanted)):
                return OrgId(wanted)
            wanted += 1 << step
        raise port.StoreDown("No free id of an org is found.")

    async def has(self, org: OrgId) -> bool:
        """See `OrgsElsewhere`."""
        here = self._installation
        if here.reader.view.places.place_of(FamilyId(org)) is not None:
            return True
        digest = directory_digest(OpenerKind.ORG, here.directory_key, str(org))
        try:
            return bool(await here.store.find_openers(digest))
        except (MapDown, MapRefused) as error:
            raise port.StoreDown(str(error)) from error
