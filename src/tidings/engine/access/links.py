"""Links that can be used once, where what they were to do may be refused.

A link is gone from the store when it is taken. What its taker then cannot do, because the store
refuses or the link is for another door, does not use it up: it is given back and can be taken
again: from the store, or from memory where that has just refused and takes no link back either.
"""

from tidings.engine.clock import Clock
from tidings.store import port

IN_MEMORY_MAX = 10_000  # beyond it the oldest are let go: their owners ask for new ones


class Links:
    """Over the store; all doors share one."""

    def __init__(self, store: port.AccessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._in_memory: dict[bytes, port.Link] = {}

    async def put(self, link: port.Link) -> None:
        """Store a new link; older ones of the same kind end. StoreDown."""
        await self._store.put_link(link)
        if not link.portal:
            for older in [one for one in self._in_memory.values() if _same(one, link)]:
                del self._in_memory[older.digest]

    async def take(self, digest: bytes) -> port.Link | None:
        """The link of this digest, in time or not, which is gone with this answer. StoreDown."""
        found = await self._store.take_link(digest)
        return self._in_memory.pop(digest, None) or found

    async def give_back(self, link: port.Link) -> None:
        """It was not used: whoever has it may come again. What the store does not take is kept
        until this process ends."""
        try:
            await self._store.put_link(link)
        except port.StoreDown:
            self._hold(link)

    def _hold(self, link: port.Link) -> None:
        now_ms = self._clock.now_ms()
        self._in_memory = {
            digest: one for digest, one in self._in_memory.items() if one.expires_ms > now_ms
        }
        while len(self._in_memory) >= IN_MEMORY_MAX:
            del self._in_memory[next(iter(self._in_memory))]
        self._in_memory[link.digest] = link


def _same(one: port.Link, other: port.Link) -> bool:
    """Whether a new one ends the other (`port.AccessStore.put_link`)."""
    return (one.purpose, one.person, one.org, one.credential) == (
        other.purpose,
        other.person,
        other.org,
        other.credential,
    )
