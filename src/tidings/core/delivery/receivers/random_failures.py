"""Whether a receiver refuses by chance, or because of a limit. Pure; time is passed in.

A receiver that fails with 503 at random refuses the same share at any rate. One with a limit admits
no more at a greater rate, so that of twice as many at least a half is refused. A few refusals tell
neither from the other: where they go on although the rate was lowered, it is raised, and what comes
of that is compared with both.

    limit ──(more refusals than a rate costs that is about right: suspicion)──► trial
    trial ──(a share like that of a limit)──► limit    ──(the share that it was)──► chance
    chance ──(a share that is greater, beyond chance)──► limit

- *Suspicion* adds up refusals, less a part of one for each that is admitted. What a rate costs that
  has grown from one at which few were refused is no ground for it.
- The *trial* raises the rate by steps, to the double each. It is Wald's sequential test between the
  two shares: a limit costs some five refusals until it is found out. Where nothing leaves faster
  for it, since the connections or the events are too few, the trial ends and says nothing.
- What is taken for *chance* goes on being compared, each second with what was before: a bucket that
  was taken for it is found out as soon as its burst is used up, and so is a limit that comes later.
- After each trial in vain there is a rest, twice as long as the last, until chance has been proven.
"""

import math
from enum import Enum, auto

LEAK = 0.025  # of a refusal, for each that is admitted
LEAK_IN_VAIN, IN_VAIN = 0.01, 0.7  # the same, where the rate has fallen below such a part in vain
SUSPECTED = 4.0  # refusals
SHARE_MAX, SHARE_MAX_OF = 0.4, 100  # taken for chance, of so many
SHARE_LIMIT, SHARE_LIMIT_OF = 0.6, 30  # whoever refuses more of so many is under no suspicion
STEP_S, STEP_OUTCOMES = 1.0, 10  # of a step, at least
RAISED_MIN = 1.3  # times the rate, for a step to tell something
STEPS_MAX, IN_VAIN_MAX = 12, 3  # of a trial, and of those that tell nothing
SURE = 3.5  # of the logarithm of the odds
OUTCOMES_LIMIT, OUTCOMES_CHANCE = 5, 30  # tried, before either is sure
DEVIATIONS, REFUSALS_MIN = 4.0, 5  # of a share that is greater than before
OUTCOMES_KEPT, PROVEN = 500.0, 300.0  # under chance; so many prove it
REST_S, REST_MAX_S = 5.0, 600.0


class Stage(Enum):
    """The stages of suspecting the refusals."""

    LIMIT = auto()
    TRIAL = auto()
    CHANCE = auto()


class RandomFailureDetector:
    """The evidence for refusals by chance."""

    def __init__(self) -> None:
        self.stage = Stage.LIMIT
        self._suspicion = 0.0
        self._good = self._bad = 0.0  # since it is suspected; under chance, all that is kept
        self._peak = 0.0  # the rate that was the first to be lowered
        self._leak = LEAK
        self._calm = math.inf  # the rate that few were refused at, before it grew
        self._grown = False  # since then
        self._rate = 0.0  # before the trial
        self._odds = 0.0  # of a limit, after the steps that are over
        self._steps = self._vain = self._tried_good = self._tried_bad = 0
        self._step_s = 0.0
        self._step_good = self._step_bad = 0
        self._rest_s = REST_S
        self._rested_s = -math.inf

    # -- a limit ----------------------------------------------------------------------------------

    def admitted(self) -> None:
        """Count an attempt that was admitted under a rate: suspicion falls."""
        if self._suspicion > 0:
            self._good += 1
            self._suspicion -= self._leak
            if self._suspicion <= 0:
                self._forget()

    def refused(self, now_s: float, rate: float) -> bool:
        """Count an attempt that was refused, and began under a rate which was lowered: suspicion
        grows. Return whether the trial begins."""
        self._grown = False
        if rate > self._calm:
            return False  # it has grown too far
        self._bad += 1
        self._peak = max(self._peak, rate)
        self._leak = LEAK_IN_VAIN if rate < IN_VAIN * self._peak else LEAK
        self._suspicion = min(2 * SUSPECTED, self._suspicion + 1)
        outcomes = self._good + self._bad
        if self._bad > SHARE_LIMIT * max(SHARE_LIMIT_OF, outcomes):
            self.clear()
        if self._suspicion < SUSPECTED or now_s < self._rested_s:
            return False
        if self._bad > SHARE_MAX * outcomes:
            return False
        self.stage = Stage.TRIAL
        self._calm = math.inf
        self._rate, self._odds = rate, 0.0
        self._steps = self._vain = self._tried_good = self._tried_bad = 0
        self._step(now_s)
        return True

    def calm(self, rate: float) -> None:
        """Note that few are refused at this rate, so that it grows now."""
        if not self._grown:
            self._calm, self._grown = rate, True
            self.clear()

    def clear(self) -> None:
        """Begin to suspect anew: what was refused is explained by a limit."""
        self._peak = 0.0
        self._forget()

    def _forget(self) -> None:
        self._suspicion = self._good = self._bad = 0.0

    def disprove(self, now_s: float) -> None:
        """Decide that the receiver has a limit, and rest before the next trial."""
        self.stage = Stage.LIMIT
        self._rested_s = now_s + self._rest_s
        self._rest_s = min(REST_MAX_S, 2 * self._rest_s)
        self.clear()

    # -- the trial, and chance --------------------------------------------------------------------

    def seen(self, now_s: float, started_s: float, admitted: bool) -> bool:
        """Count what became of one; return whether a step is over that leaves chance possible."""
        if started_s < self._step_s:
            return False
        if admitted:
            self._step_good += 1
        else:
            self._step_bad += 1
        trial, outcomes = self.stage is Stage.TRIAL, self._step_good + self._step_bad
        over = now_s - self._step_s >= STEP_S and outcomes >= STEP_OUTCOMES
        if not over and (admitted or not trial):
            return False
        raised = outcomes / max(STEP_S / 4, started_s - self._step_s) / self._rate
        if trial:
            limit = self._is_like_limit(raised) or (over and not self._go_on(raised))
        else:
            limit = self._is_greater() or not self._keep(self._step_good, self._step_bad)
        if limit:
            self.disprove(now_s)
        elif over:
            self._step(now_s)
        return over and not limit

    def _go_on(self, raised: float) -> bool:
        """End a step of the trial; return whether to go on."""
        self._steps += 1
        if raised < RAISED_MIN:
            self._vain += 1
        else:
            self._odds += self._step_odds(raised)
            self._tried_good += self._step_good
            self._tried_bad += self._step_bad
        if self._odds <= -SURE and self._tried_good + self._tried_bad >= OUTCOMES_CHANCE:
            self.stage = Stage.CHANCE
            return self._keep(self._tried_good, self._tried_bad)
        return self._vain < IN_VAIN_MAX and self._steps < STEPS_MAX

    def _is_like_limit(self, raised: float) -> bool:
        outcomes = self._step_good + self._step_bad
        if raised < RAISED_MIN or outcomes < OUTCOMES_LIMIT:
            return False
        return self._odds + self._step_odds(raised) >= SURE

    def _step_odds(self, raised: float) -> float:
        """Compute by this step the logarithm of the odds of a limit that was reached before,
        against chance."""
        chance = (self._bad + 0.5) / (self._good + self._bad + 1)
        limit = 1 - (1 - chance) / raised
        return self._step_bad * math.log(limit / chance) + self._step_good * math.log(
            (1 - limit) / (1 - chance)
        )

    def _is_greater(self) -> bool:
        """Return whether a greater share is refused in this step than before, beyond chance."""
        bad, outcomes = self._step_bad, self._step_good + self._step_bad
        if bad < REFUSALS_MIN:
            return False
        before = self._good + self._bad
        both = (self._bad + bad) / (before + outcomes)
        deviation = math.sqrt(both * (1 - both) * (1 / before + 1 / outcomes))
        return bad / outcomes - self._bad / before > DEVIATIONS * deviation

    def _keep(self, good: int, bad: int) -> bool:
        """Know that as well of the receiver, from now on; whether that may be chance."""
        self._good += good
        self._bad += bad
        outcomes = self._good + self._bad
        if outcomes > PROVEN:
            self._rest_s = REST_S
        kept = min(1.0, OUTCOMES_KEPT / outcomes)
        self._good *= kept
        self._bad *= kept
        return self._bad <= SHARE_MAX * max(SHARE_MAX_OF, outcomes * kept)

    def _step(self, now_s: float) -> None:
        self._step_s = now_s
        self._step_good = self._step_bad = 0
