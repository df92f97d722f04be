"""Links that can be used once, where what they were to do may be refused.

A link is gone from the store when it is taken. What its taker then cannot do, because the store
refuses or the link is for another door, does not use it up: it is given back and can be taken
again: from the store, or from memory where that has just refused and takes no link back either.
"""

from collections.abc import Sequence

from tidings.core.ids import OrgId
from tidings.core.shares.table import SharedTable
from tidings.engine.clock import Clock
from tidings.store import port

IN_MEMORY_MAX = 10_000  # of the org with most the oldest are let go: they ask for new ones


class Links:
    """Over the store; all doors share one."""

    def __init__(self, store: port.AccessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._in_memory = SharedTable[int, bytes, port.OneTimeLink](IN_MEMORY_MAX)

    async def put(self, link: port.OneTimeLink) -> None:
        """Store a new link; older ones of the same kind end. StoreDown."""
        await self._store.put_link(link)
        if not link.portal:
            for digest in list(self._in_memory):
                if _same(self._in_memory[digest], link):
                    self._in_memory.pop(digest)

    async def list(self, org: OrgId, purpose: str, limit: int) -> Sequence[port.OneTimeLink]:
        """List the links of an org for a purpose that can still be used, the last to expire first.
        StoreDown."""
        now_ms = self._clock.now_ms()
        stored = await self._store.list_links(org, purpose, now_ms, limit)
        found = {link.digest: link for link in stored}
        for digest in list(self._in_memory):
            held = self._in_memory[digest]
            if (held.org, held.purpose) == (org, purpose) and held.expires_ms > now_ms:
                found[digest] = held
        return sorted(found.values(), key=lambda link: -link.expires_ms)[:limit]

    async def take(self, digest: bytes) -> port.OneTimeLink | None:
        """Take the link of this digest, in time or not, which is gone with this answer; None where
        there is none. Raise StoreDown."""
        found = await self._store.take_link(digest)
        return self._in_memory.pop(digest) or found

    async def give_back(self, link: port.OneTimeLink) -> None:
        """Give back a link that was not used: whoever has it may come again. One that the store
        does not take is kept until this process ends."""
        try:
            await self._store.put_link(link)
        except port.StoreDown:
            self._hold(link)

    def _hold(self, link: port.OneTimeLink) -> None:
        now_ms = self._clock.now_ms()
        for digest in list(self._in_memory):
            if self._in_memory[digest].expires_ms <= now_ms:
                self._in_memory.pop(digest)
        self._in_memory.put(link.org, link.digest, link)


def _same(one: port.OneTimeLink, other: port.OneTimeLink) -> bool:
    """Return whether a new one ends the other (`port.AccessStore.put_link`)."""
    return (one.purpose, one.person, one.org, one.credential) == (
        other.purpose,
        other.person,
        other.org,
        other.credential,
    )
