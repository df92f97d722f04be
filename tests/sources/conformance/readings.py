"""Readings of a source, opened and read in the tests of every driver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.sources.conformance.subject import Subject
from tidings.core.sources.message import ForeignMessage
from tidings.sources.port import OpenSource

WAIT_S = 60.0


async def taken(
    reading: OpenSource, count: int, *, acknowledge: bool = True
) -> list[ForeignMessage]:
    """So many messages, read in batches."""
    found: list[ForeignMessage] = []
    async with asyncio.timeout(WAIT_S):
        while len(found) < count:
            found += await reading.read()
            if acknowledge:
                await reading.acknowledge()
    return found


@asynccontextmanager
async def opened(subject: Subject) -> AsyncIterator[OpenSource]:
    reading = await subject.open()
    try:
        yield reading
    finally:
        await reading.close()
