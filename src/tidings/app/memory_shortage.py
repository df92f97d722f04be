"""The service's own process may take no more memory: that is told once, and with what to raise.

It stays up, for what waits needs it and most calls need little. What could not be done is refused
or tried again; so one sentence says why, and not a trace for each connection.
"""

import asyncio
from contextlib import suppress
from typing import Any

from tidings.engine.heartbeats import Heartbeats
from tidings.process_end import is_of_memory

NOTICE_S = 3600.0  # how long it stands after the last allocation that failed
TEXT = (
    "Tidings must have more memory than it may take: an allocation failed, and what needed it was "
    "refused or is tried again. Raise the limit of the container, of the unit (MemoryMax) or of "
    "the shell (ulimit -v), and restart the service."
)


class MemoryShortage:
    """Hears what has failed in this process, wherever nobody else has a word for it."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats

    def note(self, error: BaseException | None) -> bool:
        """Tell of an error if it comes of a bound of memory; return whether it does. The first one
        is logged."""
        if not is_of_memory(error):
            return False
        with suppress(MemoryError):  # the next one tells
            self._heartbeats.raise_notice("memory", TEXT, for_s=NOTICE_S)
        return True

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Hear what has failed in a callback of the loop, or in a task that nobody awaits."""
        if not self.note(context.get("exception")):
            loop.default_exception_handler(context)
