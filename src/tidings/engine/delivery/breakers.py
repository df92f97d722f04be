"""The breakers of all lanes at work: what endings do to them, and when one may ask again."""

import asyncio
import random
from collections.abc import Callable

from tidings.core.delivery.breaker import Position
from tidings.core.delivery.exchange import NOT_THE_RECEIVERS, Answer, Ending, Fault
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Delivered, Outcome
from tidings.engine.delivery.healths import Healths
from tidings.engine.delivery.post import Post


class Breakers:
    """Stateless but for its timers: the state is the lanes' and the healths'."""

    def __init__(self, healths: Healths, draw: random.Random, pump: Callable[[Post], None]) -> None:
        self._healths = healths
        self._draw = draw
        self._pump = pump
        self._loop = asyncio.get_running_loop()

    def restore(self, post: Post) -> None:
        """Take up the pause that a former owner of the lane has left, or what its receiver said."""
        number, now_s = post.webhook.number, self._loop.time()
        if (pause := self._healths.pause_of(number)) is not None:
            post.lane.breaker.resume(pause, now_s)
            self._moved(post)
        elif (hold_s := self._healths.hold_of(number)) is not None:
            post.lane.learned.resume(now_s, hold_s)

    def charge(self, post: Post, job: Job, ending: Ending, outcome: Outcome) -> None:
        """Hold an ending against the receiver, or to its credit; faults of our own are neither.

        A replay opens the breaker as anything else does: it spares the receiver. Whether the
        webhook is well, and for how long it has not been, is told by today's events alone.
        """
        breaker = post.lane.breaker
        if isinstance(ending, Fault) and ending.kind in NOT_THE_RECEIVERS:
            breaker.unproven()
            return
        number = post.webhook.number
        if job.replay is not None:
            pass
        elif isinstance(outcome, Delivered):
            self._healths.good(number)
        else:
            self._healths.bad(
                number, str(ending.status) if isinstance(ending, Answer) else ending.kind
            )
        now_s = self._loop.time()
        started_s = now_s - ending.duration_ms / 1000
        if post.lane.judge(ending, outcome, now_s, started_s, self._draw):
            self._moved(post)
        elif (hold_s := post.lane.learned.told_s(now_s)) > 0:
            self._healths.held(number, hold_s)

    def changed(self, post: Post, *, begins: bool) -> None:
        """Its owner has changed the webhook, and wants to see what comes of that now."""
        if post.lane.breaker.position is not Position.CLOSED:
            post.lane.breaker.reset()
            self._moved(post)
        else:
            hold_s = post.lane.learned.told_s(self._loop.time())
            self._healths.held(post.webhook.number, hold_s)
        if begins:
            self._healths.forget(post.webhook.number)

    def drop(self, post: Post) -> None:
        """The webhook is deleted."""
        self._healths.forget(post.webhook.number)
        self._set_probe(post, None)

    def _moved(self, post: Post) -> None:
        lane = post.lane
        breaker = lane.breaker
        if breaker.position is Position.OPEN:
            lane.sleep()
            self._set_probe(post, breaker.wait_s(self._loop.time()))
        elif breaker.position is Position.CLOSED:
            lane.ramp()
            self._set_probe(post, None)
        now_s = self._loop.time()
        self._healths.moved(post.webhook.number, breaker, now_s, lane.learned.told_s(now_s))

    def _set_probe(self, post: Post, wait_s: float | None) -> None:
        if post.probe is not None:
            post.probe.cancel()
        post.probe = None if wait_s is None else self._loop.call_later(wait_s, self._wake, post)

    def _wake(self, post: Post) -> None:
        post.probe = None
        post.lane.wake()
        self._pump(post)
