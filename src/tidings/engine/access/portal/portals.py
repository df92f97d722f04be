"""Portals: links that open a part of the console inside another product, and what they open.

A link is made by a credential or a user, opens once, within minutes, and begins a session that is
limited to one org and one role. The session has no more than its maker has now, and ends with them.
"""

from collections.abc import Iterable

import msgspec

from tidings.core.access.portal_rules import Portal
from tidings.core.access.scopes import ROLES, grants_of
from tidings.core.audit.audit_actions import PORTAL_LINKED
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.times import iso
from tidings.engine.access.keys import digest_of, is_typed, shown_id, typed
from tidings.engine.access.links import Links
from tidings.engine.access.portal.makers import maker_of
from tidings.engine.access.portal.open_portals import (
    OPEN_LINKS_MAX,
    OpenPortals,
    UnopenedLinks,
    portal_of,
)
from tidings.engine.access.session_table import PortalSession, SessionTable
from tidings.engine.access.sessions import PORTAL, Sessions, SignedIn
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.sign_ins import SignInLog
from tidings.engine.callables import RandomBytes
from tidings.engine.clock import Clock
from tidings.errors import Denied, Forbidden, Throttled, Unauthenticated
from tidings.store import port
from tidings.values import describe_value

_encode = msgspec.json.Encoder().encode


class Portals:
    """Makes links and opens them."""

    def __init__(
        self,
        *,
        links: Links,
        audit: AuditLog,
        sign_ins: SignInLog,
        sessions: Sessions,
        table: SessionTable,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._links = links
        self._audit = audit
        self._sign_ins = sign_ins
        self._sessions = sessions
        self._clock = clock
        self._random_bytes = random_bytes
        self._unopened = UnopenedLinks()
        self.current = OpenPortals(
            links=links, audit=audit, sessions=sessions, table=table, unopened=self._unopened
        )

    async def make_link(
        self, caller: AuthenticatedCaller, portal: Portal, lasts_ms: int
    ) -> tuple[str, int]:
        """Make a link, and return its token and when it ends. Raise Forbidden where the portal's
        role exceeds the caller, Throttled where too many links are unopened, or StoreDown."""
        if not grants_of(ROLES[portal.role]) <= caller.grants:
            raise Forbidden.because(
                "role_exceeded",
                "role must not allow more than the calling credential; got "
                f"{describe_value(portal.role)}. Use reader, or call with a credential that has "
                "its scopes.",
                field="role",
            )
        person, credential = self._sessions.makers.of(caller)
        now_ms = self._clock.now_ms()
        if self._unopened.count(portal.org, now_ms) >= OPEN_LINKS_MAX:
            raise Throttled.because(
                "too_many_links",
                f"An org must have at most {OPEN_LINKS_MAX} unopened links; got one more. Create a "
                "link only when somebody opens the page, and shorten expiresInMinutes.",
            )
        token, ends_ms = typed("lnk", self._random_bytes(30)), now_ms + lasts_ms
        digest = digest_of(token)
        link = port.OneTimeLink(
            digest=digest,
            purpose=PORTAL,
            person=person,
            org=portal.org,
            credential=credential,
            expires_ms=ends_ms,
            portal=_encode(portal),
        )
        after = {
            "name": portal.name,
            "role": portal.role,
            "embedIn": list(portal.embed_in),
            "expiresAt": iso(ends_ms),
        }
        with self._audit.recording(PORTAL_LINKED, portal.org, shown_id(digest), None, after):
            await self._links.put(link)
        self._unopened.add(portal.org, ends_ms)
        return token, ends_ms

    def opened_by(self, token: str, had: Iterable[str]) -> PortalSession | None:
        """Find the portal of one of the sessions `had` that this very link began: a page was loaded
        again. None where there is none."""
        digest = digest_of(token).hex()
        found = (self._sessions.opened(session) for session in had)
        return next(
            (session for session in found if session is not None and session.link == digest), None
        )

    async def open(self, token: str, address: str, agent: str) -> tuple[SignedIn, PortalSession]:
        """Begin the session of a link, and return it with what it is limited to. Raise Denied or
        StoreDown."""
        try:
            return await self._open_link(token, address, agent)
        except Denied:
            self._sign_ins.note_refusal("console", address)
            raise

    async def _open_link(
        self, token: str, address: str, agent: str
    ) -> tuple[SignedIn, PortalSession]:
        if not is_typed("lnk", token):
            raise _ended()
        digest = digest_of(token)
        link = await self._links.take(digest)
        if link is None or link.purpose != PORTAL or link.expires_ms <= self._clock.now_ms():
            if link is not None and link.purpose != PORTAL:
                await self._links.give_back(link)  # it is for another door
            raise _ended()
        self._unopened.remove(link)
        mark = self._sessions.makers.prove(link)  # Denied where they have lost it meanwhile
        if mark is None:
            raise _ended()
        portal = portal_of(link)
        opened = PortalSession(**msgspec.structs.asdict(portal), link=digest.hex())
        maker = maker_of(link)
        try:
            signed = await self._sessions.open_portal(opened, maker, mark, address, agent)
        except port.StoreDown:
            await self._links.give_back(link)
            raise
        return signed, opened


def _ended() -> Unauthenticated:
    return Unauthenticated.because(
        "link_ended",
        "The link must be unused and current; this one was used or has expired. Reload the page "
        "that shows this portal.",
    )
