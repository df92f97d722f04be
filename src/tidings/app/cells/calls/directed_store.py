"""The store of a cell, before which the directory is written: of what opens something, first the
row by which every process finds its family, then the thing itself.

What a crash leaves between both is a row without its thing, which opens nothing. Only what is new
is written there: while the map is away, what is there is changed, stopped and revoked as ever, and
what would be new is refused as where the store takes no writes.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from tidings.app.cells.calls.parent_change import ParentChange, family_of
from tidings.app.cells.installation import Installation
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import FIRST_NUMBER, FamilyId
from tidings.core.ids import OrgId
from tidings.errors import Conflict, Unavailable, Unusable
from tidings.store import port
from tidings.store.port.cell_map import CellState, MapDown, MapRefused
from tidings.values import describe_value

Row = tuple[OpenerKind, str, OrgId]


class DirectedStore:
    """All that it does not have itself is the store's own."""

    def __init__(
        self, store: port.Store, installation: Installation, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._installation = installation
        self._now_ms = now_ms
        self._parents: dict[OrgId, OrgId | None] = {}
        self._keys: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        """Return what the store has of that name."""
        return getattr(self._store, name)

    async def load(self) -> port.Snapshot:
        """See `port.Store`."""
        snapshot = await self._store.load()
        self._parents = {org.id: org.parent for org in snapshot.orgs}
        self._keys = {credential.id for credential in snapshot.credentials}
        return snapshot

    async def put_org(self, org: port.StoredOrg) -> int:
        """See `port.Store`. Raise Conflict where another cell has an org of this id."""
        change: ParentChange | None = None
        if org.id not in self._parents:
            await self._register_org(org)
        elif self._parents[org.id] != org.parent:
            change = await self._follow_parent(org)
        try:
            version = await self._store.put_org(org)
        except BaseException:
            if change is not None:
                with suppress(Unavailable, Unusable):
                    await change.take_back()
            raise
        self._parents[org.id] = org.parent
        return version

    async def put_credential(self, credential: port.StoredCredential) -> None:
        """See `port.Store`. Raise Conflict where another cell has one of this key."""
        if credential.id not in self._keys and not credential.platform:
            await self._register([(OpenerKind.KEY, credential.id, credential.org)])
        await self._store.put_credential(credential)
        self._keys.add(credential.id)

    async def put_inbox(self, inbox: port.Inbox) -> port.Inbox:
        """See `port.Store`."""
        if inbox.number == 0:
            await self._register([(OpenerKind.INBOX, inbox.token, inbox.org)])
        return await self._store.put_inbox(inbox)

    async def put_link(self, link: port.OneTimeLink) -> None:
        """See `port.Store`."""
        await self._register([_row_of_link(link)])
        await self._store.put_link(link)

    async def put_people(
        self,
        persons: Sequence[port.StoredPerson],
        members: Sequence[port.Member] = (),
        link: port.OneTimeLink | None = None,
        instead_of: str = "",
    ) -> None:
        """See `port.Store`."""
        emails = {person.id: person.email for person in persons}
        rows: list[Row] = [
            (OpenerKind.EMAIL, emails[member.person], member.org)
            for member in members
            if member.person in emails
        ]
        if link is not None:
            rows.append(_row_of_link(link))
        if rows:
            await self._register(rows)
        await self._store.put_people(persons, members, link, instead_of)

    # -- inside -----------------------------------------------------------------------------------

    def _family_of(self, org: OrgId) -> FamilyId:
        return family_of(org, self._parents)

    async def _follow_parent(self, org: port.StoredOrg) -> ParentChange:
        """Have the map follow an org that gets another parent, or none."""
        here, store = self._installation, self._store
        change = ParentChange(store, here, self._now_ms, org, self._parents)
        try:
            await change.follow()
        except (MapDown, MapRefused) as error:
            with suppress(Unavailable, Unusable):
                await change.take_back()
            raise port.StoreDown(str(error)) from error
        return change

    async def _register_org(self, org: port.StoredOrg) -> None:
        """Write where a new org is found; of one without a parent, that its family is here."""
        family = FamilyId(org.id) if org.parent is None else self._family_of(org.parent)
        here = self._installation
        try:
            await self._add([(OpenerKind.ORG, str(org.id), family)])
            if org.parent is None:
                await here.store.place_families({family: FamilyPlace(here.cell, FIRST_NUMBER)})
                await here.reader.look()
                place = here.reader.view.places.place_of(family)
                if place is not None and place.cell != here.cell:
                    raise _taken(OpenerKind.ORG, str(org.id))
                entry = here.reader.view.cells.get(here.cell)
                if entry is not None and entry.state is CellState.REMOVED:
                    raise MapRefused(
                        f"Cell {here.cell} must be there for a new org; it was removed. Make the "
                        "call again."
                    )
        except (MapDown, MapRefused) as error:
            raise port.StoreDown(str(error)) from error

    async def _register(self, rows: Sequence[Row]) -> None:
        try:
            await self._add([(kind, text, self._family_of(org)) for kind, text, org in rows])
        except (MapDown, MapRefused) as error:
            raise port.StoreDown(str(error)) from error

    async def _add(self, rows: Sequence[tuple[OpenerKind, str, FamilyId]]) -> None:
        key = self._installation.directory_key
        openers = [
            (directory_digest(kind, key, text), Opener(kind, family)) for kind, text, family in rows
        ]
        if not await self._installation.store.add_openers(openers, self._now_ms()):
            kind, text, _ = rows[0]
            raise _taken(kind, text)


def directed(
    store: port.Store, installation: Installation, now_ms: Callable[[], int]
) -> port.Store:
    """Return the store as the engine of one cell of several works over it."""
    return cast("port.Store", DirectedStore(store, installation, now_ms))


def link_text(digest: bytes) -> str:
    """Return the text by which a link is found in the directory: never its token."""
    return digest.hex()


def _row_of_link(link: port.OneTimeLink) -> Row:
    return OpenerKind.LINK, link_text(link.digest), link.org


def _taken(kind: OpenerKind, text: str) -> Conflict:
    """Return the refusal of what another cell has already."""
    if kind is OpenerKind.ORG:
        return Conflict.because(
            "org_exists",
            f"id must be new in the whole service; got {text}, which is taken. Choose another, or "
            "leave it out for the next one.",
            field="id",
        )
    return Conflict.because(
        "code_taken",
        f"code must be new in the whole service; got {describe_value(text)}, which is taken. "
        "Choose another.",
        field="code",
    )
