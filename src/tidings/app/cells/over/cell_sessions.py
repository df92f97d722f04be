"""Asks the owners of other cells about sessions and sign-ins (`api/cells/sessions.py`)."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

import msgspec

from tidings.api.cells.other_cells import Gathered, OtherCells
from tidings.api.cells.question import CellQuestion
from tidings.api.cells.sessions import (
    HASH,
    PASSWORD,
    SESSION,
    SESSION_BEGIN,
    SESSION_END,
    SESSION_NOTE,
    SESSIONS,
    SESSIONS_END,
    HashShared,
    OwnerAsked,
    PasswordAsked,
    SessionAsked,
    SessionWanted,
)
from tidings.app.cells.calls.known_openers import KnownOpeners
from tidings.app.cells.installation import Installation
from tidings.core.access.user_rules import email_of
from tidings.core.cells.directory import OpenerKind
from tidings.core.cells.families import FIRST_NUMBER, CellId, FamilyId
from tidings.engine.access.keys import SESSION as TOKEN_TYPE
from tidings.engine.access.keys import cell_of_session, digest_of, is_typed
from tidings.engine.access.passwords import TooBusy
from tidings.engine.access.remote_sessions import (
    OpenSession,
    PasswordFit,
    RemoteSession,
    SessionAway,
)
from tidings.store import port
from tidings.store.port.cell_map import MapDown, MapRefused

Asked = TypeVar("Asked")
Found = TypeVar("Found")

CELLS_MAX = 8  # of one e-mail address, that a password goes to


class CellSessions:
    """A `SessionsElsewhere`. To be used within one event loop."""

    def __init__(
        self, installation: Installation, others: OtherCells, openers: KnownOpeners
    ) -> None:
        self._installation = installation
        self._others = others
        self._openers = openers

    async def find(self, token: str) -> RemoteSession | None:
        """See `SessionsElsewhere`. The cell that has begun it is asked first; then those to which
        it may have moved with its family."""
        for cells in self._keepers(token):
            found = await self._ask(SESSION, SessionAsked(digest_of(token)), cells)
            remote = (answer.session for answer in found.by_cell.values())
            session = next((session for session in remote if session is not None), None)
            if session is not None:
                return session
            if found.missing:
                raise SessionAway(found.missing[0])
        return None

    async def end(self, token: str) -> None:
        """See `SessionsElsewhere`."""
        for cells in self._keepers(token):
            found = await self._ask(SESSION_END, SessionAsked(digest_of(token)), cells)
            if any(answer.count for answer in found.by_cell.values()):
                return
            if found.missing:
                raise SessionAway(found.missing[0])

    async def cells_of(self, session: RemoteSession) -> Sequence[CellId]:
        """See `SessionsElsewhere`. A credential of the platform's own may have some in each."""
        if session.credential:
            return self._all() if session.is_platforms else self._but_own([session.cell])
        try:
            found = await self._of_email(session.email)
        except (MapDown, MapRefused):
            return self._all()
        return self._but_own([*found, session.cell])

    async def list(self, session: RemoteSession) -> tuple[Sequence[OpenSession], Sequence[CellId]]:
        """See `SessionsElsewhere`."""
        found = await self._ask(SESSIONS, OwnerAsked(session), await self.cells_of(session))
        several = [open for answer in found.by_cell.values() for open in answer.sessions]
        return several, found.missing

    async def end_others(self, session: RemoteSession) -> tuple[int, Sequence[CellId]]:
        """See `SessionsElsewhere`."""
        cells = await self.cells_of(session)
        found = await self._ask(SESSIONS_END, OwnerAsked(session), cells)
        return sum(answer.count for answer in found.by_cell.values()), found.missing

    async def check(
        self, email: str, password: str, network: str
    ) -> tuple[Sequence[PasswordFit], Sequence[CellId]]:
        """See `SessionsElsewhere`. While the map is away, those are asked that were known before,
        and none of them counts as having answered for all."""
        unasked: Sequence[CellId] = ()
        try:
            cells = await self._of_email(email)
        except (MapDown, MapRefused):
            known = self._openers.at_hand(OpenerKind.EMAIL, email_of(email)) or ()
            cells, unasked = self._cells_of(known), self._all()
        asked = PasswordAsked(email_of(email), password, network)
        found = await self._ask(PASSWORD, asked, cells[:CELLS_MAX])
        fits = [answer.fit for answer in found.by_cell.values() if answer.fit is not None]
        if not fits and any(answer.is_busy for answer in found.by_cell.values()):
            raise TooBusy
        missing = unasked or [*found.missing, *cells[CELLS_MAX:]]
        return sorted(fits, key=lambda fit: fit.org), missing

    async def begin(self, fits: Sequence[PasswordFit], email: str, address: str, agent: str) -> str:
        """See `SessionsElsewhere`."""
        wanted = SessionWanted(fits=[*fits], email=email, address=address, agent=agent)
        found = await self._ask(SESSION_BEGIN, wanted, [fits[0].cell])
        for begun in found.by_cell.values():
            if begun.token:
                return begun.token
        raise port.StoreDown("The cell of the person must begin the session. Try again.")

    async def share_hash(
        self, fits: Sequence[PasswordFit], email: str, hashed: str, is_new: bool
    ) -> Sequence[CellId]:
        """See `SessionsElsewhere`."""
        missing: list[CellId] = []
        for fit in fits:
            shared = HashShared(email=email_of(email), mark=fit.mark, hashed=hashed, is_new=is_new)
            missing += (await self._ask(HASH, shared, [fit.cell])).missing
        return missing

    async def replace_hash(self, email: str, mark: bytes, hashed: str) -> Sequence[CellId]:
        """See `SessionsElsewhere`. While the map is away, nobody is asked."""
        try:
            cells = await self._of_email(email)
        except (MapDown, MapRefused):
            return self._all()
        shared = HashShared(email=email_of(email), mark=mark, hashed=hashed, is_new=True)
        for asked in (msgspec.structs.replace(shared, is_probe=True), shared):
            found = await self._ask(HASH, asked, cells)
            if found.missing:
                return found.missing
        return ()

    async def note_begun(self, session: RemoteSession, fits: Sequence[PasswordFit]) -> None:
        """See `SessionsElsewhere`."""
        await self._ask(SESSION_NOTE, OwnerAsked(session), {fit.cell for fit in fits})

    # -- inside -----------------------------------------------------------------------------------

    def _keepers(self, token: str) -> Iterable[Sequence[CellId]]:
        """List the other cells that may keep the session of a token, in the order of asking; none
        for what is no token. A session moves with its family, so where none has moved, the cell
        that the token names is the only one."""
        if not is_typed(TOKEN_TYPE, token):
            return
        maker = CellId(cell_of_session(token))
        others = self._all()
        if maker in others:
            yield [maker]
        places = self._installation.reader.view.places
        moved = places.cells_with_moved(FIRST_NUMBER)
        if later := [cell for cell in others if cell in moved and cell != maker]:
            yield later

    async def _of_email(self, email: str) -> Sequence[CellId]:
        """List the other cells in which somebody has an address, as the directory has it now: it
        may be invited to one more at any time. Raise MapDown, MapRefused."""
        text = email_of(email)
        families = self._openers.at_hand(OpenerKind.EMAIL, text)
        if families is None or families:
            families = await self._openers.find(OpenerKind.EMAIL, text)
        return self._cells_of(families)

    def _cells_of(self, families: Iterable[FamilyId]) -> Sequence[CellId]:
        places = map(self._installation.reader.view.places.place_of, families)
        others = set(self._all())
        return sorted({place.cell for place in places if place is not None} & others)

    def _but_own(self, cells: Iterable[CellId]) -> Sequence[CellId]:
        return sorted({*cells} - {self._others.own})

    def _all(self) -> Sequence[CellId]:
        return self._but_own(self._installation.reader.view.current_cells)

    async def _ask(
        self, question: CellQuestion[Asked, Found], asked: Asked, cells: Collection[CellId]
    ) -> Gathered[Found]:
        if not cells:
            return Gathered({})
        body = msgspec.json.encode(asked)
        return await self._others.ask(
            question.name, body, question.finds, question.answer_s, cells=cells
        )
