"""How much a receiver takes, learned from what it refuses. Pure; time is passed in.

A receiver with a limit says so by 429, by 503 or by a `Retry-After`, and says of no request in
advance. What it admits meanwhile is the best that is known of its limit. So:

- While it refuses nothing there is no rate at all: a receiver that is only slow is bounded by its
  connections, and never by this.
- A refusal sets the rate to what was admitted in the last second; a further one, of an attempt that
  began under that rate, lowers it by a twentieth, or to what was admitted, to the half at most.
- Several refusals in a row with nothing admitted between say that what it takes in some span is
  used up. The lane is *shut* then: one attempt asks after a quarter of a second, and after twice as
  long each time. How long it was open before, and how long shut, tell what it takes on the long
  run: 300 admitted in one second of ten are 30 a second.
- After a while without a refusal the rate grows, slowly at first and then faster, so that a limit
  that was raised is found; and only while what that costs stays at one refusal in fifty.
- Where a lower rate leaves the share of refusals as it was, the rate is not what they are about (a
  receiver that fails with 503 at random): it is forgotten, and refusals are not heard for a while.

`Retry-After` speaks of the delivery that was refused: it comes again no sooner. The lane goes on at
its rate, for what one delivery met is most often the last place of a span. Only a receiver that
admits nothing is taken at its word as a whole: one that has admitted nothing for a minute, or that
refuses the second attempt of those that ask while it is shut.
"""

import math

from tidings.core.delivery.rate_limit import ROUNDING_S, RateLimit

RATE_MIN = 0.1
LATELY_S = 60.0  # a receiver that admitted something within it is limited, not down
BUCKET_S, BUCKETS = 0.25, 5  # what was admitted is counted by these
AIM = 0.97  # of what was admitted
CUT, CUT_MOST = 0.95, 0.5  # of the rate
CUT_EVERY_S = 0.25
REFUSED_IN_A_ROW = 5  # shut the lane
PAUSE_S, PAUSE_MAX_S = 0.25, 8.0
LONG_S = 2.0  # of a receiver that shuts for longer two refusals say enough
PAUSE_PART = 8  # the first pause is so much of how long it was shut before
STRETCH_KEPT = 0.85  # of how long it was shut before, where it was shut shorter
HEARD_FROM = 2  # refusals of those that ask, before `Retry-After` holds the lane
STEADY_S = 4.0  # without growth after a cut
GROWTH, GROWTH_MAX = 0.004, 0.2  # of the rate in a second, for each second of growth
FINDING = 1.0  # the same, while no rate has been too high yet
EAGER = 0.1  # the same, after it was shut for the first time
FINDS, GOOD_MIN = 3, 3  # refusals until then, if less than so many were admitted between
GROW_EVERY_S = 0.5
CREDIT, CREDIT_MIN, CREDIT_MAX = 0.02, -4.0, 1.0  # in refusals, for each that is admitted
RANDOM_FALL = 0.35  # of the rate, without effect on the share
RANDOM_MIN, RANDOM_MAX = 0.04, 0.6  # the share; one that refuses more has a limit, whatever else
OUTCOMES_MIN = 12  # for a share
CALM = 25  # admitted without a refusal between: the rate is one that the receiver takes
QUIET_S = 15.0  # without a refusal, whatever they have cost
DEAF_S, DEAF_MAX_S = 60.0, 600.0
DEAF_IN_A_ROW = 12
FORGET_S = 600.0  # without a refusal


class LearnedRate:
    """The rate of one lane; none while nothing was refused."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.shut = False
        self.until_s = -math.inf  # while it is shut: when the next one asks
        self.told = False  # that time is the receiver's own (`Retry-After`)
        self._pace: RateLimit | None = None
        self._binds = False  # the rate has held something back since it grew last
        self._buckets = [0] * BUCKETS
        self._bucket = 0
        self._admitted_s = -math.inf
        self._began_s = -math.inf  # what began before it tells nothing new
        self._cut_s = -math.inf
        self._grown_s = -math.inf
        self._refused_s = -math.inf
        self._good = self._bad = 0  # since then; a cut that has seen enough of them counts anew
        self._since_s = -math.inf
        self._in_a_row = 0
        self._credit = 0.0
        self._base = 0.0  # the rate before the first of cuts that may be in vain
        self._deaf_s = DEAF_S
        self._deaf_until_s = -math.inf
        self._opened_s = -math.inf
        self._since_open = 0  # admitted
        self._first = True  # it has not been shut yet
        self._eager = False  # a first estimate, by the time of one shutting, grows sooner
        self._finding = FINDS  # the first rate may be of less than a second: it grows at once
        self._shut_s = -math.inf
        self._asked_s = -math.inf  # the last one that was refused while shut
        self._asks = 0
        self._pause_s = PAUSE_S
        self._stretch = 1.0  # how long it is shut, about; growth and pauses go by it

    # -- what may start ---------------------------------------------------------------------------

    def wait_s(self, now_s: float) -> float:
        """Seconds until an attempt may start; 0 when it may now."""
        if self.shut:
            left_s = self.until_s - now_s
            return left_s if left_s > ROUNDING_S else 0.0
        return 0.0 if self._pace is None else self._pace.wait_s(now_s)

    def told_s(self, now_s: float) -> float:
        """For how long the receiver itself wants nothing (`Retry-After`); 0: it has not said."""
        return self.wait_s(now_s) if self.shut and self.told else 0.0

    def resume(self, now_s: float, lane_pause_s: float) -> None:
        """Wait for as long as the receiver told a former owner; its rate is learned anew."""
        self._close(now_s, lane_pause_s)

    def take(self, now_s: float) -> bool:
        """Start one if it may start now."""
        if self.shut:
            if self.until_s - now_s > ROUNDING_S:
                return False
            self.until_s, self.told = now_s + self._pause_s, False
            self._pause_s = min(PAUSE_MAX_S, 2 * self._pause_s)
            return True
        if self._pace is None or self._pace.take(now_s):
            return True
        self._binds = True
        return False

    def admitted_within(self, now_s: float, span_s: float) -> bool:
        """Whether the receiver has admitted something in the last so many seconds."""
        return now_s - self._admitted_s <= span_s

    # -- what came of it --------------------------------------------------------------------------

    def admitted(self, now_s: float, started_s: float) -> None:
        """The receiver has taken an attempt that began then, whatever it said of its content."""
        self._buckets[self._at(now_s)] += 1
        self._admitted_s = now_s
        self._since_open += 1
        if self._opened_s == -math.inf:
            self._opened_s = started_s
        self._in_a_row = 0
        if self.rate is None and not self.shut:
            return
        self._good += 1
        self._credit = min(CREDIT_MAX, self._credit + CREDIT)
        if self.shut:
            if started_s >= self._shut_s:
                self._open(now_s)
        elif now_s - self._grown_s >= GROW_EVERY_S:
            self._grow(now_s)

    def refused(self, now_s: float, started_s: float, lane_pause_s: float) -> None:
        """The receiver wants less, and asks for `lane_pause_s` of nothing (0: it does not say)."""
        lately = self.admitted_within(now_s, LATELY_S)
        self._bad += 1
        self._in_a_row += 1
        self._refused_s = now_s
        self._credit = max(CREDIT_MIN, self._credit - 1)
        if self.shut:
            if started_s >= self._shut_s:
                self._asks += 1
                self._asked_s = started_s
            if (not lately or self._asks >= HEARD_FROM) and now_s + lane_pause_s > self.until_s:
                self.until_s, self.told = now_s + lane_pause_s, True
            return
        deaf = now_s < self._deaf_until_s
        # Of several in a row the first tells of the rate, the others of a span that is used up.
        soon = now_s - self._cut_s < CUT_EVERY_S or self._in_a_row > 1
        soon = self.rate is not None and soon
        if started_s >= self._began_s and not deaf and not soon:
            self._cut(now_s)
        row = DEAF_IN_A_ROW if deaf else REFUSED_IN_A_ROW if self._stretch < LONG_S else 2
        if started_s >= self._opened_s and (self._in_a_row >= row or (lane_pause_s and not lately)):
            self._close(now_s, 0.0 if lately else lane_pause_s)

    # -- inside -----------------------------------------------------------------------------------

    def _set(self, rate: float | None, now_s: float) -> None:
        self._grown_s = now_s
        self._binds = False
        if rate is None:
            self.rate = self._pace = None
            return
        self.rate = rate = max(RATE_MIN, rate)
        self._pace = RateLimit(rate) if self._pace is None else self._pace.changed(rate)

    def _found(self) -> None:
        """A rate has been too high: what it has cost to learn that is over."""
        if self._finding > 0:
            self._credit = max(0.0, self._credit)
        self._finding = 0

    def _count_anew(self, now_s: float) -> None:
        self._good = self._bad = 0
        self._since_s = now_s

    def _cut(self, now_s: float) -> None:
        if self.rate is not None and self._is_random():
            self._base = 0.0
            self._deaf_until_s = now_s + self._deaf_s
            self._deaf_s = min(DEAF_MAX_S, 2 * self._deaf_s)
            self._count_anew(now_s)
            self._set(None, now_s)
            return
        self._eager = False
        good, span_s = self._good, max(1.0, now_s - self._since_s)
        taken = AIM * max(self._taken(now_s), good / span_s)  # of few the longer span tells more
        if good + self._bad >= OUTCOMES_MIN:
            self._count_anew(now_s)
        self._began_s = self._cut_s = now_s
        if self.rate is None:
            if taken:
                self._set(taken, now_s)
                self._finding = FINDS
        elif self._finding > 0 and taken > self.rate:
            self._base = 0.0
            self._set(taken, now_s)  # answers to what was sent before there was a rate
        else:
            self._finding -= 1
            if good >= GOOD_MIN or self._finding <= 0:
                self._found()
            self._set(max(CUT_MOST * self.rate, min(CUT * self.rate, taken)), now_s)

    def _is_random(self) -> bool:
        """Whether the rate is not what the refusals are about.

        A receiver that has admitted four of ten at some rate takes four tenths of that rate: where
        cuts have gone below, and a share is refused all the same, it refuses whatever the rate.
        """
        outcomes = self._good + self._bad
        if outcomes < OUTCOMES_MIN or not self._binds:
            return False
        share, rate = self._bad / outcomes, self.rate or 0.0
        if share > RANDOM_MAX or self._stretch >= LONG_S:
            self._base = 0.0
        elif not self._base and share >= RANDOM_MIN:
            self._base = rate
        return rate < RANDOM_FALL * self._base

    def _close(self, now_s: float, lane_pause_s: float) -> None:
        self.shut = True
        self._shut_s = self._asked_s = now_s
        self._asks = 0
        self._pause_s = max(PAUSE_S, self._stretch / PAUSE_PART)
        self.until_s = now_s + max(lane_pause_s, self._pause_s)
        self.told = lane_pause_s > self._pause_s

    def _open(self, now_s: float) -> None:
        """One that asked was admitted: the limit's span has begun anew since the last refusal."""
        self.shut = False
        self._in_a_row = 0
        shut_s = (self._asked_s + now_s) / 2 - self._shut_s
        open_s = max(BUCKET_S, self._shut_s - self._opened_s)
        span_s = open_s + shut_s
        self._eager = self._first
        if self._first:  # the rate that was cut is of a whole second
            self._first, open_s = False, max(1.0, open_s)
            span_s = max(open_s, span_s)
        self._opened_s = self._began_s = self._cut_s = now_s
        asked = self._asks >= HEARD_FROM  # else it was shut because it was told so
        self._count_anew(now_s)
        self._base = 0.0
        self._stretch = max(1.0, STRETCH_KEPT * self._stretch, shut_s if asked else 0.0)
        count, self._since_open = self._since_open, 0
        if self.rate is not None:
            if count >= OUTCOMES_MIN:
                self._found()
            self._set(AIM * max(self.rate * open_s, count) / span_s, now_s)

    def _grow(self, now_s: float) -> None:
        assert self.rate is not None
        if now_s - self._refused_s > FORGET_S:
            self._set(None, now_s)
            return
        passed_s, self._grown_s = min(1.0, now_s - self._grown_s), now_s
        if self._finding > 0 and self._binds:
            self._set(self.rate * (1 + FINDING * passed_s), now_s)
            return
        if self._eager and self._binds:
            self._set(self.rate * (1 + EAGER * passed_s), now_s)
            return
        steady_s = (now_s - self._cut_s) / self._stretch - STEADY_S
        paid = self._credit >= 0 or now_s - self._refused_s > QUIET_S * self._stretch
        if self._binds and paid and steady_s > 0:
            if self._good >= CALM and not self._bad:  # of fewer it is chance
                self._base = 0.0
            self._set(self.rate * (1 + min(GROWTH_MAX, GROWTH * steady_s) * passed_s), now_s)

    def _taken(self, now_s: float) -> float:
        """How many were admitted in the last second, about."""
        newest = self._at(now_s)
        gone = now_s / BUCKET_S % 1  # of the oldest bucket, this much is more than a second ago
        return sum(self._buckets) - self._buckets[(newest + 1) % BUCKETS] * gone

    def _at(self, now_s: float) -> int:
        bucket = int(now_s / BUCKET_S)
        if bucket > self._bucket:
            for passed in range(min(BUCKETS, bucket - self._bucket)):
                self._buckets[(bucket - passed) % BUCKETS] = 0
            self._bucket = bucket
        return self._bucket % BUCKETS
