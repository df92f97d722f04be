"""Whose a call is, by what this process knows of the map: served here, passed on, or refused.

What the cell's own rows say of a family goes before the map, which may lie behind. What nobody
knows in memory is asked of the map's store, on the way on which nobody else waits; while that is
away, such a call is 503: whether its key is good is not known, so it is not refused as wrong.
"""

from collections.abc import Callable

from tidings.app.cells.calls.call_naming import Callers, CallNaming, Named, Unknown
from tidings.app.cells.calls.known_openers import KnownOpeners, NotWhole
from tidings.app.cells.installation import Installation
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.directory import OpenerKind
from tidings.core.cells.door import (
    MOVING_RETRY_S,
    OWNERLESS_RETRY_S,
    TRIES,
    AnswerNotMine,
    DoorDecision,
    PassOn,
    RefuseNow,
    ServeHere,
    decide,
)
from tidings.core.cells.families import CallVerdict, CellId, FamilyId
from tidings.core.ids import OrgId
from tidings.door.admission import PassedOn
from tidings.door.head import NotMine
from tidings.door.hop import AskFirst, RoutedCall
from tidings.store.port.cell_map import MapDown, MapRefused

_ASKS = 3  # of the directory for one call: its credential's, then its org's
_ASK = AskFirst()


class MapRouter:
    """A `DoorRouter`."""

    def __init__(
        self,
        installation: Installation,
        naming: CallNaming,
        callers: Callers,
        openers: KnownOpeners,
        retry_after_s: Callable[[FamilyId], int] = lambda _: MOVING_RETRY_S,
    ) -> None:
        """`retry_after_s`: how long a call of a family that is held is to wait."""
        self.cell = installation.cell
        self._installation = installation
        self._reader = installation.reader
        self._places = installation.reader.view.places
        self._naming = naming
        self._callers = callers
        self._openers = openers
        self._retry_after_s = retry_after_s

    def decide(self, call: RoutedCall) -> DoorDecision | AskFirst | None:
        """See `DoorRouter`."""
        passed = call.passed_on
        if passed is not None and passed.head.cell != self.cell:
            return AnswerNotMine(passed.head.cell, self._places.owner_of(passed.head.cell))
        found = self._naming.of(call)
        if found is None:
            return _ASK if self._is_caller_unread(call) else None
        if isinstance(found, Unknown):
            return _ASK
        decision = self._decided(found, passed)
        return _ASK if decision is None else decision

    async def find_out(self, call: RoutedCall) -> DoorDecision | None:
        """See `DoorRouter`."""
        if self._is_caller_unread(call):
            try:
                await self._openers.find(OpenerKind.KEY, self._naming.unknown_key(call.headers))
            except (MapDown, MapRefused) as error:
                return _refuse_unknown(error)
        return await self.decide_named(lambda: self._naming.of(call), call.passed_on)

    def _is_caller_unread(self, call: RoutedCall) -> bool:
        """Return whether a call brings a key that may be good, and was not read here yet: whichever
        route it is for, it must not hear that its key is wrong."""
        if self._openers.are_all_known or not self._naming.unknown_key(call.headers):
            return False
        return self._naming.is_of_cells(call)

    async def decide_named(
        self, name: Callable[[], Named | Unknown | None], passed: PassedOn | None = None
    ) -> DoorDecision | None:
        """Decide of what `name` names; the directory is asked for what it does not know. None: it
        names nothing."""
        try:
            found = name()
            for _ in range(_ASKS):
                if not isinstance(found, Unknown):
                    break
                await self._openers.find(found.kind, found.text)
                found = name()
        except (MapDown, MapRefused) as error:
            return _refuse_unknown(error)
        if found is None or isinstance(found, Unknown):
            return None
        decision = self._decided(found, passed)
        if decision is None:  # it was made a moment ago, or its owner is another one by now
            await self._reader.look()
            decision = self._decided(found, passed)
        if decision is None:
            return RefuseNow("the org's cell has no owner", OWNERLESS_RETRY_S)
        return decision

    async def decide_org(self, org: OrgId) -> DoorDecision | None:
        """Decide of what is for an org; None: there is none, or its making was broken off."""
        place = self._places.place_of(FamilyId(org))
        if place is not None and place.cell == self.cell:
            if self._callers.judge(FamilyId(org)) is None:
                return None
        return await self.decide_named(lambda: self._naming.of_org(str(org)))

    async def decide_again(
        self, call: RoutedCall, tried: PassOn, tries: int, not_mine: NotMine | None
    ) -> DoorDecision:
        """See `DoorRouter`."""
        if not_mine is not None:
            self._learn(not_mine)
        await self._reader.look()
        found = await self.find_out(call)
        if tries < TRIES and isinstance(found, PassOn | RefuseNow | ServeHere) and found != tried:
            return found
        return RefuseNow("the owner of the org is not known", OWNERLESS_RETRY_S)

    def decide_at_hand(self, named: Named, passed: PassedOn | None) -> DoorDecision | None:
        """Decide of a call whose family or cell is known, by what is in memory. None: the map has
        to be read again."""
        return self._decided(named, passed)

    async def look(self) -> None:
        """Read the map again."""
        await self._reader.look()

    async def learn(self, known: NotMine) -> None:
        """Take in what an owner knows that was asked, and read the map again."""
        self._learn(known)
        await self._reader.look()

    # -- inside -----------------------------------------------------------------------------------

    def _decided(self, named: Named, passed: PassedOn | None) -> DoorDecision | None:
        """Decide of a call whose family or cell is known. None: the map has to be read again."""
        if named.family is None:
            return self._of_cell(named.cell or self.cell)
        family = named.family
        judgement = self._callers.judge(family)
        if judgement is not None and judgement.verdict is CallVerdict.HELD:
            return RefuseNow("the org is moving to another cell", self._retry_after_s(family))
        if judgement is not None and judgement.verdict is CallVerdict.MINE:
            return ServeHere(self.cell)
        if judgement is not None and judgement.elsewhere is not None:
            self._places.learn(family, FamilyPlace(judgement.elsewhere, judgement.number))
        if passed is not None:
            return self._handed_back(family)
        found = decide(family, self._places, (), own_address=self._installation.owner.address)
        return None if isinstance(found, RefuseNow) else found

    def _handed_back(self, family: FamilyId) -> DoorDecision:
        """Answer another door about a family that this cell does not have."""
        place = self._places.place_of(family)
        if place is None or place.cell == self.cell:
            return AnswerNotMine(None, None, family)
        return AnswerNotMine(
            place.cell, self._places.owner_of(place.cell), family=family, number=place.number
        )

    def _of_cell(self, cell: CellId) -> DoorDecision | None:
        if cell == self.cell:
            return ServeHere(cell)
        owner = self._places.owner_of(cell)
        if owner is None or not owner.address or owner.address == self._installation.owner.address:
            return None
        return PassOn(cell, owner)

    def _learn(self, known: NotMine) -> None:
        """Take in what the owner that was tried knows."""
        if known.cell is None:
            return
        if known.family:
            self._places.learn(known.family, FamilyPlace(known.cell, known.number))
        if known.address:
            self._places.learn_owner(known.cell, CellOwner(known.epoch, known.address))


def _refuse_unknown(error: MapDown | MapRefused) -> RefuseNow:
    """Refuse a call of whose place the map has not answered, by the reason that it was."""
    why = "the map of the cells cannot be asked"
    if isinstance(error, NotWhole):
        why = f"the map of the cells is not whole: {error}"
    return RefuseNow(why, OWNERLESS_RETRY_S)
