"""Whatever happens in whatever order: what is unfinished is whole, what is too old is gone, and
what is counted is there."""

import os
import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.store.retention_walk import Walk

WALKS = int(os.environ.get("TIDINGS_TEST_WALKS", "30"))  # the same ones each time
draws = st.integers(0, 1 << 30).map(random.Random)


class Walks(RuleBasedStateMachine):
    """The steps in any order; accepting, settling and slices of replays more often."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk()

    @rule(draw=draws)
    def accept(self, draw: random.Random) -> None:
        self.walk.accept(draw)

    @rule(draw=draws)
    def settle(self, draw: random.Random) -> None:
        self.walk.settle(draw)

    @rule(draw=draws)
    def settle_after_more(self, draw: random.Random) -> None:
        self.walk.accept(draw)
        self.walk.settle(draw)
        self.walk.settle(draw)

    @rule(draw=draws)
    def settle_late(self, draw: random.Random) -> None:
        self.walk.settle_late(draw)

    @rule(draw=draws)
    def cancel(self, draw: random.Random) -> None:
        self.walk.cancel(draw)

    @rule(draw=draws)
    def try_again(self, draw: random.Random) -> None:
        self.walk.try_again(draw)

    @rule(draw=draws)
    def replay(self, draw: random.Random) -> None:
        self.walk.replay(draw)
        self.walk.run(draw)

    @rule(draw=draws)
    def run(self, draw: random.Random) -> None:
        self.walk.run(draw)

    @rule(draw=draws)
    def steer(self, draw: random.Random) -> None:
        self.walk.steer(draw)

    @rule(draw=draws)
    def finish(self, draw: random.Random) -> None:
        self.walk.finish(draw)

    @rule(draw=draws)
    def set_days(self, draw: random.Random) -> None:
        self.walk.set_days(draw)

    @rule(draw=draws)
    def restart(self, draw: random.Random) -> None:
        self.walk.restart(draw)

    @rule(draw=draws)
    def keep(self, draw: random.Random) -> None:
        self.walk.keep(draw)

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
