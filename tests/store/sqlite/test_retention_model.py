"""Whatever happens in whatever order: what is unfinished is whole, what is too old is gone, and
what is counted is there."""

import os
import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.store.sqlite.retention_walk import Walk

WALKS = int(os.environ.get("TIDINGS_TEST_WALKS", "30"))  # the same ones each time
draws = st.integers(0, 1 << 30).map(random.Random)


class Walks(RuleBasedStateMachine):
    """The steps in any order; accepting, settling and slices of replays more often."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk()

    @rule(rng=draws)
    def accept(self, rng: random.Random) -> None:
        self.walk.accept(rng)

    @rule(rng=draws)
    def settle(self, rng: random.Random) -> None:
        self.walk.settle(rng)

    @rule(rng=draws)
    def settle_after_more(self, rng: random.Random) -> None:
        self.walk.accept(rng)
        self.walk.settle(rng)
        self.walk.settle(rng)

    @rule(rng=draws)
    def settle_late(self, rng: random.Random) -> None:
        self.walk.settle_late(rng)

    @rule(rng=draws)
    def cancel(self, rng: random.Random) -> None:
        self.walk.cancel(rng)

    @rule(rng=draws)
    def try_again(self, rng: random.Random) -> None:
        self.walk.try_again(rng)

    @rule(rng=draws)
    def replay(self, rng: random.Random) -> None:
        self.walk.replay(rng)
        self.walk.run(rng)

    @rule(rng=draws)
    def run(self, rng: random.Random) -> None:
        self.walk.run(rng)

    @rule(rng=draws)
    def steer(self, rng: random.Random) -> None:
        self.walk.steer(rng)

    @rule(rng=draws)
    def finish(self, rng: random.Random) -> None:
        self.walk.finish(rng)

    @rule(rng=draws)
    def set_days(self, rng: random.Random) -> None:
        self.walk.set_days(rng)

    @rule(rng=draws)
    def restart(self, rng: random.Random) -> None:
        self.walk.restart(rng)

    @rule(rng=draws)
    def keep(self, rng: random.Random) -> None:
        self.walk.keep(rng)

    @invariant()
    def figures_are_those_of_the_rows(self) -> None:
        self.walk.check_unfinished()
        self.walk.check_figures()

    def teardown(self) -> None:
        self.walk.close()


TestRetention = Walks.TestCase
TestRetention.settings = settings(
    deadline=None,
    derandomize=True,
    max_examples=WALKS,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
)
