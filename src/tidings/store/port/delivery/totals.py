"""How many deliveries there are, by state, by webhook and over time.

Totals are exact: each delivery of the range counts once, with the state it has. What has changed
in the last moments is counted at the question, unless very much has; then it may be half a minute
old. `behind` says how many deliveries are not counted yet, which is so only after the counters were
lost and are made again.

The time of a delivery is that at which its event was accepted, or its replay has made it; ranges
are `from_ms` ≤ time < `to_ms`.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.states import State
from tidings.core.ids import OrgId

# Beside the states in what is counted by state: a delivery that failed or was parked, and whose
# event a replay has since delivered to its webhook. It counts here alone: nobody has to do anything
# about it any more.
REPLAYED = 8
# What somebody may have to do something about: what is unfinished or parked. What a replay has
# delivered since is none of it.
LEFT_STATES = (State.PENDING, State.HELD, State.RETRYING, State.WAITING, State.PARKED)


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """The deliveries of one webhook in a time. The sum over `by_state` is the total."""

    by_state: dict[int, int]  # REPLAYED among the states
    delivered_ms_sum: int = 0  # from accept to the end of the attempt that delivered, summed
    delivered: int = 0
    sla_breaches: int = 0
    behind: int = 0
    answers: dict[int, int] = {}  # to the attempts that have ended, by status; 0: none came
    attempts: int = 0  # that have ended, of all these deliveries; `delivered` of them succeeded
    last_answers: dict[int, int] = {}  # as `answers`, to the last attempt of each delivery alone
    # What replays have sent again, of events that an earlier delivery in `by_state` stands for.
    arrived_again: int = 0  # among DELIVERED and REPLAYED
    failed_again: int = 0  # among FAILED and PARKED


class Point(msgspec.Struct, frozen=True, array_like=True):
    """One step of a series."""

    start_ms: int
    by_state: dict[int, int]  # REPLAYED among the states
    delivered_ms_sum: int = 0
    p50_ms: float | None = None  # from accept to delivered, within 12 %; None without any
    p95_ms: float | None = None
    attempts: int = 0  # that have ended, of the deliveries of this step
    arrived_again: int = 0  # as of `Tally`
    failed_again: int = 0


class Series(msgspec.Struct, frozen=True, array_like=True):
    """Equal steps without a gap. `step_ms` is a multiple of five minutes."""

    step_ms: int
    points: Sequence[Point]
    behind: int = 0
    p50_ms: float | None = None  # of all points together
    p95_ms: float | None = None


class Counts(msgspec.Struct, frozen=True, array_like=True):
    """Deliveries by state, and what is behind."""

    events: int
    by_state: dict[int, int]
    orphans: int  # unfinished without a due time, an owner or a predecessor, made or owed: always 0
    index_lag: int  # events whose search terms are not written yet


class WaitingAges(msgspec.Struct, frozen=True, array_like=True):
    """The PENDING, HELD and RETRYING deliveries of one webhook, by when they were accepted."""

    counts: Sequence[int]  # since the first bound, between two, and at last before the last bound
    oldest_ms: int | None = None  # of PENDING and RETRYING ones; None where there is none


class TotalsStore(Protocol):
    """The store of many deliveries at once."""

    def counts(self) -> Awaitable[Counts]:
        """Count all for the ledger, readiness and metrics."""

    def tally(
        self, webhook: int, from_ms: int, to_ms: int, sla_s: int | None = None
    ) -> Awaitable[Tally]:
        """Count the deliveries of a webhook by state; late ones by `sla_s`
        (core/delivery/sla.py)."""

    def tallies(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int
    ) -> Awaitable[Sequence[Tally]]:
        """Count the same of each webhook, in their order, and by one reading for all of them; late
        ones are not looked for."""

    def series(
        self, groups: Sequence[Sequence[int]], from_ms: int, to_ms: int, points: int
    ) -> Awaitable[Sequence[Series]]:
        """Count deliveries in about `points` steps over a time; its ends are moved outwards to
        whole steps. Return one series for each group of webhooks, in their order; no webhook is in
        two of them."""

    def org_series(self, org: OrgId, from_ms: int, to_ms: int, points: int) -> Awaitable[Series]:
        """Count the same for all webhooks that an org has or had. It reads what one webhook
        would."""

    def count_states(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, states: Sequence[int] = ()
    ) -> Awaitable[Sequence[dict[int, int]]]:
        """Count each webhook's deliveries in each state, or in each of `states`, in their order.
        The ends of the time are moved outwards by half a day at most: for long times, where no more
        is asked. Of `LEFT_STATES`, or some of them, it costs what there is of these."""

    def late_each(
        self, wishes: Sequence[tuple[int, int]], from_ms: int, to_ms: int
    ) -> Awaitable[Sequence[int]]:
        """Count each webhook's late deliveries, given with its `sla_s`; in their order, and by one
        reading for all of them."""

    def oldest_due(
        self, webhooks: Sequence[int], states: Sequence[int] = ()
    ) -> Awaitable[Sequence[int | None]]:
        """Find of each webhook when the oldest delivery was accepted that is PENDING or RETRYING,
        or only that one of them which `states` has, in their order; None where there is none. It
        costs some looks into indexes, however much there is of these. HELD ones wait for one
        of these."""

    def waiting_by_age(self, webhook: int, bounds_ms: Sequence[int]) -> Awaitable[WaitingAges]:
        """Count what waits at a webhook between some times of accept, the newest first. It reads
        summaries since the last bound, and the rows of those that a bound cuts."""
