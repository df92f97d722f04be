"""Signing in to the console, and what a session stands for.

A session is a random token in the browser and its digest here. It belongs to a person or to an
org's credential and grants nothing by itself: what its owner may do is looked up at each use. It
remembers a mark of the secret that was shown, so that a new password, a rotation without overlap or
a revocation ends it at once.
"""

import contextlib
import hmac
from collections.abc import Iterator, Sequence

import msgspec

from tidings.core.access.user_rules import EMAIL_MAX, email_of
from tidings.core.audit.audit_actions import (
    SESSION_BEGUN,
    SESSION_LINKED,
    SESSIONS_ENDED,
)
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.cells.families import CellId
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.credential_records import chain_of
from tidings.engine.access.guards.sign_in_guard import SignInGuard
from tidings.engine.access.keys import (
    LINK_BYTES,
    SESSION_BYTES,
    digest_of,
    session_token,
    shown_id,
    sign_in_token,
)
from tidings.engine.access.links import Links
from tidings.engine.access.portal.makers import PortalMaker, PortalMakers
from tidings.engine.access.remote_sessions import (
    OpenSession,
    PasswordFit,
    RemoteSession,
    SessionGuests,
)
from tidings.engine.access.session_drafts import SessionDrafts
from tidings.engine.access.session_table import PortalSession, SessionTable
from tidings.engine.access.tokens import mark_of
from tidings.engine.access.users import UserBook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.sign_ins import SignInLog
from tidings.engine.callables import RandomBytes
from tidings.engine.clock import Clock
from tidings.errors import Denied, Forbidden, Unauthenticated
from tidings.store import port

IDLE_MS = 12 * 3_600_000
ABSOLUTE_MS = 7 * 86_400_000
LINK_MS = 600_000
PER_OWNER_MAX = 20  # the oldest one ends
AGENT_MAX = 200
SIGN_IN, PORTAL = "sign_in", "portal"
PORTAL_MS = 8 * 3_600_000  # a working day in another product; the product makes new links
PORTALS_MAX = 200  # of one org


class SignedIn(msgspec.Struct, frozen=True):
    """A sign-in that was made just now; the only time that its token is known."""

    token: str
    device: str = ""  # a mark for the browser, by which the guard knows it again

    def __repr__(self) -> str:
        """Show nothing of it."""
        return "SignedIn()"


class Seat(msgspec.Struct, frozen=True):
    """An org where a session may work. `role` is empty for a credential."""

    org: OrgId
    role: str


class Sessions:
    """All sessions, in memory, over the store."""

    def __init__(
        self,
        *,
        links: Links,
        audit: AuditLog,
        sign_ins: SignInLog,
        access: CredentialBook,
        users: UserBook,
        clock: Clock,
        random_bytes: RandomBytes,
        table: SessionTable,
        guard: SignInGuard | None = None,
    ) -> None:
        self._links = links
        self._audit = audit
        self._sign_ins = sign_ins
        self._access = access
        self._users = users
        self._clock = clock
        self._random_bytes = random_bytes
        self._guard = guard or SignInGuard()
        self._table = table
        self.drafts = SessionDrafts(access, users)
        self.guests = SessionGuests(access, users)
        self.makers = PortalMakers(access, users)
        self.cell = 1  # whose process begins them

    def load(self, people: port.People) -> None:
        """Take over the sessions at start."""
        self._table.load(people.sessions)
        for session in self._table:
            if not session.portal:
                person = session.person and account_of(self._users.email(session.person))
                self._guard.know(session.address, person or f"credential {session.credential}")

    # -- signing in -------------------------------------------------------------------------------

    async def by_password(
        self, email: str, password: str, address: str, agent: str = "", device: str = ""
    ) -> SignedIn:
        """Begin a session of a person. Raise Denied where address and password do not fit;
        TooManyTries or TooBusy, before anything was looked at."""
        account, now_s = account_of(email), self._clock.now_ms() / 1000
        with self._counting_refusals(address, self._users.accounts_of(email[:EMAIL_MAX])):
            known = await self._on_device(email, password, device)
            if known is None:
                self._guard.enter(address, account, now_s)
            person, fits = await self.guests.verify(email, password, address, known)
            if person is None and not fits:
                raise _not_known()
        self._guard.succeeded(address, account, now_s)
        if person is None:
            elsewhere = self.guests.elsewhere
            assert elsewhere is not None  # whose persons these are
            return SignedIn(await elsewhere.begin(fits, email_of(email), address, agent))
        token = await self.begin_for(person, fits, address, agent)
        return self._marked(SignedIn(token), person)

    async def begin_for(
        self, person: str, fits: Sequence[PasswordFit], address: str, agent: str
    ) -> str:
        """Begin a session of a person who has shown their password, and that of these persons of
        other cells, who are one account with them from now on; return its token. Raise Denied."""
        elsewhere, hashed = self.guests.elsewhere, self._users.hash_of(person)
        if fits and elsewhere is not None and hashed is not None:
            # A cell that does not answer is asked again at the next sign-in.
            await elsewhere.share_hash(fits, self._users.email(person), hashed, is_new=False)
        mark = self._users.mark(person)
        if mark is None:
            raise _not_known()
        token = (await self._open("password", person, "", mark, address, agent)).token
        remote = self.describe(digest_of(token)) if fits else None
        if remote is not None and elsewhere is not None:
            await elsewhere.note_begun(remote, fits)
        return token

    async def _on_device(self, email: str, password: str, device: str) -> str | None:
        """Return whose password it is, of those who have signed in with this browser before. An
        address may be several persons', and a mark of one buys no guesses at another."""
        now_s = self._clock.now_ms() / 1000
        for person in self._users.of_email(email[:EMAIL_MAX]):
            if self._guard.enter_known(person, device, now_s):
                return await self._users.verify(email, password, only=person)
        return None

    async def by_credential(
        self, key: str, secret: str, address: str, agent: str = "", device: str = ""
    ) -> SignedIn:
        """Begin a session of a credential of any kind; of a till, with its password. Raise Denied;
        TooManyTries, or Throttled for a till, before its secret was looked at."""
        account, now_s = f"credential {key[:128]}", self._clock.now_ms() / 1000
        with self._counting_refusals(address, self._access.accounts_of(key)):
            if not self._guard.enter_known(account, device, now_s):
                self._guard.enter(address, account, now_s)
            proof = self._access.prove(key, secret, address, plain=True)
            if proof is None:
                raise _not_known()
        self._guard.succeeded(address, account, now_s)
        mark = mark_of(proof.digest).encode()
        signed = await self._open("credential", "", proof.credential.id, mark, address, agent)
        return self._marked(signed, account)

    @contextlib.contextmanager
    def _counting_refusals(
        self, address: str, accounts: Sequence[tuple[int, str]] = ()
    ) -> Iterator[None]:
        """Count what is refused in the block, for the audit log."""
        try:
            yield
        except Denied:
            self._sign_ins.note_refusal("console", address, accounts)
            raise

    def _marked(self, signed: SignedIn, account: str) -> SignedIn:
        device = self._guard.device(account, self._random_bytes(16))
        return msgspec.structs.replace(signed, device=device)

    async def make_link(self, credential: str) -> str:
        """Make a link that signs in once, within 10 minutes, as a credential, and return its
        token."""
        token = sign_in_token(self.cell, self._random_bytes(LINK_BYTES))
        expires_ms = self._clock.now_ms() + LINK_MS
        link = port.OneTimeLink(
            digest=digest_of(token),
            purpose=SIGN_IN,
            person="",
            org=OrgId(0),
            credential=credential,
            expires_ms=expires_ms,
        )
        known = self._access.credential(credential)
        chain = PLATFORM_CHAIN if known is None else chain_of(known)
        after = {"credential": credential, "expiresAt": iso(expires_ms)}
        with self._audit.recording(SESSION_LINKED, chain, shown_id(link.digest), None, after):
            await self._links.put(link)
        return token

    async def by_link(self, token: str, address: str, agent: str = "") -> SignedIn:
        """Begin a session by such a link. Raise Denied or TooManyTries."""
        with self._counting_refusals(address):
            return await self._by_link(token, address, agent)

    async def _by_link(self, token: str, address: str, agent: str) -> SignedIn:
        self._guard.enter(address, f"link {address}", self._clock.now_ms() / 1000)
        link = await self._links.take(digest_of(token))
        credential = None if link is None else self._access.credential(link.credential)
        if (
            link is None
            or credential is None
            or link.purpose != SIGN_IN
            or link.expires_ms <= self._clock.now_ms()
        ):
            raise Unauthenticated.because(
                "link_ended",
                "The link must be unused and at most 10 minutes old; this one is not. Ask for a "
                "new one.",
            )
        self._access.caller_of(credential.id)  # Denied where it has ended meanwhile
        mark = mark_of(credential.digest).encode()
        try:
            return await self._open("link", "", credential.id, mark, address, agent)
        except port.StoreDown:
            await self._links.give_back(link)
            raise

    async def open_portal(
        self, opened: PortalSession, maker: PortalMaker, mark: bytes, address: str, agent: str
    ) -> SignedIn:
        """Begin the session of a portal's link (`Portals.open`)."""
        means = "link of the portal"
        return await self._open(means, *maker, mark, address, agent, opened)

    # -- using ------------------------------------------------------------------------------------

    def caller(self, token: str, org: OrgId | None = None) -> AuthenticatedCaller:
        """Return the caller with this token, in this org, or where they work first.

        The same Caller as a credential's: `demand(caller, scope)` says what they may do. Denied:
        Unauthenticated without a session, Forbidden for an org that is not theirs.
        """
        session = self._live(token)
        if session.portal:
            return self._in_portal(session, org)
        if (guest := self.guests.get(session.digest)) is not None and guest.is_nobody:
            return guest.caller(org)
        return self.caller_in(session, org)

    def caller_in(
        self, session: port.StoredSession, org: OrgId | None = None
    ) -> AuthenticatedCaller:
        """Return the caller that a session's owner is in an org, or where they work first. Raise
        Denied."""
        if session.credential:
            caller = self._access.caller_of(session.credential, session.proof)
            return self._access.acting(caller, None if org is None else str(org))
        if org is None:
            org = self._users.seats(session.person)[0].org
        return self._users.caller(session.person, org)

    def seats(self, token: str) -> Sequence[Seat]:
        """List the orgs to choose from. The platform's credential may take any other too. Raise
        Denied."""
        session = self._live(token)
        if session.portal:
            opened = self._table.limits(session)
            return [Seat(opened.org, opened.role)]
        if session.credential:
            return [Seat(self._access.caller_of(session.credential, session.proof).org, "")]
        return [Seat(member.org, member.role) for member in self._users.seats(session.person)]

    def list(self, token: str) -> Sequence[OpenSession]:
        """List all sessions of this one's owner, newest first. Raise Denied."""
        own = self._live(token)
        return [
            self.shown(session, own.digest)
            for session in self.open_of(self._table.owner(own))
            if session.digest == own.digest or not own.portal  # of a portal, strangers' ones
        ]

    def shown(self, session: port.StoredSession, own: bytes) -> OpenSession:
        """Show a session to its owner. `own`: the digest of the one by which that is asked."""
        return OpenSession(
            id=shown_id(session.digest),
            created_ms=session.created_ms,
            seen_ms=self._table.seen_ms(session),
            address=session.address,
            agent=session.agent,
            own=session.digest == own,
        )

    def opened(self, token: str) -> PortalSession | None:
        """Return what the session of a portal is limited to; None for any other, and for none."""
        session = self._table.get(digest_of(token))
        if session is None or not self._in_time(session, self._clock.now_ms()):
            return None
        return self._table.portal(session)

    async def sign_out(self, token: str) -> None:
        """End this session, if there is one. FamilyAway: it is in force where its org moves to."""
        session = self._table.get(digest_of(token))
        if session is None:
            await self._table.drop_ended([digest_of(token)])
        else:
            await self.end([session])

    async def sign_out_everywhere(self, token: str) -> int:
        """End all sessions of this one's owner, this one too; how many. Denied."""
        own = self._live(token)
        ending = [own] if own.portal else self._table.of(self._table.owner(own))
        await self.end(ending)
        return len(ending)

    # -- upkeep -----------------------------------------------------------------------------------

    def forget_expired(self) -> None:
        """Drop from memory what has expired; the store is told apart (`drop_expired`)."""
        now_ms = self._clock.now_ms()
        for session in [expired for expired in self._table if not self._in_time(expired, now_ms)]:
            self._table.forget(session.digest)

    # -- inside -----------------------------------------------------------------------------------

    async def _open(
        self,
        means: str,
        person: str,
        credential: str,
        mark: bytes,
        address: str,
        agent: str,
        opened: PortalSession | None = None,
    ) -> SignedIn:
        """Begin a session, always with a new token. `means` is what let them in, for its entry."""
        token = session_token(self.cell, self._random_bytes(SESSION_BYTES))
        now_ms = self._clock.now_ms()
        session = port.StoredSession(
            digest=digest_of(token),
            person=person,
            credential=credential,
            proof=mark,
            created_ms=now_ms,
            seen_ms=now_ms,
            address=address[:64],
            agent=agent[:AGENT_MAX],
            portal=b"" if opened is None else msgspec.json.encode(opened),
        )
        after = {"by": means, "agent": session.agent}
        if opened is not None:
            after["link"] = opened.link[: len(shown_id(session.digest))]
        drafts = self.drafts.of(SESSION_BEGUN, session, opened, after)
        await self._table.add(session, drafts)
        own = self._table.of(self._table.owner(session))
        most = PER_OWNER_MAX if opened is None else PORTALS_MAX
        if len(own) > most:
            with contextlib.suppress(port.StoreDown):  # out of force; see `drop_ended`
                await self.end(own[:-most])
        return SignedIn(token)

    async def end(self, ending: Sequence[port.StoredSession]) -> None:
        """End sessions of one owner. StoreDown: they are out of force all the same."""
        last = ending[-1]
        after = {"sessions": [shown_id(session.digest) for session in ending]}
        drafts = self.drafts.of(
            SESSIONS_ENDED, last, self._table.portal(last), after, times=len(ending)
        )
        await self._table.drop([session.digest for session in ending], drafts)

    def owner_at_hand(self, token: str) -> str | None:
        """Find whose session a token is of; None where it is of none that is in force. It is not
        used by that."""
        session = self._table.get(digest_of(token)) if token else None
        if session is None or not self._in_time(session, self._clock.now_ms()):
            return None
        return self._table.owner(session)

    def describe(self, digest: bytes) -> RemoteSession | None:
        """Describe a session that is kept here to other cells, as being used now; None where it is
        not in force. A portal's is of no use there."""
        session, now_ms = self._table.get(digest), self._clock.now_ms()
        if session is None or session.portal or not self._in_time(session, now_ms):
            return None
        if not self._proved(session):
            return None
        try:
            caller = self.caller_in(session)
        except Denied:
            return None
        self._table.see(session, now_ms)
        return RemoteSession(
            cell=CellId(self.cell),
            digest=digest,
            person=session.person,
            email=session.person and self._users.email(session.person),
            credential=session.credential,
            is_platforms=caller.platform,
            org=OrgId(caller.org),
            proof=session.proof,
            created_ms=session.created_ms,
            seen_ms=now_ms,
            address=session.address,
            agent=session.agent,
        )

    def _live(self, token: str) -> port.StoredSession:
        digest, now_ms = digest_of(token), self._clock.now_ms()
        session = self._table.get(digest)
        if session is None and (guest := self.guests.get(digest)) is not None:
            return guest.session  # it was judged where it is kept
        if session is None or not self._in_time(session, now_ms) or not self._proved(session):
            raise Unauthenticated.because(
                "signed_out",
                "The call must carry a valid session; got none, or one that has ended. Sign in "
                "again.",
                place="session",
            )
        self._table.see(session, now_ms)
        return session

    def _in_time(self, session: port.StoredSession, now_ms: int) -> bool:
        seen_ms = self._table.seen_ms(session)
        if session.portal and now_ms >= session.created_ms + PORTAL_MS:
            return False
        return now_ms < seen_ms + IDLE_MS and now_ms < session.created_ms + ABSOLUTE_MS

    def _in_portal(self, session: port.StoredSession, org: OrgId | None) -> AuthenticatedCaller:
        """Return the caller of a portal's session: it may do no more than its maker may now. Raise
        Forbidden if another org is asked for."""
        opened = self._table.limits(session)
        caller = self.makers.caller_of(session, opened)
        if org not in (None, opened.org):
            raise Forbidden.because(
                "forbidden_org",
                f"The org must be the portal's own; got {org}. Go back to the portal.",
                place="session",
            )
        return caller

    def _proved(self, session: port.StoredSession) -> bool:
        """Return whether what was shown at sign-in is still true. Of a credential, `caller_of`
        asks."""
        if session.credential:
            return True
        mark = self._users.mark(session.person)
        shown = mark is not None and hmac.compare_digest(mark, session.proof)
        return shown and bool(self._users.seats(session.person))

    def open_of(self, owner: str) -> Sequence[port.StoredSession]:
        """List the sessions of an owner that are in force, newest first."""
        now_ms = self._clock.now_ms()
        return [
            session
            for session in reversed(self._table.of(owner))
            if self._in_time(session, now_ms) and self._proved(session)
        ]


def account_of(email: str) -> str:
    """Return what tries at an address are counted by."""
    return f"person {email_of(email[:EMAIL_MAX])}"


def _not_known() -> Unauthenticated:
    return Unauthenticated.because(
        "not_known",
        "Name and password must match; they do not. Check both, or ask your org for a new "
        "invitation.",
    )
