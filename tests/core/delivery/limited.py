"""Receivers with a limit, and a lane that sends to them, in simulated time."""

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from tests.core.delivery.lanes.jobs import job
from tidings.core.delivery.body_memory import PAGE_JOBS, WindowBudget
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane
from tidings.core.delivery.outcome import Retry, classify
from tidings.core.delivery.receivers.breaker import Position
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.destinations.http.verdicts import judge

Verdict = float | None  # seconds until it admits again; None: admitted


class Limiter:
    """Admits everything."""

    def ask(self, now_s: float) -> Verdict:
        """One request comes."""
        return None


class Fixed(Limiter):
    """So many in each span that begins at a whole multiple of it (and a phase)."""

    def __init__(self, most: int, span_s: float = 1.0, phase_s: float = 0.37) -> None:
        self.most, self.span_s, self.phase_s = most, span_s, phase_s
        self._at, self._count = -1, 0

    def ask(self, now_s: float) -> Verdict:
        at = math.floor((now_s + self.phase_s) / self.span_s)
        if at != self._at:
            self._at, self._count = at, 0
        if self._count >= self.most:
            return (at + 1) * self.span_s - self.phase_s - now_s
        self._count += 1
        return None


class Sliding(Limiter):
    """So many in any span; a refused one counts too where it is `harsh`."""

    def __init__(self, most: int, span_s: float = 1.0, harsh: bool = False) -> None:
        self.most, self.span_s, self.harsh = most, span_s, harsh
        self._times: deque[float] = deque()

    def ask(self, now_s: float) -> Verdict:
        while self._times and self._times[0] <= now_s - self.span_s:
            self._times.popleft()
        full = len(self._times) >= self.most
        if not full or self.harsh:
            self._times.append(now_s)
        return self._times[0] + self.span_s - now_s if full else None


class Bucket(Limiter):
    """A token bucket."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at_s = float(burst), 0.0

    def ask(self, now_s: float) -> Verdict:
        self._tokens = min(self.burst, self._tokens + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / self.rate
        self._tokens -= 1
        return None


class Changing(Limiter):
    """One limit, and from a time on another."""

    def __init__(self, before: Limiter, at_s: float, after: Limiter) -> None:
        self.before, self.at_s, self.after = before, at_s, after

    def ask(self, now_s: float) -> Verdict:
        return (self.before if now_s < self.at_s else self.after).ask(now_s)


class Random(Limiter):
    """Refuses a share, whatever the rate."""

    def __init__(self, share: float, seed: int = 1) -> None:
        self.share, self._rng = share, random.Random(seed)

    def ask(self, now_s: float) -> Verdict:
        return 2.0 if self._rng.random() < self.share else None


class Dead(Limiter):
    """Admits nothing."""

    def ask(self, now_s: float) -> Verdict:
        return 2.0


KINDS = ("fixed", "sliding", "harsh", "small bucket", "large bucket")


def limiter(kind: str, rate: int, phase_s: float = 0.37) -> Limiter:
    """A receiver that admits so many a second, and counts in its own way."""
    match kind:
        case "fixed":
            return Fixed(rate, phase_s=phase_s)
        case "sliding":
            return Sliding(rate)
        case "harsh":
            return Sliding(rate, harsh=True)
        case "small bucket":
            return Bucket(rate, max(1, rate // 10))
    return Bucket(rate, 3 * rate)


class Manner(NamedTuple):
    """How a receiver answers, beside its limit."""

    status: int = 429
    retry_after: float | str | None = 2  # seconds, or "exact"
    latency_s: float = 0.02
    jitter: float = 0.3  # of the latency
    way_s: float = 0.001  # what the network adds on the way, at most


PLAIN = Manner()


class Run(NamedTuple):
    """What came to a receiver, after the time of learning."""

    sent: int
    admitted: int
    refused: int
    seconds: float
    early: int  # refused ones that came again before their time
    opened: int  # how often the breaker did

    @property
    def rate(self) -> float:
        """Admitted in a second."""
        return self.admitted / self.seconds

    @property
    def refused_share(self) -> float:
        """Of all that was sent."""
        return self.refused / max(1, self.sent)


class _World:
    """One lane, one receiver, and what happens when."""

    def __init__(
        self,
        limiter: Limiter,
        manner: Manner,
        cap: int,
        offered: Callable[[float], float] | None,
        from_s: float,
        seed: int,
        stalls: Sequence[tuple[float, float]] = (),
    ) -> None:
        self.stalls = stalls
        self.limiter, self.manner, self.offered, self.from_s = limiter, manner, offered, from_s
        self.rng = random.Random(seed)
        self.lane = Lane(cap, None, WindowBudget(1 << 40))
        self.most_pending = 2 * cap + 20
        self.agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self.order = itertools.count()
        self.pending: dict[int, None] = {}
        self.made = 0
        self.due: dict[int, float] = {}
        self.timer_s = math.inf
        self.sent = self.refused = self.early = self.opened = 0

    def at(self, when_s: float, what: Callable[[float], None]) -> None:
        heapq.heappush(self.agenda, (when_s, next(self.order), what))

    def run(self, seconds: float) -> None:
        self.at(0.0, self._tick)
        while self.agenda[0][0] <= seconds:
            now_s, _, what = heapq.heappop(self.agenda)
            what(now_s)
            self._offer(now_s)
            self._start(now_s)

    def _tick(self, now_s: float) -> None:
        self.at(now_s + 0.05, self._tick)

    def _ring(self, now_s: float) -> None:
        if now_s >= self.timer_s:  # else an earlier one took its place, and the next one is set
            self.timer_s = math.inf

    def _offer(self, now_s: float) -> None:
        until = math.inf if self.offered is None else self.offered(now_s)
        lane = self.lane
        while self.made < until and len(self.pending) < self.most_pending:
            self.made += 1
            self.pending[self.made] = None
            lane.offer(job(self.made))
        if lane.page_wanted:
            above = [number for number in self.pending if number > lane.cursor][:PAGE_JOBS]
            lane.add_page(lane.page_began(), [job(number) for number in above], PAGE_JOBS)

    def stalls_until_s(self, now_s: float) -> float:
        """Return until when the sender stands still; a time that is past: it does not."""
        ends = (begin_s + lasts_s for begin_s, lasts_s in self.stalls if begin_s <= now_s)
        return max(ends, default=0.0)

    def _start(self, now_s: float) -> None:
        if now_s < self.stalls_until_s(now_s):
            return
        lane = self.lane
        while (one := lane.start(now_s)) is not None:
            self.pending.pop(one.delivery, None)
            self.early += now_s < self.due.get(one.delivery, 0.0)
            way_s = self.rng.random() * self.manner.way_s
            self.at(now_s + way_s, partial(self._arrive, one, now_s))
        wait_s = lane.wait_s(now_s) if lane.can_start else None
        if wait_s and now_s + wait_s < self.timer_s:
            self.timer_s = now_s + wait_s
            self.at(self.timer_s, self._ring)

    def _arrive(self, one: Job, started_s: float, now_s: float) -> None:
        verdict = self.limiter.ask(now_s)
        if now_s >= self.from_s:
            self.sent += 1
            self.refused += verdict is not None
        jitter = 1 + self.manner.jitter * self.rng.uniform(-1, 1)
        took_s = self.manner.latency_s * jitter
        self.at(now_s + took_s, partial(self._end, one, started_s, verdict))

    def _end(self, one: Job, started_s: float, verdict: Verdict, now_s: float) -> None:
        if now_s < (end_s := self.stalls_until_s(now_s)):
            self.at(end_s, partial(self._end, one, started_s, verdict))
            return
        lane, manner = self.lane, self.manner
        headers: tuple[tuple[str, str], ...] = ()
        if verdict is not None and manner.retry_after is not None:
            told = verdict if manner.retry_after == "exact" else float(manner.retry_after)
            headers = (("retry-after", str(math.ceil(told))),)
        status = 200 if verdict is None else manner.status
        ending = ReceiverAnswer(status, headers, b"", truncated=False, duration_ms=0)
        result = judge(ending, DEFAULT_POLICY, lambda: now_s)
        came = classify(result, DEFAULT_POLICY, one.attempt, now_s, self.rng)
        moved = lane.judge(result, came, now_s, started_s, self.rng)
        slow = isinstance(came, Retry) and came.slow
        lane.ended(one.delivery, slow=slow, delivered=verdict is None)
        lane.settled(one.delivery, one.attempt)
        if isinstance(came, Retry):
            self.due[one.delivery] = now_s + came.delay_s
            again = replace(one, attempt=one.attempt + 1, retry=True)
            self.at(now_s + came.delay_s, lambda _: lane.offer_retry(again))
        if moved and lane.breaker.position is Position.OPEN:
            self.opened += 1
            lane.sleep()
            self.at(lane.breaker.until_s, lambda _: lane.wake())


def run(
    limiter: Limiter,
    manner: Manner = PLAIN,
    *,
    cap: int = 10,
    offered: Callable[[float], float] | None = None,  # events until then; None: always more
    seconds: float = 90.0,
    from_s: float = 30.0,
    seed: int = 1,
    stalls: Sequence[tuple[float, float]] = (),
) -> Run:
    """Send to it for so long, and count from `from_s` on. In `stalls` (when they begin, how long
    they last) the sender does nothing: answers lie about, and what is due begins behind them."""
    world = _World(limiter, manner, cap, offered, from_s, seed, stalls)
    world.run(seconds)
    admitted = world.sent - world.refused
    return Run(world.sent, admitted, world.refused, seconds - from_s, world.early, world.opened)
