"""How much a receiver takes, learned from what it refuses. Pure; time is passed in.

A receiver with a limit says so by 429, by 503 or by a `Retry-After`, and says of no request in
advance. What it admits meanwhile is the best that is known of its limit. So:

- While it refuses nothing there is no rate at all: a receiver that is only slow is bounded by its
  connections, and never by this.
- A refusal sets the rate to what was admitted in the last second; a further one, of an attempt that
  began under that rate, lowers it by a twentieth, or to what was admitted, to the half at most. Few
  answers tell no more than that it is a little too high: five admitted in a second may be six.
- Several refusals in a row with nothing admitted between say that what it takes in some span is
  used up. The lane is *shut* then: one attempt asks after a quarter of a second, and after twice as
  long each time. How long it was open before, and how long shut, tell what it takes on the long
  run: 300 admitted in one second of ten are 30 a second.
- An outage looks the same, and is no limit. Who has gone on for longer than any span that is
  learned (`SUSTAINED_S`), or for a while at a rate that single refusals have told, is tried first
  with the rate that it had, or with none; only where it is shut soon again, and again, has it got
  a limit.
- After a while without a refusal the rate grows, slowly at first and then faster, so that a limit
  that was raised is found; and only while what that costs stays at one refusal in fifty.
- Where refusals go on although the rate was lowered, they may not be about it (a receiver that
  fails with 503 at random). The rate is doubled then, step by step; random_failures.py compares
  what comes of that, and says whether to go on or to return.

`Retry-After` speaks of the delivery that was refused: it comes again no sooner. The lane goes on at
its rate, for what one delivery met is most often the last place of a span. Only a receiver that
admits nothing is taken at its word as a whole: one that has admitted nothing for a minute, or that
refuses the second attempt of those that ask while it is shut.
"""

import math
from typing import NamedTuple

from tidings.core.delivery.rate_limit import ROUNDING_S, RateLimit
from tidings.core.delivery.receivers.random_failures import RandomFailureDetector, Stage

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
OUTCOMES_MIN = 12  # for a share, and for a first rate, if they come within `FIRST_S`
FIRST_S = 1.0
OUTCOMES_FEW = 9  # of less nothing follows but that the rate is a little too high
CALM = 25  # admitted without a refusal between: the rate is one that the receiver takes
QUIET_S = 15.0  # without a refusal, whatever they have cost
RAISED = 2.0  # times the rate, with each step that bears chance out
CHANCE_IN_A_ROW = 12  # shut the lane, though it may be chance
FORGET_S = 600.0  # without a refusal
SUSTAINED_S = 75.0  # open: no span that is learned is as long
STATED_S = 10.0  # the same, at a rate that single refusals have told
SOON_S, SOON_MAX = 40.0, 2  # shut again within it, so often in a row: it has got a limit
NOTED_S = 3.0  # open for less it says nothing of outages


class AskedWait(NamedTuple):
    """A wait that is not over, and before whose end somebody has asked."""

    until_s: float
    is_receivers: bool


class LearnedRate:
    """The rate of one lane; none while nothing was refused."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.shut = False
        self.until_s = -math.inf  # while it is shut: when the next one asks
        self.wait_is_receivers = False  # that time is the receiver's own (`Retry-After`)
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
        self._in_a_row = 0  # refused
        self._rate_before_row: float | None = None
        self._sustained = False  # it was open for long, at about this rate
        self._soon = 0  # times in a row that it was shut soon after it was opened
        self._calm = 0  # admitted, in a row
        self._credit = 0.0
        self._chance = RandomFailureDetector()
        self._before = 0.0  # the rate before chance was tried
        self._opened_s = -math.inf
        self._since_open = 0  # admitted
        self._first = True  # it has not been shut yet
        self._unlearned = True  # nor opened at a rate
        self._eager = False  # a first estimate, by the time of one shutting, grows sooner
        self._finding = FINDS  # the first rate may be of less than a second: it grows at once
        self._shut_s = -math.inf
        self._spent = False  # it had admitted something, lately, when it was shut
        self._asked_s = -math.inf  # the last one that was refused while shut
        self._due_s = -math.inf  # when the newest one that asks might have begun
        self._asks = 0
        self._pause_s = PAUSE_S
        self._stretch = 1.0  # how long it is shut, about; growth and pauses go by it

    # -- what may start ---------------------------------------------------------------------------

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until an attempt may start; 0 when it may now."""
        if self.shut:
            left_s = self.until_s - now_s
            return left_s if left_s > ROUNDING_S else 0.0
        return 0.0 if self._pace is None else self._pace.wait_s(now_s)

    def requested_wait_s(self, now_s: float) -> float:
        """Return how long the receiver itself wants nothing (`Retry-After`); 0: it has not said."""
        return self.wait_s(now_s) if self.shut and self.wait_is_receivers else 0.0

    def resume(self, now_s: float, lane_pause_s: float) -> None:
        """Wait for as long as the receiver told a former owner; its rate is learned anew."""
        self._close(now_s, lane_pause_s)

    def take(self, now_s: float) -> bool:
        """Start one if it may start now."""
        if self.shut:
            if self.until_s - now_s > ROUNDING_S:
                return False
            self._due_s = self.until_s
            self.until_s, self.wait_is_receivers = now_s + self._pause_s, False
            self._pause_s = min(PAUSE_MAX_S, 2 * self._pause_s)
            return True
        if self._pace is None or self._pace.take(now_s):
            return True
        self._binds = True
        return False

    def ask(self, now_s: float) -> "AskedWait | None":
        """Let one start at once, while it is shut: somebody has mended something, and wants to see.
        Return the wait that this one comes before, for `go_on_waiting`; None: there is none."""
        if not self.shut or self.wait_s(now_s) <= 0:
            return None
        waited = AskedWait(self.until_s, self.wait_is_receivers)
        self.until_s = now_s
        return waited

    def go_on_waiting(self, waited: "AskedWait") -> None:
        """Wait as before, since what was asked for has not been taken; longer, where the receiver
        has asked for that anew."""
        if self.shut and waited.until_s > self.until_s:
            self.until_s, self.wait_is_receivers = waited

    def admitted_within(self, now_s: float, span_s: float) -> bool:
        """Return whether the receiver has admitted something in the last so many seconds."""
        return now_s - self._admitted_s <= span_s

    # -- what came of it --------------------------------------------------------------------------

    def admitted(self, now_s: float, started_s: float) -> None:
        """Note that the receiver has taken an attempt that began then, whatever it said of its
        content."""
        self._buckets[self._at(now_s)] += 1
        self._admitted_s = now_s
        self._since_open += 1
        if self._opened_s == -math.inf:
            self._opened_s = started_s
        self._in_a_row = 0
        limit = self._chance.stage is Stage.LIMIT
        if self.rate is None and not self.shut and limit:
            return
        self._good += 1
        self._calm += 1
        self._credit = min(CREDIT_MAX, self._credit + CREDIT)
        if self.shut:
            if started_s >= self._shut_s:
                self._open(now_s, started_s)
        elif not limit:
            self._compare(now_s, started_s, admitted=True)
        else:
            self._chance.admitted()
            if now_s - self._grown_s >= GROW_EVERY_S:
                self._grow(now_s)

    def refused(self, now_s: float, started_s: float, lane_pause_s: float) -> None:
        """Note that the receiver wants less, and asks for `lane_pause_s` of nothing (0: it does not
        say)."""
        lately = self.admitted_within(now_s, LATELY_S)
        if not self._in_a_row:
            self._rate_before_row = self.rate
        self._bad += 1
        self._in_a_row += 1
        self._calm = 0
        self._refused_s = now_s
        self._credit = max(CREDIT_MIN, self._credit - 1)
        if self.shut:
            if started_s >= self._shut_s:
                self._asks += 1
                self._asked_s = started_s
            if (not lately or self._asks >= HEARD_FROM) and now_s + lane_pause_s > self.until_s:
                self.until_s, self.wait_is_receivers = now_s + lane_pause_s, True
            return
        limit = self._chance.stage is Stage.LIMIT
        if not limit:
            self._compare(now_s, started_s, admitted=False)
        else:
            # Of several in a row the first tells of the rate, the others of a span that is used up.
            soon = now_s - self._cut_s < CUT_EVERY_S or self._in_a_row > 1
            if started_s >= self._began_s and not (soon and self.rate is not None):
                self._cut(now_s)
        row = REFUSED_IN_A_ROW if self._stretch < LONG_S else 2
        row = row if limit else CHANCE_IN_A_ROW
        if started_s >= self._opened_s and (self._in_a_row >= row or (lane_pause_s and not lately)):
            if self._chance.stage is not Stage.LIMIT:
                trial = self._chance.stage is Stage.TRIAL
                self._chance.disprove(now_s)
                self._limited(now_s, trial=trial)
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
        """Note that a rate has been too high: what it has cost to learn that is over."""
        if self._finding > 0:
            self._credit = max(0.0, self._credit)
        self._finding = 0

    def _count_anew(self, now_s: float) -> None:
        self._good = self._bad = 0
        self._since_s = now_s

    def _cut(self, now_s: float) -> None:
        if self.rate is None:
            self._begin(now_s)
            return
        may_be_chance = self._binds and self._stretch < LONG_S
        if may_be_chance and self._chance.refused(now_s, self.rate):
            self._before = self.rate
            self._set(RAISED * self.rate, now_s)
        else:
            self._lower(now_s, self.rate)

    def _begin(self, now_s: float) -> None:
        """Set a first rate: what was admitted in the last second, if that has told enough."""
        if now_s - self._since_s > LATELY_S:
            self._count_anew(now_s)
            self._bad = 1
        taken = self._taken(now_s)
        few = taken + self._bad < OUTCOMES_MIN and now_s - self._since_s < FIRST_S
        if few and self._first:
            return
        self._eager = False
        self._began_s = self._cut_s = now_s
        if taken:
            self._count_anew(now_s)
            self._set(AIM * taken, now_s)
            self._finding = FINDS

    def _lower(self, now_s: float, rate: float) -> None:
        self._eager = False
        good, outcomes = self._good, self._good + self._bad
        # Of few the longer span tells more.
        taken = AIM * max(self._taken(now_s), good / max(1.0, now_s - self._since_s))
        if self._stretch < LONG_S and outcomes < OUTCOMES_FEW:
            taken = rate
        elif self._stretch < LONG_S and outcomes >= OUTCOMES_MIN:
            taken = max(taken, AIM * rate * good / outcomes)
        if outcomes >= OUTCOMES_MIN:
            self._count_anew(now_s)
        self._began_s = self._cut_s = now_s
        if self._finding > 0 and taken > rate:
            self._chance.clear()
            self._set(taken, now_s)  # answers to what was sent before there was a rate
            return
        self._finding -= 1
        if good >= GOOD_MIN or self._finding <= 0:
            self._found()
        self._set(max(CUT_MOST * rate, min(CUT * rate, taken)), now_s)

    def _compare(self, now_s: float, started_s: float, *, admitted: bool) -> None:
        """Judge an attempt as part of the test for chance. While refusals may be chance they do not
        lower the rate, and it is raised step by step."""
        chance = self._chance
        trial = chance.stage is Stage.TRIAL
        step_is_over = chance.seen(now_s, started_s, admitted)
        if chance.stage is Stage.LIMIT:
            self._limited(now_s, trial=trial)
        elif step_is_over and now_s - self._refused_s > FORGET_S:
            self._chance = RandomFailureDetector()
        elif step_is_over and self.rate is not None:
            if self._binds:
                self._set(RAISED * self.rate, now_s)
            elif chance.stage is Stage.CHANCE:
                self._set(None, now_s)

    def _limited(self, now_s: float, *, trial: bool) -> None:
        """Go back to the rate that was about right, or to what is admitted: it was not chance."""
        self._count_anew(now_s)
        if self.rate is None:
            self._cut(now_s)
            return
        rate = self._before if trial else max(self._before, AIM * self._taken(now_s))
        self._began_s = self._cut_s = now_s
        self._set(rate, now_s)

    def _close(self, now_s: float, lane_pause_s: float) -> None:
        self.shut, self._spent = True, self.admitted_within(now_s, LATELY_S)
        if self.rate is None and (taken := self._taken(now_s)):
            self._set(AIM * taken, now_s)
        self._shut_s = self._asked_s = self._due_s = now_s
        self._asks = 0
        self._pause_s = max(PAUSE_S, self._stretch / PAUSE_PART)
        self.until_s = now_s + max(lane_pause_s, self._pause_s)
        self.wait_is_receivers = lane_pause_s > self._pause_s

    def _open(self, now_s: float, started_s: float) -> None:
        """Open again, since an attempt that asked was admitted: the limit's span has begun anew
        since the last refusal, and before this one was due. That it began later, or that its
        answer lay about, is ours: a sender that stood still knows of no receiver that was shut."""
        self.shut = False
        self._in_a_row = 0
        shut_s = (self._asked_s + min(started_s, self._due_s)) / 2 - self._shut_s
        open_s = max(BUCKET_S, self._shut_s - self._opened_s)
        if self._was_outage(open_s):
            self._go_on(now_s)
            return
        span_s = open_s + shut_s
        self._first = False
        self._eager = self._unlearned and self.rate is not None
        if self._eager:  # the rate that was cut is of a whole second
            self._unlearned, open_s = False, max(1.0, open_s)
            span_s = max(open_s, span_s)
        self._opened_s = self._began_s = self._cut_s = now_s
        # Else it was shut because it was told so, if it had not admitted anything before.
        asked = self._asks >= HEARD_FROM and self._spent
        self._count_anew(now_s)
        self._stretch = max(1.0, STRETCH_KEPT * self._stretch, shut_s if asked else 0.0)
        count, self._since_open = self._since_open, 0
        if self.rate is not None:
            if count >= OUTCOMES_MIN:
                self._found()
            self._set(AIM * max(self.rate * open_s, count) / span_s, now_s)

    def _was_outage(self, open_s: float) -> bool:
        """Return whether what is over now was an outage, as far as one can tell: before it the
        receiver was open for so long."""
        if not self._spent:
            self._sustained = False
            return False
        self._sustained = self._sustained or open_s >= SUSTAINED_S
        remembered = self._rate_before_row is not None and self._stretch < LONG_S
        looks_so = self._sustained or (remembered and open_s >= STATED_S)
        if open_s >= SOON_S:
            self._soon = 0
        elif looks_so or open_s >= NOTED_S:
            self._soon += 1
        if self._soon > SOON_MAX:
            self._sustained = False
            return False
        return looks_so

    def _go_on(self, now_s: float) -> None:
        """Go on as before the outage: with the rate that was right then, or with none."""
        self._opened_s = self._began_s = self._cut_s = now_s
        self._since_open = 0
        self._count_anew(now_s)
        self._chance.clear()
        self._stretch = max(1.0, STRETCH_KEPT * self._stretch)
        self._set(self._rate_before_row, now_s)

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
            if self._calm >= CALM:  # of fewer it is chance
                self._chance.calm(self.rate)
            self._set(self.rate * (1 + min(GROWTH_MAX, GROWTH * steady_s) * passed_s), now_s)

    def _taken(self, now_s: float) -> float:
        """Estimate how many were admitted in the last second."""
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
