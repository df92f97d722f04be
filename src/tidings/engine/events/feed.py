"""What happens, told to whoever listens: the live stream of an org.

Telling costs nothing while nobody listens and never waits for a listener. A listener that reads too
slowly loses facts, and is told how many when it reads on.
"""

import asyncio
import contextlib
from collections import deque
from typing import Any

import msgspec

from tidings.core.running.service_part import ServicePart

PART = ServicePart("live stream", "listeners of the live stream hear nothing", restarts=False)
QUEUE_MAX = 1000
DROPPED = "dropped"

_encode = msgspec.json.Encoder().encode


class FeedItem(msgspec.Struct, frozen=True):
    """One fact: its kind ("event", "delivery", "dropped"), and its JSON."""

    kind: str
    fact: bytes


class Subscription:
    """One listener's queue. Read by one task."""

    def __init__(self, channel: int, queue_max: int) -> None:
        self.channel = channel
        self._queue: deque[FeedItem] = deque()
        self._queue_max = queue_max
        self._dropped = 0
        self._wake = asyncio.Event()
        self._waiting = False  # in `read`
        self.closed = False

    @property
    def is_missed(self) -> bool:
        """Return whether a reader waits though there is something to read: it is woken within a
        turn of the loop."""
        return self._waiting and bool(self._queue)

    def push(self, item: FeedItem) -> None:
        """Queue a fact, or count it as dropped."""
        if len(self._queue) < self._queue_max:
            self._queue.append(item)
        else:
            self._dropped += 1
        self._wake.set()

    def close(self) -> None:
        """End the reader once it has read what is queued."""
        self.closed = True
        self._wake.set()

    async def read(self, wait_s: float) -> list[FeedItem]:
        """Return what is queued, after waiting for at most `wait_s`; empty when nothing came."""
        if not self._queue and not self.closed:
            self._waiting = True
            try:  # not `wait_for`: where a fact comes with it, that swallows a cancellation
                with contextlib.suppress(TimeoutError):  # a fact may come in that very turn
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
            finally:
                self._waiting = False
        self._wake.clear()
        items = list(self._queue)
        self._queue.clear()
        if self._dropped:
            items.append(FeedItem(DROPPED, _encode({"facts": self._dropped})))
            self._dropped = 0
        return items


class Feed:
    """All listeners of this process, by channel: the id of an org, or the number of an inbox."""

    def __init__(self, queue_max: int = QUEUE_MAX) -> None:
        self._queue_max = queue_max
        self._listeners: dict[int, list[Subscription]] = {}
        self._closed = False
        self._missed_since_s: float | None = None
        self.listening = False  # read this before making a fact: nobody may want it

    def silent_s(self) -> float:
        """Tell for how long a listener has waited beside facts that it was not woken for, in
        seconds; asked regularly."""
        listeners = (listener for channel in self._listeners.values() for listener in channel)
        if not any(listener.is_missed for listener in listeners):
            self._missed_since_s = None
            return 0.0
        now_s = asyncio.get_running_loop().time()
        if self._missed_since_s is None:
            self._missed_since_s = now_s
        return now_s - self._missed_since_s

    def tell(self, channel: int, kind: str, fact: dict[str, Any]) -> None:
        """Tell the listeners of a channel. The fact is encoded once, and only if one listens."""
        if self.listening and (listeners := self._listeners.get(channel)):
            item = FeedItem(kind, _encode(fact))
            for listener in listeners:
                listener.push(item)

    def subscribe(self, channel: int) -> Subscription:
        """Subscribe a new listener, from now on; give it back with `unsubscribe`."""
        subscription = Subscription(channel, self._queue_max)
        if self._closed:
            subscription.close()
            return subscription
        self._listeners.setdefault(channel, []).append(subscription)
        self.listening = True
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a listener. Idempotent."""
        listeners = self._listeners.get(subscription.channel, [])
        if subscription in listeners:
            listeners.remove(subscription)
        if not listeners:
            self._listeners.pop(subscription.channel, None)
        self.listening = bool(self._listeners)

    def close(self) -> None:
        """End every stream, so that a stopping server does not wait for them."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()
