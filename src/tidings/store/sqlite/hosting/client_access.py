"""What people and their sign-ins ask of the embedded store."""

import asyncio
from collections.abc import Sequence

from tidings.store import port
from tidings.store.sqlite.hosting.child import Lines, decoder

_NUMBER = decoder(int)
_NONE = decoder(None)
_FLAG = decoder(bool)
_PEOPLE = decoder(port.People)
_LINK = decoder(port.Link | None)


class AccessCalls(Lines):
    """A part of `SqliteStore`."""

    def note_uses(
        self, credentials: Sequence[port.Use], sessions: Sequence[port.Seen]
    ) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "note_uses", credentials, sessions)

    def load_people(self) -> asyncio.Future[port.People]:
        """See `port.Store`."""
        return self._writing.call(_PEOPLE, "load_people")

    def put_people(
        self,
        persons: Sequence[port.Person],
        members: Sequence[port.Member] = (),
        link: port.Link | None = None,
        instead_of: str = "",
    ) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_people", persons, members, link, instead_of)

    def drop_member(self, org: int, person: str) -> asyncio.Future[bool]:
        """See `port.Store`."""
        return self._writing.call(_FLAG, "drop_member", org, person)

    def put_session(self, session: port.Session) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_session", session)

    def drop_sessions(self, digests: Sequence[bytes]) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_sessions", digests)

    def put_link(self, link: port.Link) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_link", link)

    def take_link(self, digest: bytes) -> asyncio.Future[port.Link | None]:
        """See `port.Store`."""
        return self._writing.call(_LINK, "take_link", digest)

    def drop_expired(self, seen_to_ms: int, born_to_ms: int, now_ms: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._writing.call(_NUMBER, "drop_expired", seen_to_ms, born_to_ms, now_ms)
