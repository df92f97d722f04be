"""`GET /v1/stream`: what happens in an org, as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.context import Services
from tidings.api.models import V1_ERRORS
from tidings.api.stream_places import EventStream
from tidings.engine.feed import Feed, Subscription

KEEP_ALIVE_S = 15.0
RETRY_MS = 2000  # when a browser asks again after a break
OPENING = b"retry: %d\n: listening\n\n" % RETRY_MS
ALIVE = b": still here\n\n"
ASKED_AGAIN_S = 4.0  # whose credential or session has ended hears nothing 5 s later
EVENT_STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def stream_routes(services: Services, keep_alive_s: float = KEEP_ALIVE_S) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(prefix="/v1", tags=["events"], responses=V1_ERRORS)

    @router.get("/stream", summary="Events and deliveries as they happen")
    async def stream(request: Request) -> Response:
        """Server-sent events of the org, from now on."""
        caller = services.caller(request, "logs:read")
        return event_stream(
            services.streams.take(caller),
            services.feed,
            caller.org,
            lambda: services.still_may(request, "logs:read"),
            keep_alive_s,
        )

    return router


def event_stream(
    give_back: Callable[[], None],
    feed: Feed,
    channel: int,
    may_hear: Callable[[], bool],
    keep_alive_s: float = KEEP_ALIVE_S,
) -> Response:
    """What a feed tells on a channel, for as long as it may be heard; then the place is free."""
    subscription = feed.subscribe(channel)
    heard = watched(told(feed, subscription, keep_alive_s), may_hear)
    stream = EventStream(heard, media_type="text/event-stream", headers=EVENT_STREAM_HEADERS)
    stream.ends = (lambda: feed.unsubscribe(subscription), give_back)
    return stream


async def told(
    feed: Feed, subscription: Subscription, keep_alive_s: float
) -> AsyncGenerator[bytes, None]:
    """The facts of a feed as server-sent events, until the listener or the feed goes."""
    try:
        yield OPENING
        while True:
            facts = await subscription.read(keep_alive_s)
            if facts:
                yield b"".join(
                    b"event: %b\ndata: %b\n\n" % (fact.kind.encode(), fact.fact) for fact in facts
                )
            elif subscription.closed:
                return
            else:
                yield ALIVE
    finally:
        feed.unsubscribe(subscription)


async def watched(
    facts: AsyncGenerator[bytes, None],
    may_hear: Callable[[], bool],
    every_s: float | None = None,
) -> AsyncIterator[bytes]:
    """The same, until somebody may hear them no longer; that is asked every so many seconds."""
    every_s = ASKED_AGAIN_S if every_s is None else every_s
    loop = asyncio.get_running_loop()
    asked_s = loop.time()
    async with contextlib.aclosing(facts):
        async for fact in facts:
            if loop.time() - asked_s >= every_s:
                if not may_hear():
                    return
                asked_s = loop.time()
            yield fact
