"""Changes to what matching depends on: one at a time, in the store's order, never half done.

The store refuses commits that were matched under an older registry version, and the committer then
waits for the registry to follow. So whoever raises the store's version must raise the registry's,
after the registry holds the change, even if the call that asked for it is gone by then.

A change that ends with StoreDown may be written all the same, its answer lost. What is known here
is then read again from the store, before the next change and in any case as soon as the store
answers: else commits would wait for a change that nobody here knows of.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.audit.current_actor import by_service
from tidings.engine.callables import Change
from tidings.engine.listeners import Listeners
from tidings.engine.outage import Outage
from tidings.store import port
from tidings.store.port import StoreDown

Result = TypeVar("Result")
Reread = Listeners[port.Snapshot, Sequence[port.StoredType]]
READ_AGAIN_S = 0.5


class Changes:
    """The only writer of the registry's version."""

    def __init__(self, store: port.Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        # Whoever keeps what raises the version takes over what was read again.
        self.reread: Reread = Listeners("what is stored was read again")
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._doubtful = False  # something may be written that is not known here
        self._reading = Outage("what a change without an answer has come to")

    async def run(self, change: Change[Result]) -> Result:
        """Run a change alone and to its end; a cancelled caller does not cancel it.

        It is by whoever asks for it, also where the caller is gone.
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
            await self._read_again()
            try:
                return await change()
            except StoreDown:
                self._doubt()
                raise

    def _doubt(self) -> None:
        if not self._doubtful:
            self._doubtful = True
            task = asyncio.ensure_future(by_service(self._settle()))
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
        snapshot = await self._store.load()
        if snapshot.registry_version > self._registry.version:  # else nothing was written
            types = await self._store.load_types()
            self.reread.tell(snapshot, types)  # without a pause: nobody matches by a half of it
        self._doubtful = False
