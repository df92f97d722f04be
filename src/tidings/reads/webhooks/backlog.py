"""What is left to do at webhooks now, and their two rates: for every face alike."""

from collections.abc import Mapping, Sequence

import msgspec

from tidings.core.delivery.states import State
from tidings.engine.clock import Clock
from tidings.reads.webhooks.attempt_totals import ArrivalTotals, AttemptTotals
from tidings.store import port
from tidings.store.port import LEFT_STATES, REPLAYED, Point, Tally

UNSENT = (State.PENDING, State.HELD)
_DUE = (State.PENDING, State.HELD, State.RETRYING)
UNFINISHED = tuple(state for state in LEFT_STATES if not state.final)


class WebhookBacklog(msgspec.Struct, frozen=True):
    """Of one webhook."""

    by_state: Mapping[int, int]

    @property
    def timed(self) -> int:
        """Count the deliveries that are not to be done yet: runs that an action puts off itself."""
        return self.by_state.get(State.WAITING, 0)

    @property
    def waiting(self) -> int:
        """Count the deliveries that wait for anything: their turn, another one of their key, a
        retry."""
        return sum(self.by_state.get(state, 0) for state in UNFINISHED)

    @property
    def untimed(self) -> int:
        """Count the deliveries that wait for anything but a time that their action itself has set,
        as of quiet hours: for a receiver that fails, where it does."""
        return max(0, self.waiting - self.timed)

    @property
    def parked(self) -> int:
        """Count the deliveries that were parked and wait for a replay; none that one has delivered
        since."""
        return self.by_state.get(State.PARKED, 0)


async def backlogs_now(
    store: port.TotalsStore,
    clock: Clock,
    webhooks: Sequence[int],
) -> list[WebhookBacklog]:
    """Count what is left to do at each of some webhooks, by their numbers and in their order."""
    if not webhooks:
        return []
    found = await store.count_states(webhooks, 0, clock.now_ms() + 1, LEFT_STATES)
    return [WebhookBacklog(by_state) for by_state in found]


async def oldest_due(store: port.TotalsStore, webhooks: Sequence[int]) -> Sequence[int | None]:
    """Find when the oldest delivery was accepted that is due at each of some webhooks, or tried
    again, by their numbers and in their order."""
    return await store.oldest_due(webhooks) if webhooks else ()


def attempts_of(
    counted: Sequence[Tally | Point], dead: Sequence[Tally | Point] = ()
) -> AttemptTotals:
    """Sum the attempts of what was counted. `dead` is what of it belongs to webhooks that are left
    alone."""
    return AttemptTotals(
        sum(totals.attempts for totals in counted),
        sum(totals.by_state.get(State.DELIVERED, 0) for totals in counted),
        sum(totals.by_state.get(state, 0) for totals in dead for state in UNSENT),
    )


def arrivals_of(counted: Sequence[Tally | Point]) -> ArrivalTotals:
    """Sum the events of what was counted that arrived, and those that never did. One that a replay
    has sent again counts once, at the time of its first delivery."""

    def count(*states: int) -> int:
        return sum(totals.by_state.get(state, 0) for totals in counted for state in states)

    return ArrivalTotals(
        arrived=count(State.DELIVERED, REPLAYED) - sum(totals.arrived_again for totals in counted),
        never_arrived=count(State.FAILED, State.PARKED)
        - sum(totals.failed_again for totals in counted),
        due=count(*_DUE),
    )
