"""A tally being added up, from what slices and rows say. Pure; totals.py asks the questions."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from tidings.core.delivery.sla import breach_ms
from tidings.core.delivery.states import UNFINISHED
from tidings.store import port
from tidings.store.sql.events.summaries import (
    ARRIVED,
    COUNTS,
    DELIVERED,
    LOST,
    answer_of,
    earlier_answers,
    merge_packed,
    unpack,
)

# As what it is counted (a state, or what a replay has delivered since), time, end, last status,
# attempts that have ended, the statuses of those before the last, whether it was sent again.
Row = tuple[int, int, int | None, int | None, int, str | None, int]


class Cut(msgspec.Struct, frozen=True):
    """Rows of a block to be read, of one webhook and a time."""

    block: int
    webhook: int
    from_ms: int
    to_ms: int
    counted: bool  # they are in the sums, but for what is unfinished and late


class Sum:
    """A tally being added up."""

    def __init__(self, sla_s: int | None, now_ms: int) -> None:
        self._sla_s = sla_s
        self.sla_ms = sla_s * 1000 if sla_s else None
        self.now_ms = now_ms
        self.counts = [0] * COUNTS
        self.attempts = 0
        self.ms_sum = 0
        self.breaches = 0
        self.arrived_again = self.failed_again = 0
        self.answers: Counter[int] = Counter()  # to all attempts
        self.last_answers: Counter[int] = Counter()  # to the last one of each delivery

    def add(
        self, counts: Sequence[int], attempts: int, ms_sum: int, last: bytes, earlier: bytes
    ) -> None:
        """Add what a slice counts: `last` are the packed answers to the last attempts of its
        deliveries, `earlier` those to the attempts before."""
        self.attempts += attempts
        self.counts = [a + b for a, b in zip(self.counts, counts, strict=True)]
        self.ms_sum += ms_sum
        self.last_answers.update(merge_packed(last))
        self.answers.update(merge_packed(last + earlier))

    def add_again(self, arrived: int, failed: int) -> None:
        """Add how much of what is counted was sent again: counted as arrived, and as lost."""
        self.arrived_again += arrived
        self.failed_again += failed

    def add_late(self, late: bytes) -> None:
        """Add those that ended too late, from the counts of what has ended by begun seconds."""
        assert self._sla_s is not None
        self.breaches += sum(count for seconds, count in unpack(late) if seconds > self._sla_s)

    def add_open(self, webhook: int, block: int, low: int, high: int, count: int) -> Sequence[Cut]:
        """Cut what is unfinished in a slice: late all of it, none of it, or as its rows will
        say."""
        assert self.sla_ms is not None
        if high + self.sla_ms < self.now_ms:
            self.breaches += count
        elif count and low + self.sla_ms < self.now_ms:
            return [Cut(block, webhook, low, to_ms=high + 1, counted=True)]
        return ()

    def add_rows(self, rows: Iterable[Row], *, counted: bool) -> None:
        """Add rows that slices leave open; where they are counted already, of those that are
        unfinished only which are late."""
        for state, at_ms, done_ms, status, attempts, statuses, again in rows:
            if not counted:
                if again:
                    self.add_again(state in ARRIVED, state in LOST)
                self.counts[state] += 1
                self.attempts += attempts
                if (answer := answer_of(status, attempts)) is not None:
                    self.answers[answer] += 1
                    self.last_answers[answer] += 1
                self.answers.update(earlier_answers(statuses))
                if state == DELIVERED and done_ms is not None:
                    self.ms_sum += max(0, done_ms - at_ms)
            elif state not in UNFINISHED:
                continue
            if self._late(at_ms, None if state in UNFINISHED else done_ms):
                self.breaches += 1

    def _late(self, at_ms: int, done_ms: int | None) -> bool:
        return breach_ms(at_ms, self._sla_s, done_ms, self.now_ms) is not None

    def tally(self, behind: int) -> port.Tally:
        by_state = dict(enumerate(self.counts))
        return port.Tally(
            by_state=by_state,
            delivered_ms_sum=self.ms_sum,
            delivered=by_state[DELIVERED],
            sla_breaches=self.breaches,
            behind=behind,
            answers=dict(self.answers),
            last_answers=dict(self.last_answers),
            attempts=self.attempts,
            arrived_again=self.arrived_again,
            failed_again=self.failed_again,
        )
