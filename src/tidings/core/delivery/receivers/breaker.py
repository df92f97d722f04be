"""The breaker of a lane: a receiver that only fails is left alone and asked again now and then.

    closed ──(the last minute holds 10 outcomes or more, and 4 of 5 failed;
              or 34 of the last 36 failed, whatever came before them)──► open
    open ──(its pause is over, or a late success)──► probing
    probing ──(a failure)──► open, for twice as long      ──(3 successes)──► closed
    open ──(somebody asks)──► a probe at once: its success counts as any, its failure leaves the
                              pause as it was

An open lane costs its webhook time, not attempts: its deliveries wait unsent. What is recorded is
what the receiver did: a final refusal counts as a failure (a broken deploy that answers 400 must
not fail a whole backlog), a fault of our own counts as nothing. Pure; seconds of one clock and the
randomness are passed in.

The minute alone would be blind after good traffic: at 60 a second it holds 3,600 successes, and as
many failures again and more before they are four of five. The last outcomes alone would be blind
where few come. Both numbers of the last ones have a reason: with 64 attempts at a time 34 failures
make at most 97 requests before the first pause, and neither a receiver that fails three of ten at
random nor one that fails thirty in a row of every hundred comes near them.
"""

import random
from enum import StrEnum

import msgspec

WINDOW_S = 60.0
BUCKETS = 6
BUCKET_S = WINDOW_S / BUCKETS  # the window moves on in steps of a sixth
OUTCOMES_MIN = 10
FAILURE_RATE = 0.8
LAST = 36
LAST_BAD = 34
_LAST_MASK = (1 << LAST) - 1
PAUSE_S = 5.0
PAUSE_MAX_S = 300.0
JITTER = 0.1
SUCCESSES_TO_CLOSE = 3


class Position(StrEnum):
    """The state of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class FailureWindow:
    """Successes and failures of the last minute, forgotten by sixths, and the last ones as bits."""

    def __init__(self) -> None:
        self._good = [0] * BUCKETS
        self._bad = [0] * BUCKETS
        self._bucket = 0
        self._last = 0  # a bit for each outcome, the newest lowest; set for a failure

    def good(self, now_s: float) -> None:
        """Count a success."""
        self._good[self._at(now_s)] += 1
        self._last = self._last << 1 & _LAST_MASK

    def bad(self, now_s: float) -> bool:
        """Count a failure; whether failures are enough, and most of what there was."""
        self._bad[self._at(now_s)] += 1
        self._last = self._last << 1 & _LAST_MASK | 1
        if self._last.bit_count() >= LAST_BAD:
            return True
        failures = sum(self._bad)
        outcomes = failures + sum(self._good)
        return outcomes >= OUTCOMES_MIN and failures >= FAILURE_RATE * outcomes

    def _at(self, now_s: float) -> int:
        bucket = int(now_s / BUCKET_S)
        if bucket > self._bucket:
            for passed in range(min(BUCKETS, bucket - self._bucket)):
                self._good[(bucket - passed) % BUCKETS] = self._bad[(bucket - passed) % BUCKETS] = 0
            self._bucket = bucket
        return self._bucket % BUCKETS


class Pause(msgspec.Struct, frozen=True):
    """The part of an open breaker that outlives a restart."""

    opens: int  # how often it opened without closing between: the pause doubles with each
    left_s: float


class Breaker:
    """Decides whether a lane may start an attempt."""

    def __init__(self) -> None:
        self.position = Position.CLOSED
        self.opens = 0
        self.until_s = 0.0
        self._opened_s = self._closed_s = float("-inf")
        self._window = FailureWindow()
        self._probes = 0  # started and not recorded
        self._successes = 0
        self._pause_until_s: float | None = None  # of the pause in which somebody has asked

    def admits(self, now_s: float) -> bool:
        """Return whether an attempt may start; `started` must follow where one does."""
        if self.position is Position.CLOSED:
            return True
        return not self._probes and now_s >= self.until_s

    @property
    def asking(self) -> bool:
        """Return whether a probe is under way."""
        return self._probes > 0

    @property
    def is_recovering(self) -> bool:
        """Return whether it is not closed yet, and the last probe has succeeded."""
        return self._successes > 0

    def ask(self, now_s: float) -> bool:
        """Admit a probe at once, in the pause; return False where none is in the way of it."""
        if self.position is Position.CLOSED or self._probes or now_s >= self.until_s:
            return False
        self._pause_until_s = self.until_s
        self.until_s = now_s
        return True

    def started(self) -> None:
        """Note that an attempt has started; while the breaker is not closed it is a probe."""
        if self.position is not Position.CLOSED:
            self.position = Position.PROBING
            self._probes += 1

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until it may admit one; 0 also where a probe under way must end
        first."""
        return 0.0 if self.position is Position.CLOSED else max(0.0, self.until_s - now_s)

    def record(self, now_s: float, started_s: float, ok: bool, rng: random.Random) -> bool:
        """Record what the receiver did to an attempt that began at `started_s`; return whether the
        breaker moved."""
        if self.position is Position.CLOSED:
            if ok:
                self._window.good(now_s)
                return False
            if started_s < self._closed_s:
                return False  # of before it came back: a deadline ends half a minute late
            if self._window.bad(now_s):
                self._open(now_s, rng)
                return True
            return False
        probe = started_s >= self._opened_s and self._probes > 0
        if probe:
            self._probes -= 1
        if ok:
            return self._recovering(now_s)
        if not probe:
            return False  # it began before the breaker opened, and tells nothing new
        if self._pause_until_s is not None and not self._probes:
            self._go_on_pausing(self._pause_until_s)
            return True
        self._open(now_s, rng)
        return True

    def succeeded_outside(self, now_s: float) -> bool:
        """Count a success that no attempt of the lane has had, as of a test message; return whether
        the breaker moved."""
        return self.position is not Position.CLOSED and self._recovering(now_s)

    def unproven(self) -> None:
        """Note that an attempt ended without a word of the receiver: a fault of ours, or a stop."""
        was_asking, self._probes = self.asking, max(0, self._probes - 1)
        if self._pause_until_s is not None and was_asking and not self._probes:
            self._go_on_pausing(self._pause_until_s)

    def resume(self, pause: Pause, now_s: float) -> None:
        """Take up where a former owner stood."""
        self.position = Position.OPEN
        self.opens = pause.opens
        self.until_s = now_s + max(0.0, pause.left_s)
        self._opened_s = now_s

    def reset(self) -> None:
        """Begin afresh: the webhook was enabled again, or has another address."""
        self.__init__()  # type: ignore[misc]  # all of its state is made there

    def _open(self, now_s: float, rng: random.Random) -> None:
        pause = min(PAUSE_MAX_S, PAUSE_S * 2 ** min(self.opens, 10))
        self.position = Position.OPEN
        self.opens += 1
        self.until_s = now_s + pause * rng.uniform(1 - JITTER, 1 + JITTER)
        self._opened_s = now_s
        self._successes = 0
        self._probes = 0
        self._pause_until_s = None
        self._window = FailureWindow()

    def _go_on_pausing(self, until_s: float) -> None:
        """Go on pausing, since a probe that was asked for has not succeeded."""
        self.position = Position.OPEN
        self.until_s = until_s
        self._pause_until_s = None

    def _recovering(self, now_s: float) -> bool:
        self._successes += 1
        self._pause_until_s = None
        self.until_s = min(self.until_s, now_s)  # the next probe follows without a pause
        if self._successes < SUCCESSES_TO_CLOSE:
            was, self.position = self.position, Position.PROBING
            return was is not Position.PROBING
        self.position = Position.CLOSED
        self.opens = 0
        self._successes = 0
        self._probes = 0
        self._closed_s = now_s
        return True
