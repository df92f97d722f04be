"""What is open of an org's portal: links that wait for somebody, and sessions that links began."""

import contextlib
from collections import deque
from collections.abc import Sequence

import msgspec

from tidings.core.access.portal_rules import Portal
from tidings.core.audit.audit_actions import PORTAL_ENDED, PORTAL_UNLINKED
from tidings.core.audit.entries import draft
from tidings.core.ids import OrgId
from tidings.engine.access.keys import shown_id
from tidings.engine.access.links import Links
from tidings.engine.access.portal.makers import maker_of
from tidings.engine.access.session_table import SessionTable, owner_of_portals
from tidings.engine.access.sessions import PORTAL, PORTAL_MS, Sessions
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.current_actor import current_actor
from tidings.errors import Denied
from tidings.store import port

OPEN_LINKS_MAX = 500  # of one org, that may still be opened

_decode = msgspec.json.Decoder(Portal).decode


class OpenLink(msgspec.Struct, frozen=True):
    """A link that nobody has opened so far."""

    id: str
    portal: Portal
    maker: str
    ends_ms: int


class OpenPortal(msgspec.Struct, frozen=True):
    """A session that a link has begun."""

    id: str
    portal: Portal
    maker: str
    begun_ms: int
    seen_ms: int
    ends_ms: int
    address: str
    agent: str


class UnopenedLinks:
    """Counts the links of orgs that wait to be opened, by when they expire."""

    def __init__(self) -> None:
        self._ends: dict[OrgId, deque[int]] = {}

    def count(self, org: OrgId, now_ms: int) -> int:
        """Count those of an org that wait now."""
        ends = self._ends.setdefault(org, deque())
        while ends and ends[0] <= now_ms:
            ends.popleft()
        return len(ends)

    def add(self, org: OrgId, ends_ms: int) -> None:
        """Count a new one."""
        self._ends.setdefault(org, deque()).append(ends_ms)

    def remove(self, link: port.OneTimeLink) -> None:
        """Count one no more: it was opened or ended."""
        if (ends := self._ends.get(link.org)) is not None and link.expires_ms in ends:
            ends.remove(link.expires_ms)


class OpenPortals:
    """Lists and ends them."""

    def __init__(
        self,
        *,
        links: Links,
        audit: AuditLog,
        sessions: Sessions,
        table: SessionTable,
        unopened: UnopenedLinks,
    ) -> None:
        self._links = links
        self._audit = audit
        self._sessions = sessions
        self._table = table
        self._unopened = unopened

    async def links(self, org: OrgId) -> Sequence[OpenLink]:
        """List the links of an org that can still be opened, the last to expire first.
        StoreDown."""
        return [
            OpenLink(
                id=shown_id(link.digest),
                portal=portal_of(link),
                maker=self._sessions.makers.name(maker_of(link), org),
                ends_ms=link.expires_ms,
            )
            for link in await self._links.list(org, PORTAL, OPEN_LINKS_MAX)
        ]

    def sessions(self, org: OrgId) -> Sequence[OpenPortal]:
        """List the sessions that links of an org have begun and that are in force, newest
        first."""
        return [
            OpenPortal(
                id=shown_id(session.digest),
                portal=self._table.limits(session),
                maker=self._sessions.makers.name(maker_of(session), org),
                begun_ms=session.created_ms,
                seen_ms=self._table.seen_ms(session),
                ends_ms=session.created_ms + PORTAL_MS,
                address=session.address,
                agent=session.agent,
            )
            for session in self._in_force(org)
        ]

    async def end_link(self, org: OrgId, id: str) -> bool:
        """End a link that nobody has opened; return whether there was one of this id. StoreDown."""
        for link in await self._links.list(org, PORTAL, OPEN_LINKS_MAX):
            if shown_id(link.digest) == id:
                before = {"name": portal_of(link).name}
                with self._audit.recording(PORTAL_UNLINKED, org, id, before, if_changed=True):
                    found = await self._links.take(link.digest)
                if found is not None:
                    self._unopened.remove(found)
                return found is not None
        return False

    async def end_session(self, org: OrgId, id: str) -> bool:
        """End a session that a link began; return whether there was one of this id. StoreDown: it
        is out of force all the same."""
        for session in self._in_force(org):
            if shown_id(session.digest) == id:
                before = {"name": self._table.limits(session).name}
                entry = draft(org, current_actor(), PORTAL_ENDED, id, before, None)
                await self._table.drop([session.digest], [entry])
                return True
        return False

    def _in_force(self, org: OrgId) -> Sequence[port.StoredSession]:
        """List the sessions of an org's portal whose makers may still come in, newest first."""
        found = []
        for session in self._sessions.open_of(owner_of_portals(org)):
            with contextlib.suppress(Denied):
                self._sessions.makers.caller_of(session, self._table.limits(session))
                found.append(session)
        return found


def portal_of(link: port.OneTimeLink) -> Portal:
    """Return what a link opens."""
    return _decode(link.portal)
