"""Sessions in memory: by digest and by owner, when they were last seen, what portals limit them to.

Whether a session is in force is told elsewhere (`sessions.py`). Users know this table and not who
signs in: where an account goes on as another person, its sessions go on with it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from tidings.core.access.portal_rules import Portal
from tidings.core.audit.entries import AuditDraft
from tidings.core.ids import OrgId
from tidings.engine.audit.audit_log import AuditLog
from tidings.store import port

DROP_SLICE = 200  # sessions in one write


class PortalSession(Portal, frozen=True, omit_defaults=True):
    """The limits of a portal's session, and the link that began it."""

    link: str = ""  # its digest, in hex


def owner_of_portals(org: OrgId) -> str:
    """Return whose sessions those are that the links of an org's portal began."""
    return f"l {org}"


_opened = msgspec.json.Decoder(PortalSession).decode


class SessionTable:
    """Over the store, which keeps the same sessions."""

    def __init__(self, store: port.AccessStore, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit
        self._sessions: dict[bytes, port.StoredSession] = {}
        self._of_owner: defaultdict[str, list[bytes]] = defaultdict(list)  # oldest first
        self._seen: dict[bytes, int] = {}
        self._portals: dict[bytes, PortalSession] = {}  # of the sessions that portals began
        # Out of force, and in the store still; with the entries that tell of their end.
        self._ended: dict[bytes, Sequence[AuditDraft]] = {}

    def __iter__(self) -> Iterator[port.StoredSession]:
        return iter(list(self._sessions.values()))

    def load(self, sessions: Iterable[port.StoredSession]) -> None:
        """Take over those that are stored."""
        self._sessions.clear()
        self._of_owner.clear()
        self._portals.clear()
        for session in sessions:
            self._enter(session)

    def get(self, digest: bytes) -> port.StoredSession | None:
        """Return a session, in force or not; None where there is none."""
        return self._sessions.get(digest)

    def portal(self, session: port.StoredSession) -> PortalSession | None:
        """Return what it is limited to, if a portal began it."""
        return self._portals.get(session.digest)

    def limits(self, session: port.StoredSession) -> PortalSession:
        """Return what the session of a portal is limited to."""
        opened = self.portal(session)
        assert opened is not None  # it was kept with them
        return opened

    def owner(self, session: port.StoredSession) -> str:
        """Return whose session it is, for what is counted and listed together."""
        if session.portal:
            return owner_of_portals(self._portals[session.digest].org)
        return f"c {session.credential}" if session.credential else f"p {session.person}"

    def of(self, owner: str) -> Sequence[port.StoredSession]:
        """List all sessions of an owner, oldest first."""
        return [self._sessions[digest] for digest in self._of_owner.get(owner, ())]

    async def add(self, session: port.StoredSession, drafts: Sequence[AuditDraft]) -> None:
        """Keep a new one, and the entries that tell of it. StoreDown: there is none."""
        with self._audit.recording_all(*drafts):
            await self._store.put_session(session)
        self._enter(session)

    def see(self, session: port.StoredSession, now_ms: int) -> None:
        """Note that a session is used now; that is written behind."""
        self._seen[session.digest] = now_ms

    def seen_ms(self, session: port.StoredSession) -> int:
        """Return when it was last used."""
        return self._seen.get(session.digest, session.seen_ms)

    def uses(self) -> Sequence[port.SessionUse]:
        """List when sessions were last seen, as far as it is not written down yet."""
        return [port.SessionUse(digest, at_ms) for digest, at_ms in self._seen.items()]

    def written(self, uses: Iterable[port.SessionUse]) -> None:
        """Note that these uses are written down; what was seen again since then is not."""
        for use in uses:
            digest = use.digest
            session = self._sessions.get(digest)
            if session is not None:
                self._sessions[digest] = msgspec.structs.replace(session, seen_ms=use.at_ms)
            if session is None or self._seen.get(digest) == use.at_ms:
                self._seen.pop(digest, None)

    async def inherit(self, person: str, heir: str) -> None:
        """Move the sessions of a person to another one of the same account, as whom they go on.
        Raise StoreDown."""
        for session in self.of(f"p {person}"):
            digest = session.digest
            if digest not in self._sessions:  # it has ended while others were moved
                continue
            moved = msgspec.structs.replace(self._sessions[digest], person=heir)
            await self._store.put_session(moved)
            if digest in self._sessions:  # it may have ended meanwhile
                seen_ms = self._seen.get(digest)
                self.forget(digest)
                self._enter(moved)
                if seen_ms is not None:
                    self._seen[digest] = seen_ms

    async def drop(self, digests: Iterable[bytes], drafts: Sequence[AuditDraft]) -> None:
        """End sessions. They are out of force first: whoever signs out must be out, whatever the
        store says. The entries that tell of it are written when the store forgets them. Raise
        StoreDown."""
        known = [digest for digest in digests if digest in self._sessions]
        self._ended.update(dict.fromkeys(known, ()))
        if known:
            self._ended[known[0]] = drafts
        for digest in known:
            self.forget(digest)
        await self.drop_ended(known)

    async def drop_ended(self, own: Collection[bytes] = ()) -> None:
        """Have the store forget what has ended, for a new start would take it for open. StoreDown:
        it is asked again by the next one that ends, and by the upkeep. FamilyAway: one of `own` is
        of an org that is moving; others of such orgs wait, and hold up nobody."""
        waiting: dict[bytes, port.FamilyAway] = {}
        while ended := [digest for digest in self._ended if digest not in waiting][:DROP_SLICE]:
            waiting |= await self._drop_stored(ended)
        for digest in own:
            if digest in waiting:
                raise waiting[digest]

    def ended(self) -> Sequence[bytes]:
        """List what has ended, and the store has still."""
        return list(self._ended)

    async def _drop_stored(self, digests: Sequence[bytes]) -> Mapping[bytes, port.FamilyAway]:
        """Have the store forget some; return those that it does not, for their orgs are moving."""
        ended = {digest: self._ended[digest] for digest in digests if digest in self._ended}
        drafts = [draft for several in ended.values() for draft in several]
        self._ended.update(dict.fromkeys(ended, ()))  # whoever asks meanwhile tells none again
        try:
            with self._audit.recording_all(*drafts):
                await self._store.drop_sessions(list(ended))
        except port.FamilyAway as away:
            self._ended.update(ended)
            if len(digests) == 1:
                return {digests[0]: away}
            half = len(digests) // 2
            parts = [await self._drop_stored(part) for part in (digests[:half], digests[half:])]
            return {**parts[0], **parts[1]}
        except Exception:
            self._ended.update(ended)
            raise
        for digest in ended:
            self._ended.pop(digest, None)
        return {}

    def forget(self, digest: bytes) -> None:
        """Drop it from memory."""
        self._seen.pop(digest, None)
        session = self._sessions.pop(digest, None)
        if session is not None:
            owner = self.owner(session)
            own = self._of_owner[owner]
            own.remove(digest)
            if not own:
                del self._of_owner[owner]
            self._portals.pop(digest, None)

    def _enter(self, session: port.StoredSession) -> None:
        if session.portal:
            self._portals[session.digest] = _opened(session.portal)
        self._sessions[session.digest] = session
        self._of_owner[self.owner(session)].append(session.digest)
