"""The orgs of other cells, as the engine of this one asks for them: by map and directory."""

from collections.abc import Sequence

from tidings.app.cells.installation import Installation
from tidings.app.cells.over.family_sizes import FamilySizes
from tidings.core.cells.directory import OpenerKind, directory_digest
from tidings.core.cells.families import FamilyId
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.store import port
from tidings.store.port.cell_map import MapDown, MapRefused

_STEPS_MAX = 40  # each as long as all before it


class OtherOrgs:
    """An `OrgsElsewhere`."""

    def __init__(self, installation: Installation, sizes: FamilySizes | None = None) -> None:
        """`sizes`: None where all families count as equally large."""
        self._installation = installation
        self._sizes = sizes

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

    async def join(self, family: FamilyId, org: OrgId) -> str:
        """See `OrgsElsewhere`."""
        here = self._installation
        there = await self._family_of(org)
        place = None if there is None else here.reader.view.places.place_of(there)
        if there is None or place is None:
            return ""
        if self._sizes is not None:
            own, other = await self._sizes.rows_of(family), await self._sizes.rows_of(there)
            if own is not None and other is not None and other < own:
                return f"tidings cells move {there} --to {here.cell}"
        return f"tidings cells move {family} --to {place.cell}"

    async def _family_of(self, org: OrgId) -> FamilyId | None:
        """Return the family of an org of another cell. StoreDown."""
        view = self._installation.reader.view
        if view.places.place_of(FamilyId(org)) is not None and not view.is_below(FamilyId(org)):
            return FamilyId(org)
        return next(iter(await self._families_of(org)), None)

    async def has(self, org: OrgId) -> bool:
        """See `OrgsElsewhere`."""
        if self._installation.reader.view.places.place_of(FamilyId(org)) is not None:
            return True
        return bool(await self._families_of(org))

    async def _families_of(self, org: OrgId) -> Sequence[FamilyId]:
        here = self._installation
        digest = directory_digest(OpenerKind.ORG, here.directory_key, str(org))
        try:
            return [row.family for row in await here.store.find_openers(digest)]
        except (MapDown, MapRefused) as error:
            raise port.StoreDown(str(error)) from error
