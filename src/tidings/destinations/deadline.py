"""The one deadline of an attempt, of drivers whose client library has no clock of its own."""

import asyncio

from tidings.destinations.port import Message

TICK_S = 0.001  # a loop's clock may be so far behind, and no attempt is to end before its time


def within_its_time(message: Message) -> asyncio.Timeout:
    """Open a block that raises TimeoutError once the message's deadline has passed."""
    return asyncio.timeout(message.deadline_s + TICK_S)
