"""What a feed tells as server-sent events (WHATWG HTML, section 9.2), while it may be heard."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from starlette.responses import Response

from tidings.api.http.stream_places import EventStream
from tidings.api.route import EVENT_STREAM, StreamKind
from tidings.engine.events.feed import Feed, Subscription

KEEP_ALIVE_S = 15.0
RETRY_MS = 2000  # when a browser asks again after a break
OPENING = b"retry: %d\n: listening\n\n" % RETRY_MS
ALIVE = b": still here\n\n"
ASKED_AGAIN_S = 4.0  # whose credential or session has ended hears nothing 5 s later
MOVES_S = 0.001  # a wait that is sure to move the clock: less may be lost in its rounding
DROPPED = StreamKind(
    "DroppedFact",
    "So many facts came faster than they were read, and are not told.",
    {"facts": 12},
)
EVENT_STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def event_stream(
    give_back: Callable[[], None],
    feed: Feed,
    channel: int,
    may_hear: Callable[[], Awaitable[bool]],
    keep_alive_s: float = KEEP_ALIVE_S,
) -> Response:
    """Stream a feed's events on a channel for as long as the caller may hear it, then free its
    place."""
    subscription = feed.subscribe(channel)
    heard = sse_events(feed, subscription, may_hear, keep_alive_s)
    stream = EventStream(heard, media_type=EVENT_STREAM, headers=EVENT_STREAM_HEADERS)
    stream.ends = (lambda: feed.unsubscribe(subscription), give_back)
    return stream


async def sse_events(
    feed: Feed,
    subscription: Subscription,
    may_hear: Callable[[], Awaitable[bool]],
    keep_alive_s: float = KEEP_ALIVE_S,
) -> AsyncGenerator[bytes, None]:
    """Yield the facts of a feed as server-sent events, until the listener or the feed goes, or the
    right to hear them: that is asked for every `ASKED_AGAIN_S`, whether anything happens or not."""
    loop = asyncio.get_running_loop()
    ask_at_s = loop.time() + ASKED_AGAIN_S
    alive_at_s = loop.time() + keep_alive_s
    try:
        yield OPENING
        while True:
            wait_s = min(ask_at_s, alive_at_s) - loop.time()
            facts = await subscription.read(max(MOVES_S, wait_s))
            now_s = loop.time()
            if now_s >= ask_at_s:
                if not await may_hear():
                    return
                ask_at_s = now_s + ASKED_AGAIN_S
            if facts:
                yield b"".join(
                    b"event: %b\ndata: %b\n\n" % (fact.kind.encode(), fact.fact) for fact in facts
                )
            elif subscription.closed:
                return
            elif now_s >= alive_at_s:
                yield ALIVE
            else:
                continue  # only the right was asked for
            alive_at_s = loop.time() + keep_alive_s
    finally:
        feed.unsubscribe(subscription)
