"""Changes to what matching depends on: one at a time, in the store's order, never half done.

The store refuses commits that were matched under an older registry version, and the committer then
waits for the registry to follow. So whoever raises the store's version must raise the registry's,
after the registry holds the change, even if the call that asked for it is gone by then.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tidings.core.registry import Registry

Result = TypeVar("Result")


class Changes:
    """The only writer of the registry's version."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, change: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Run a change alone and to its end; a cancelled caller does not cancel it."""
        task = asyncio.ensure_future(self._alone(change))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def seen(self, version: int) -> None:
        """The registry holds the change that made this version of the store."""
        self._registry.version = max(self._registry.version, version)

    async def _alone(self, change: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        async with self._lock:
            return await change()
