"""Who makes the links of portals: a credential or a user of the org. A portal's session has no more
rights than its maker has now, and ends with them."""

from typing import NamedTuple

from tidings.core.access.scopes import ROLES, grants_of
from tidings.core.events.attribution import of_credential, of_person
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.session_table import PortalSession
from tidings.engine.access.tokens import mark_of
from tidings.engine.access.user_records import UnknownUser
from tidings.engine.access.users import UserBook
from tidings.errors import Forbidden, Unauthenticated
from tidings.store import port


class PortalMaker(NamedTuple):
    """The maker of a link, as links and sessions keep it: one of both is empty."""

    person: str
    credential: str


class PortalMakers:
    """Finds makers among the credentials and the users."""

    def __init__(self, access: CredentialBook, users: UserBook) -> None:
        self._access = access
        self._users = users

    def of(self, caller: AuthenticatedCaller) -> PortalMaker:
        """Return the caller as the maker of a link. Raise Forbidden for a session of another
        cell's credential, which a link here could not outlast."""
        if self._access.credential(caller.credential) is not None:
            return PortalMaker("", caller.credential)
        if self._users.mark(caller.credential) is not None:
            return PortalMaker(caller.credential, "")
        raise Forbidden.because(
            "unknown_maker",
            "A portal link must be made by a user or credential that this org's cell knows; got "
            "another one. Sign in as a user of the org.",
            place="session",
        )

    def prove(self, link: port.OneTimeLink) -> bytes | None:
        """Return the mark of the secret that the maker of a link has now; None where the maker is
        gone, or no user of the org any more. Raise Denied where a credential has ended."""
        if link.person:
            try:
                self._users.caller(link.person, link.org)
            except Forbidden:
                return None
            return self._users.mark(link.person)
        credential = self._access.credential(link.credential)
        if credential is None:
            return None
        self._access.caller_of(credential.id)
        return mark_of(credential.digest).encode()

    def caller_of(self, session: port.StoredSession, opened: PortalSession) -> AuthenticatedCaller:
        """Return the caller of a portal's session: it may do no more than its maker may now. Raise
        Denied."""
        if session.person:
            maker = self._user(session.person, opened.org)
            by = of_person(maker.credential, f"{opened.name} portal", "")
        else:
            maker = self._access.caller_of(session.credential, session.proof)
            by = of_credential(maker.credential, f"{opened.name} portal", "key")
        return AuthenticatedCaller(
            org=opened.org,
            credential=maker.credential,
            grants=grants_of(ROLES[opened.role]) & maker.grants,
            attribution=by,
            role=opened.role,
        )

    def name(self, maker: PortalMaker, org: OrgId) -> str:
        """Return what a maker is called, for people; the bare id of one who is gone."""
        if maker.person:
            try:
                return self._users.get(org, maker.person).person.email
            except UnknownUser:
                return maker.person
        credential = self._access.credential(maker.credential)
        return (credential.name if credential is not None else "") or maker.credential

    def _user(self, person: str, org: OrgId) -> AuthenticatedCaller:
        try:
            return self._users.caller(person, org)
        except Forbidden:
            raise Unauthenticated.because(
                "signed_out",
                "The session must be of a user of this org; who made its link is none any more. "
                "Load the page again with a new link.",
                place="session",
            ) from None


def maker_of(kept: port.OneTimeLink | port.StoredSession) -> PortalMaker:
    """Return the maker that a link or a session keeps."""
    return PortalMaker(kept.person, kept.credential)
