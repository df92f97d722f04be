"""Sessions that other cells keep, as the cell whose org a page is of knows them: for one call.

A session is kept by the cell that began it, or by the one to which it moved with its family. Every
other cell asks that one at each call and keeps nothing of the answer: so a sign-out, a new
password, a revocation or a disabled user is in force with the next call, wherever that comes in.
What is answered opens nothing: who has it cannot sign in by it.

Whom a person is in another cell is found as within one: persons of one address and one hash of a
password are one account (`users.py`). Marks of hashes are compared, so an org that invites
somebody's address, and sets a password for it, gets nothing that stands elsewhere.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from typing import Protocol

import msgspec

from tidings.core.access.forwarded import network_of
from tidings.core.cells.families import CellId
from tidings.core.events.attribution import of_credential, of_person
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.keys import digest_of
from tidings.engine.access.passwords import PasswordsElsewhere
from tidings.engine.access.users import UserBook
from tidings.errors import Forbidden, Unavailable
from tidings.store import port

AWAY_RETRY_S = 2


class RemoteSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the cell that keeps it describes it: of a person by `email`, or of a
    credential."""

    cell: CellId  # that keeps it
    digest: bytes  # of its token
    person: str = ""  # as that cell calls them
    email: str = ""
    credential: str = ""
    is_platforms: bool = False  # the credential
    org: OrgId  # of the credential, or the first one in which the person works there
    proof: bytes  # the mark of what was shown at sign-in
    created_ms: int
    seen_ms: int
    address: str = ""
    agent: str = ""


class OpenSession(msgspec.Struct, frozen=True):
    """A session as its owner sees it."""

    id: str  # the beginning of its digest, in hex
    created_ms: int
    seen_ms: int
    address: str
    agent: str
    own: bool  # the one that asks


class PasswordFit(msgspec.Struct, frozen=True):
    """A person of another cell whose password was given: the mark of its hash, and the first org in
    which they work."""

    cell: CellId
    org: OrgId
    mark: bytes


class SessionAway(Unavailable):
    """The cell that keeps a session does not answer now."""

    def __init__(self, cell: CellId) -> None:
        super().__init__(
            f"Cell {cell} must answer, for it knows who is signed in; it is being started again. "
            f"Load the page again in {AWAY_RETRY_S} seconds."
        )


class SessionsElsewhere(PasswordsElsewhere, Protocol):
    """Asks the other cells about sessions and sign-ins. Where there is one cell, there is none."""

    def find(self, token: str) -> Awaitable[RemoteSession | None]:
        """Find a session that another cell keeps, and note that it is used. Raise SessionAway."""

    def end(self, token: str) -> Awaitable[None]:
        """End it, if there is one. Raise SessionAway: it may be in force."""

    def cells_of(self, session: RemoteSession) -> Awaitable[Sequence[CellId]]:
        """List the other cells that may know its owner."""

    def list(
        self, session: RemoteSession
    ) -> Awaitable[tuple[Sequence[OpenSession], Sequence[CellId]]]:
        """List what its owner has open in other cells, and the cells that have not answered."""

    def end_others(self, session: RemoteSession) -> Awaitable[tuple[int, Sequence[CellId]]]:
        """End what its owner has open in other cells, but for itself; return how many, and the
        cells that have not answered."""

    def check(
        self, email: str, password: str, network: str
    ) -> Awaitable[tuple[Sequence[PasswordFit], Sequence[CellId]]]:
        """List the persons of other cells whose address and password these are, lowest org first,
        and the cells that have not answered. Raise TooBusy where none fits and a cell could not
        look."""

    def begin(
        self, fits: Sequence[PasswordFit], email: str, address: str, agent: str
    ) -> Awaitable[str]:
        """Begin a session where the first of these persons is, for all of them, and return its
        token. Raise StoreDown."""

    def share_hash(
        self, fits: Sequence[PasswordFit], email: str, hashed: str, is_new: bool
    ) -> Awaitable[Sequence[CellId]]:
        """Have these persons go on with a hash, of a new password or of the same; return the cells
        that have not answered."""

    def note_begun(self, session: RemoteSession, fits: Sequence[PasswordFit]) -> Awaitable[None]:
        """Have the audit logs of these persons' orgs tell that a session of theirs has begun, in
        cells that answer."""


_GUEST: ContextVar["Guest | None"] = ContextVar("guest", default=None)


class Guest(msgspec.Struct, frozen=True):
    """Another cell's session in this call: as it was described, and as whom it acts here. Neither
    person nor credential: as nobody."""

    remote: RemoteSession
    session: port.StoredSession

    @property
    def is_nobody(self) -> bool:
        """Return whether nobody here is its owner."""
        return not (self.session.person or self.session.credential)

    def caller(self, org: OrgId | None) -> AuthenticatedCaller:
        """Build the caller that nobody here is: without a right. Raise Forbidden for any org."""
        if org is not None:
            raise Forbidden.because(
                "forbidden_org",
                f"The org must be one that you are a user of; got {org}. Choose another one.",
                place="session",
            )
        remote = self.remote
        id = remote.credential or remote.person
        by = of_credential(id, "", "key") if remote.credential else of_person(id, remote.email, "")
        return AuthenticatedCaller(
            org=remote.org, credential=id, grants=frozenset(), attribution=by
        )


class SessionGuests:
    """Finds out who they are, and knows them for as long as the call lasts."""

    def __init__(self, access: CredentialBook, users: UserBook) -> None:
        self._access = access
        self._users = users
        self.elsewhere: SessionsElsewhere | None = None
        """The other cells; None: there is one."""

    def get(self, digest: bytes) -> Guest | None:
        """Return the one of this call, where it is of this digest."""
        guest = _GUEST.get()
        return guest if guest is not None and guest.remote.digest == digest else None

    async def ask(self, token: str) -> None:
        """Ask for the session of a token that this cell does not keep. Raise SessionAway."""
        _GUEST.set(None)
        if self.elsewhere is None or not token:
            return
        remote = await self.elsewhere.find(token)
        if remote is not None and remote.digest == digest_of(token):
            _GUEST.set(Guest(remote, self.resolve(remote)))

    async def verify(
        self, email: str, password: str, address: str, known: str | None
    ) -> tuple[str | None, Sequence[PasswordFit]]:
        """Find the person whose e-mail address and password these are, here (`known`: they were
        found already) and in other cells, at once: it takes as long wherever they are. Raise
        TooBusy. `address`: where the caller sits."""
        network = network_of(address)

        async def verify_here() -> str | None:
            return known or await self._users.verify(email, password, network=network)

        if self.elsewhere is None:
            return await verify_here(), ()
        person, (fits, _) = await asyncio.gather(
            verify_here(), self.elsewhere.check(email, password, network)
        )
        return person, fits

    def resolve(self, remote: RemoteSession) -> port.StoredSession:
        """Build a session of other cells as whom it acts here."""
        known = None if not remote.credential else self._access.credential(remote.credential)
        person = "" if remote.credential else self.person_of(remote.email, remote.proof)
        return port.StoredSession(
            digest=remote.digest,
            person=person if person and self._users.seats(person) else "",
            credential="" if known is None else known.id,
            proof=remote.proof,
            created_ms=remote.created_ms,
            seen_ms=remote.seen_ms,
            address=remote.address,
            agent=remote.agent,
        )

    def person_of(self, email: str, mark: bytes) -> str:
        """Find a person of an address by the mark of their password; empty where there is none."""
        for person in self._users.of_email(email):
            own = self._users.mark(person)
            if own is not None and hmac.compare_digest(own, mark):
                return person
        return ""
