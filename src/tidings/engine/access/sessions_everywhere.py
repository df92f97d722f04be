"""A session over all cells: found wherever it is kept, listed with its owner's others, and ended.

Where there is one cell, all of this is done here and nobody is asked.
"""

from collections.abc import Sequence
from contextlib import suppress

from tidings.core.access.user_rules import NewPassword
from tidings.core.audit.audit_actions import SESSION_BEGUN
from tidings.core.cells.families import CellId
from tidings.core.declaration import read_body
from tidings.engine.access.keys import digest_of
from tidings.engine.access.passwords import KNOWN, TooBusy
from tidings.engine.access.remote_sessions import OpenSession, RemoteSession
from tidings.engine.access.session_table import SessionTable
from tidings.engine.access.sessions import Sessions
from tidings.engine.access.users import UserBook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.over_cells import NotConfirmed
from tidings.errors import passed


class SessionsEverywhere:
    """Over the sessions of this cell, and those of the others if there are any."""

    def __init__(
        self, sessions: Sessions, users: UserBook, table: SessionTable, audit: AuditLog
    ) -> None:
        self._sessions = sessions
        self._table = table
        self._guests = sessions.guests
        self._users = users
        self._audit = audit

    async def find(self, token: str) -> None:
        """Find out whose session a token is of, for the call under way, if it is kept elsewhere.
        Raise SessionAway."""
        if self._guests.elsewhere is not None:
            is_kept = self._table.get(digest_of(token)) is not None
            await self._guests.ask("" if is_kept else token)

    def described(self, token: str) -> RemoteSession | None:
        """Describe the session of this call to other cells; None where there is one cell, or it is
        of none that is in force."""
        if self._guests.elsewhere is None:
            return None
        guest = self._guests.get(digest_of(token))
        return self._sessions.describe(digest_of(token)) if guest is None else guest.remote

    async def list(self, token: str) -> tuple[Sequence[OpenSession], Sequence[CellId]]:
        """List all sessions of this one's owner, newest first, and the cells that have not
        answered. Raise Denied."""
        found = self._sessions.list(token)
        remote, elsewhere = self.described(token), self._guests.elsewhere
        if remote is None or elsewhere is None:
            return found, ()
        others, missing = await elsewhere.list(remote)
        return sorted([*found, *others], key=lambda session: -session.created_ms), missing

    def ended(self) -> Sequence[bytes]:
        """List the sessions of this cell that have ended, and that its store has still."""
        return self._table.ended()

    async def sign_out(self, token: str) -> None:
        """End a session, wherever it is kept; nothing is done where there is none. Raise
        SessionAway, StoreDown."""
        elsewhere = self._guests.elsewhere
        if elsewhere is not None and token and self._table.get(digest_of(token)) is None:
            await elsewhere.end(token)
        else:
            await self._sessions.sign_out(token)

    async def sign_out_everywhere(self, token: str) -> int:
        """End all sessions of this one's owner, this one last; return how many. Raise Denied; raise
        NotConfirmed where a cell has not answered: this one goes on then, to ask again."""
        remote, elsewhere = self.described(token), self._guests.elsewhere
        if remote is None or elsewhere is None:
            return await self._sessions.sign_out_everywhere(token)
        ended = await self.end_others(remote)
        more, missing = await elsewhere.end_others(remote)
        if missing:
            raise NotConfirmed(missing)
        await self.sign_out(token)
        return ended + more + 1

    async def change_password(self, email: str, current: str, password: object) -> bool:
        """Change the password of an account, in all cells, and end all of its sessions; return
        whether the two are known. Raise NotConfirmed where a cell has not answered: nothing is
        changed here then. Raise Invalid, TooBusy, StoreDown."""
        elsewhere, is_known = self._guests.elsewhere, False
        if elsewhere is not None:
            given = passed(read_body(NewPassword, {"password": password})).password
            hashed = await self._users.hash_for(email, given)
            fits, missing = await elsewhere.check(email, current, KNOWN)
            if not missing:
                missing = await elsewhere.share_hash(fits, email, hashed, is_new=True)
            if missing:
                raise NotConfirmed(missing)
            is_known = bool(fits)
        return await self._users.change_password(email, current, password) is not None or is_known

    async def open_link(self, token: str, password: object) -> str:
        """Accept an invitation, or set a new password, which is that of the account in all cells;
        return the person. Raise NotConfirmed where a cell has not answered: nothing is changed here
        then, and the link is good. Raise Invalid, TooBusy, StoreDown."""
        person = await self._users.open_link(token, password, self._guests.elsewhere)
        await self._join(person, password)
        return person

    def email(self, person: str) -> str:
        """Return a person's address; empty where they are forgotten."""
        return self._users.email(person)

    async def _join(self, person: str, password: object) -> None:
        """Have persons of other cells whose password is this one's too go on with one hash, as it
        is within a cell: so a reset of either is of both. A cell that does not answer now does so
        at the next sign-in."""
        elsewhere, email = self._guests.elsewhere, self._users.email(person)
        hashed = self._users.hash_of(person)
        if elsewhere is None or hashed is None or not isinstance(password, str):
            return
        with suppress(TooBusy):
            fits, _ = await elsewhere.check(email, password, KNOWN)
            await elsewhere.share_hash(fits, email, hashed, is_new=False)

    # -- what other cells ask ---------------------------------------------------------------------

    def open_here(self, remote: RemoteSession) -> Sequence[OpenSession]:
        """List what the owner of another cell's session has open here, newest first."""
        session = self._guests.resolve(remote)
        return [
            self._sessions.shown(found, remote.digest)
            for found in self._sessions.open_of(self._table.owner(session))
        ]

    async def end_others(self, remote: RemoteSession) -> int:
        """End what the owner of a session has open here, but for that one; return how many. Raise
        StoreDown."""
        owner = self._table.owner(self._guests.resolve(remote))
        ending = [found for found in self._table.of(owner) if found.digest != remote.digest]
        if ending:
            await self._sessions.end(ending)
        return len(ending)

    async def note_begun(self, remote: RemoteSession) -> None:
        """Tell the orgs of a session's owner that it was begun in another cell, by a password.
        Raise StoreDown."""
        session = self._guests.resolve(remote)
        if session.person:
            after = {"by": "password", "agent": session.agent}
            await self._audit.append_all(
                *self._sessions.drafts.of(SESSION_BEGUN, session, None, after)
            )

    async def end_here(self, digest: bytes) -> bool:
        """End a session that is kept here; return whether there was one. Raise StoreDown."""
        session = self._table.get(digest)
        if session is not None:
            await self._sessions.end([session])
        return session is not None
