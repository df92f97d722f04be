"""An org that gets another parent, or none: what opens it and those below is another family's then.

Both families are in this cell, so calls find it whichever of them the directory names, until one
of them moves. The map is written first, as for all that is new; where the change is refused then,
it is put back, and what a crash leaves is put right at the next start (`duties/owner_duties.py`).
"""

from collections.abc import Callable, Collection, Mapping

from tidings.app.cells.duties.own_openers import list_openers_of
from tidings.app.cells.installation import Installation
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.directory import Opener
from tidings.core.cells.families import FIRST_NUMBER, FamilyId
from tidings.core.ids import OrgId
from tidings.errors import Conflict
from tidings.store import port
from tidings.store.port.cell_map import BELOW, ROOT, MapDown, PlatformKind, PlatformRow

_TRIES = 5  # to put a row that is changed elsewhere at the same time
Parents = Mapping[OrgId, OrgId | None]


class ParentChange:
    """Follows a change of one org in the map."""

    def __init__(
        self,
        store: port.Store,
        installation: Installation,
        now_ms: Callable[[], int],
        org: port.StoredOrg,
        parents: Parents,
    ) -> None:
        """`parents`: of all orgs of this cell, as they are before it."""
        self._store = store
        self._installation = installation
        self._now_ms = now_ms
        self._org = org
        self._orgs = below(org.id, parents)
        self._former = family_of(org.id, parents)
        self._family = family_of(org.id, {**parents, org.id: org.parent})

    async def follow(self) -> None:
        """Put it into the map. Raise Conflict where the org cannot be a family here, StoreDown,
        MapDown, MapRefused."""
        if self._former == self._family:
            return
        if self._org.parent is None:
            await self._place()
        await self._note(ROOT if self._org.parent is None else BELOW)
        await self._rehome(self._former, self._family)
        await self._installation.reader.look()

    async def take_back(self) -> None:
        """Put the map back, as far as it is there. Raise as `follow`."""
        if self._former != self._family:
            await self._note(ROOT if OrgId(self._former) == self._org.id else BELOW)
            await self._rehome(self._family, self._former)

    async def _place(self) -> None:
        """Name where the new family is."""
        here, reader = self._installation, self._installation.reader
        if not await reader.look():
            raise MapDown(reader.problem)
        known = reader.view.places.place_of(self._family)
        if known is not None and known.cell != here.cell:
            raise Conflict.because(
                "other_cell",
                f"parent must stay: the org was a family of cell {known.cell} before, and can only "
                f"be one there again; its cell is {here.cell} now. Run `tidings cells move "
                f"{self._former} --to {known.cell}` first.",
                field="parent",
            )
        row = await self._store.family_row(self._family)
        number = FIRST_NUMBER if row is None else row.number
        await here.store.place_families({self._family: FamilyPlace(here.cell, number)})

    async def _note(self, content: bytes) -> None:
        """Have every process know that openers may be another family's."""
        here, name = self._installation, str(self._org.id)
        for _ in range(_TRIES):
            known = here.reader.view.platform_row(PlatformKind.PARENT, name)
            revision = 1 if known is None else known.revision + 1
            row = PlatformRow(PlatformKind.PARENT, name, revision, content=content)
            if await here.store.put_platform([row]):
                return
            await here.reader.look()
        raise MapDown(f"a row was overtaken {_TRIES} times")

    async def _rehome(self, former: FamilyId, family: FamilyId) -> None:
        here = self._installation
        found = await list_openers_of(self._store, here.directory_key, self._orgs)
        gone = [(digest, Opener(kind, former)) for digest, kind, is_own in found if is_own]
        new = [(digest, Opener(kind, family)) for digest, kind, _ in found]
        if not await here.store.rehome_openers(gone, new, self._now_ms()):
            raise MapDown("something that opens the org opens one of a third family")


def below(org: OrgId, parents: Parents) -> Collection[OrgId]:
    """List an org and all orgs below it."""
    children: dict[OrgId, list[OrgId]] = {}
    for child, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(child)
    found = {org}
    waiting = [org]
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(fresh)
        waiting += fresh
    return found


def family_of(org: OrgId, parents: Parents) -> FamilyId:
    """Return the family of an org: the one above it that has no parent, or itself."""
    while (parent := parents.get(org)) is not None:
        org = parent
    return FamilyId(org)
