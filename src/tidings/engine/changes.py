"""Changes to what matching depends on: one at a time, in the store's order, never half done.

The store refuses commits that were matched under an older registry version, and the committer then
waits for the registry to follow. So whoever raises the store's version must raise the registry's,
after the registry holds the change, even if the call that asked for it is gone by then.

A change that ends with StoreDown may be written all the same, its answer lost. All that is kept in
memory is then read again from the store, before the next change and in any case as soon as the
store answers: else commits would wait for a change that nobody here knows of, and a credential that
was revoked would open everything as before.

A change that the store refuses as stale was made of what is not stored any more. The same is then
read again, and the change is made again of that: whoever asked for it expects a certain version
(`If-Match`), is refused by that change itself, or hears nothing of it.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.audit.current_actor import by_service
from tidings.engine.callables import Change
from tidings.engine.listeners import Listeners
from tidings.engine.outage import Outage
from tidings.store import port
from tidings.store.port import FamilyAway, StaleChange, StoreDown

Result = TypeVar("Result")
Reread = Listeners[port.Snapshot, Sequence[port.StoredType]]
READ_AGAIN_S = 0.5
TRIES_MAX = 5  # of one change; each but the first was overtaken by another one


class Overtaken(StoreDown):
    """A change was overtaken by others each time that it was tried; nothing of it was written."""


class StoredBeside(NamedTuple):
    """Everything that is kept in memory beside a snapshot; no matching depends on it."""

    people: port.People
    transformations: Sequence[port.StoredTransformation]
    sources: Sequence[port.StoredSource]
    inboxes: Sequence[port.Inbox]
    alert_channels: Sequence[port.StoredChannel] = ()


class Changes:
    """The only writer of the registry's version."""

    def __init__(self, store: port.Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        # Whoever keeps what raises the version takes over what was read again.
        self.reread: Reread = Listeners("what is stored was read again")
        # Whoever keeps what stands beside it takes that over.
        self.reread_beside: Listeners[StoredBeside] = Listeners("all that is stored was read again")
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._doubtful = False  # something may be written that is not known here
        self._settling: asyncio.Task[None] | None = None  # reads again when nobody else does
        self._reading = Outage("what a change without an answer has come to")

    async def run(self, change: Change[Result]) -> Result:
        """Run a change alone and to its end; a cancelled caller does not cancel it.

        It is by whoever asks for it, also where the caller is gone. It is made again, of what was
        read again, where the store refuses it as stale: until then it has changed nothing.
        StoreDown; Overtaken, which is one.
        """
        task = asyncio.ensure_future(self._alone(change))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def seen(self, version: int) -> None:
        """Note that the registry holds the change that made this version of the store."""
        self._registry.version = max(self._registry.version, version)

    async def _alone(self, change: Change[Result]) -> Result:
        async with self._lock:
            try:
                return await self._until_it_is_not_stale(change)
            except FamilyAway:
                raise  # the store has refused it, and nothing is in doubt
            except StoreDown:
                self._doubt()
                raise

    async def _until_it_is_not_stale(self, change: Change[Result]) -> Result:
        for _ in range(TRIES_MAX):
            await self._read_again()
            try:
                return await change()
            except StaleChange:
                self._doubtful = True
        raise Overtaken(f"a change was overtaken {TRIES_MAX} times")

    def _doubt(self) -> None:
        self._doubtful = True
        if self._settling is None or self._settling.done():
            self._settling = task = asyncio.ensure_future(by_service(self._settle()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _settle(self) -> None:
        while self._doubtful:
            await asyncio.sleep(READ_AGAIN_S)
            async with self._lock:
                with self._reading:
                    await self._read_again()

    async def _read_again(self) -> None:
        if not self._doubtful:
            return
        store = self._store
        snapshot, types = await store.load(), await store.load_types()
        beside = StoredBeside(
            people=await store.load_people(),
            transformations=await store.load_transformations(),
            sources=await store.load_sources(),
            inboxes=await store.load_inboxes(),
            alert_channels=await store.load_alert_channels(),
        )
        self.reread.tell(snapshot, types)  # without a pause: nobody matches by a half of it
        self.reread_beside.tell(beside)
        self._doubtful = False
