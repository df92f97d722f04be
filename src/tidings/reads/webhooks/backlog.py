"""What is left to do at webhooks now, and how many attempts succeed: for every face alike."""

from collections.abc import Mapping, Sequence

import msgspec

from tidings.core.delivery.attempt_totals import AttemptTotals
from tidings.core.delivery.states import State
from tidings.engine.clock import Clock
from tidings.store import port
from tidings.store.port import LEFT_STATES, Point, Tally

UNSENT = (State.PENDING, State.HELD)
UNFINISHED = tuple(state for state in LEFT_STATES if not state.final)


class WebhookBacklog(msgspec.Struct, frozen=True):
    """Of one webhook."""

    by_state: Mapping[int, int]

    @property
    def waiting(self) -> int:
        """How many deliveries wait for anything: their turn, another one of their key, a retry."""
        return sum(self.by_state.get(state, 0) for state in UNFINISHED)

    @property
    def parked(self) -> int:
        """How many were parked and wait for a replay; none that one has delivered since."""
        return self.by_state.get(State.PARKED, 0)


async def backlogs_now(
    store: port.TotalsStore, clock: Clock, webhooks: Sequence[int]
) -> list[WebhookBacklog]:
    """Of each of some webhooks, by their numbers and in their order."""
    if not webhooks:
        return []
    found = await store.count_states(webhooks, 0, clock.now_ms() + 1, LEFT_STATES)
    return [WebhookBacklog(one) for one in found]


def attempts_of(
    counted: Sequence[Tally | Point], dead: Sequence[Tally | Point] = ()
) -> AttemptTotals:
    """The attempts of what was counted. `dead` is what of it belongs to webhooks that are left
    alone."""
    return AttemptTotals(
        sum(one.attempts for one in counted),
        sum(one.by_state.get(State.DELIVERED, 0) for one in counted),
        sum(one.by_state.get(state, 0) for one in dead for state in UNSENT),
    )
