"""Conformance: whichever way deliveries are counted, the numbers agree."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tests.store.conformance.replay_jobs import Jobs
from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, ORG, event, failing, new, settled
from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.store import port
from tidings.store.port import REPLAYED

DAY_MS = 24 * HOUR_MS
T = TypeVar("T")
Rates = tuple[int, int, int]


def some(counts: Iterable[dict[int, int]]) -> dict[int, int]:
    """Summed, without zeros."""
    summed: dict[int, int] = {}
    for row in counts:
        for state, count in row.items():
            if count:
                summed[state] = summed.get(state, 0) + count
    return summed


def filled(subject: Subject) -> tuple[int, int, int]:
    """Two webhooks with deliveries in several states, and the time of it."""
    one, other = subject.put_webhook("one"), subject.put_webhook("other")
    receipt = subject.commit(
        event("a", new(one), new(other)), event("b", new(one)), event("c", new(other)), event("d")
    )
    a, b, _, _ = receipt.firsts
    subject.commit(
        settled=[
            settled(a, webhook=one),
            settled(b, State.FAILED, webhook=one, status=400),
            failing(a + 1, HOUR_MS, webhook=other),
        ]
    )
    return one, other, receipt.now_ms


def tally_of(
    subject: Subject, webhook: int, span: tuple[int, int], sla_s: int | None = None
) -> port.Tally:
    """The deliveries of a webhook, counted."""
    return subject.ask(lambda store: store.tally(webhook, *span, sla_s))


def states_of(
    subject: Subject, webhooks: Sequence[int], span: tuple[int, int], states: Sequence[int] = ()
) -> Sequence[dict[int, int]]:
    """How many deliveries of each webhook are in each state."""
    return subject.ask(lambda store: store.count_states(webhooks, *span, states))


def test_a_tally_says_what_became_of_a_webhooks_deliveries(subject: Subject) -> None:
    one, other, now_ms = filled(subject)
    tally = tally_of(subject, one, (now_ms - DAY_MS, now_ms + DAY_MS))
    assert some([tally.by_state]) == {State.DELIVERED: 1, State.FAILED: 1}
    assert (tally.delivered, tally.attempts, tally.answers) == (1, 2, {200: 1, 400: 1})
    rest = tally_of(subject, other, (now_ms - DAY_MS, now_ms + DAY_MS))
    assert some([rest.by_state]) == {State.PENDING: 1, State.RETRYING: 1}
    before = tally_of(subject, one, (now_ms - DAY_MS, now_ms - HOUR_MS))
    assert some([before.by_state]) == {}


def test_answers_are_those_to_all_attempts_not_to_the_last_ones(subject: Subject) -> None:
    one = subject.put_webhook("one")
    receipt = subject.commit(event("a", new(one)), event("b", new(one)), event("c", new(one)))
    a, b, c = receipt.firsts
    answered: list[tuple[DeliveryId, list[int | None]]] = [
        (a, [503, None, 429, 200]),
        (b, [503, 503, 400]),
        (c, [200]),
    ]
    for delivery, statuses in answered:
        for attempt, status in enumerate(statuses, 1):
            last = attempt == len(statuses)
            state = State.DELIVERED if status == 200 else State.FAILED if last else State.RETRYING
            subject.commit(
                settled=[
                    settled(
                        delivery,
                        state,
                        webhook=one,
                        attempt=attempt,
                        status=status,
                        delay_ms=None if last else 1,
                        evidence=None
                        if status == 200
                        else port.Evidence(None if status else "timeout", "So.", [], b"", False),
                    )
                ]
            )
            while not last and not subject.take(one):
                pass
    tally = tally_of(subject, one, (receipt.now_ms - DAY_MS, receipt.now_ms + DAY_MS))
    assert tally.answers == {503: 3, 0: 1, 429: 1, 200: 2, 400: 1}
    assert sum(tally.answers.values()) == tally.attempts == 8
    assert tally.last_answers == {200: 2, 400: 1}


def test_a_wait_and_a_reason_not_to_act_are_no_attempts(subject: Subject) -> None:
    """Actions have written both as rows of attempts, so that people see them; nothing was tried."""

    def untried(kind: FaultKind) -> port.Evidence:
        return port.Evidence(kind, "So.", [], b"", False)

    one = subject.put_webhook("one")
    receipt = subject.commit(event("a", new(one)), event("b", new(one)), event("c", new(one)))
    a, b, c = receipt.firsts
    waits = untried(FaultKind.WAITS)
    subject.commit(
        settled=[
            settled(a, State.RETRYING, webhook=one, status=None, delay_ms=1, evidence=waits),
            settled(
                b, State.CANCELLED, webhook=one, status=None, evidence=untried(FaultKind.SKIPPED)
            ),
            settled(c, State.RETRYING, webhook=one, status=None, delay_ms=HOUR_MS, evidence=waits),
        ]
    )
    while not (taken := subject.take(one)):
        pass
    assert [job.delivery for job in taken] == [a]
    subject.commit(settled=[settled(a, webhook=one, attempt=2)])
    span = (receipt.now_ms - DAY_MS, receipt.now_ms + DAY_MS)
    tally = tally_of(subject, one, span)
    assert (tally.delivered, tally.attempts) == (1, 1)
    assert subject.delivery(a).attempts == 2, "and the log has both"


def test_counts_by_state_are_those_of_the_tallies(subject: Subject) -> None:
    one, other, now_ms = filled(subject)
    ends = (now_ms - DAY_MS, now_ms + DAY_MS)
    counts = states_of(subject, [one, other, 999], ends)
    for webhook, found in zip((one, other), counts, strict=False):
        tally = tally_of(subject, webhook, ends)
        assert some([found]) == some([tally.by_state])
    assert some(counts[2:]) == {}
    each = [(state,) for state in State]
    for states in (port.LEFT_STATES, (State.FAILED, State.PENDING), *each):
        asked = states_of(subject, [one, other], ends, states)
        assert asked == [{state: found[state] for state in states} for found in counts[:2]]


def in_time(seen: Callable[[], T], expected: T) -> None:
    """Wait until something is seen: the summary of the newest rows is made again after a while only
    where it took long to make (`Blocks`)."""
    ends_s = time.monotonic() + 120
    while (found := seen()) != expected:
        assert time.monotonic() < ends_s, found
        time.sleep(0.01)


def test_the_oldest_that_is_due_is_told_of_each_webhook(subject: Subject) -> None:
    one, other, idle = (subject.put_webhook(name) for name in ("one", "other", "idle"))

    def oldest(*states: State) -> list[int | None]:
        asked = [other, idle, one, 999]
        return list(subject.ask(lambda store: store.oldest_due(asked, states)))

    assert oldest() == [None] * 4
    first = subject.commit(event("a", new(one), new(other)))
    subject.ask(lambda _: asyncio.sleep(0.005))
    second = subject.commit(event("b", new(one), new(other)))
    assert first.now_ms < second.now_ms
    in_time(lambda: oldest(), [first.now_ms, None, first.now_ms, None])
    [a], [b] = first.firsts, second.firsts
    subject.commit(settled=[settled(a, webhook=one), failing(a + 1, HOUR_MS, webhook=other)])
    in_time(lambda: oldest(), [first.now_ms, None, second.now_ms, None])
    in_time(lambda: oldest(State.PENDING), [second.now_ms, None, second.now_ms, None])
    in_time(lambda: oldest(State.RETRYING), [first.now_ms, None, None, None])
    subject.commit(settled=[settled(b, webhook=one), settled(b + 1, webhook=other)])
    in_time(lambda: oldest(), [first.now_ms, None, None, None])


def rates_of(*counted: port.Tally | port.Point) -> Rates:
    """How many events arrived, never did, and are due: a replay's count by their first delivery."""
    states = Counter[int]()
    for totals in counted:
        states.update(totals.by_state)
    arrived = states[State.DELIVERED] + states[REPLAYED]
    missed = states[State.FAILED] + states[State.PARKED]
    due = states[State.PENDING] + states[State.HELD] + states[State.RETRYING]
    return (
        arrived - sum(totals.arrived_again for totals in counted),
        missed - sum(totals.failed_again for totals in counted),
        due,
    )


def test_an_event_that_is_sent_again_and_again_counts_once(subject: Subject) -> None:
    jobs = Jobs(subject)
    failed = jobs.events(4)
    jobs.end(State.FAILED, *failed)

    def arrivals() -> tuple[Rates, Rates, int]:
        now_ms = 1 << 60
        tally = tally_of(subject, jobs.hook, (0, now_ms))
        [series] = subject.ask(lambda store: store.series([[jobs.hook]], 0, now_ms, 60))
        return rates_of(tally), rates_of(*series.points), sum(tally.by_state.values())

    in_time(arrivals, ((0, 4, 0), (0, 4, 0), 4))
    jobs.run(jobs.put(jobs.spec()), 10)
    again = [job.delivery for job in subject.ask(lambda store: store.page(jobs.hook, 0, 10))]
    assert len(again) == 4
    jobs.end(State.FAILED, *again[:3])
    jobs.end(State.DELIVERED, again[3])
    in_time(arrivals, ((1, 3, 0), (1, 3, 0), 8))  # what fails again is the same event
    jobs.run(jobs.put(jobs.spec()), 10)
    later = [job.delivery for job in subject.ask(lambda store: store.page(jobs.hook, 0, 10))]
    assert len(later) == 3
    jobs.end(State.DELIVERED, *later)
    in_time(arrivals, ((4, 0, 0), (4, 0, 0), 11))  # a full replay reads 100 %


def test_what_waits_is_counted_by_its_age(subject: Subject) -> None:
    one, other = subject.put_webhook("one"), subject.put_webhook("other")

    def ages(*bounds_ms: int) -> tuple[list[int], int | None]:
        found = subject.ask(lambda store: store.waiting_by_age(one, bounds_ms))
        return list(found.counts), found.oldest_ms

    first = subject.commit(*(event(f"a{at}", new(one), new(other)) for at in range(5)))
    subject.ask(lambda _: asyncio.sleep(0.005))
    second = subject.commit(*(event(f"b{at}", new(one)) for at in range(3)))
    assert first.now_ms < second.now_ms
    bounds = (second.now_ms + 1, second.now_ms, first.now_ms)
    assert ages(*bounds) == ([0, 3, 5, 0], first.now_ms)
    assert ages(second.now_ms + 1) == ([0, 8], first.now_ms)
    assert ages(first.now_ms) == ([8, 0], first.now_ms)
    assert ages(second.now_ms) == ([3, 5], first.now_ms), "the rest is older than the last bound"
    subject.commit(
        settled=[
            settled(first.firsts[0], webhook=one),
            failing(first.firsts[1], HOUR_MS, webhook=one),
            settled(first.firsts[2], State.FAILED, webhook=one, status=400),
        ]
    )
    assert ages(*bounds) == ([0, 3, 3, 0], first.now_ms), "what is tried again waits"
    rest = subject.ask(lambda store: store.waiting_by_age(999, bounds))
    assert (list(rest.counts), rest.oldest_ms) == ([0, 0, 0, 0], None)


def test_a_series_is_of_each_group_and_an_orgs_of_all_its_webhooks(subject: Subject) -> None:
    one, other, now_ms = filled(subject)
    ends = (now_ms - DAY_MS, now_ms + DAY_MS, 12)
    each = subject.ask(lambda store: store.series([[one], [other], []], *ends))
    assert [some(point.by_state for point in series.points) for series in each] == [
        {State.DELIVERED: 1, State.FAILED: 1},
        {State.PENDING: 1, State.RETRYING: 1},
        {},
    ]
    [together] = subject.ask(lambda store: store.series([[other, one]], *ends))
    assert together == subject.ask(lambda store: store.org_series(ORG, *ends))
    starts = [point.start_ms for point in together.points]
    assert {after - start for start, after in zip(starts, starts[1:], strict=False)} == {
        together.step_ms
    }
    assert starts[0] <= ends[0] and ends[1] <= starts[-1] + together.step_ms


def test_tallies_of_several_are_what_each_tally_says(subject: Subject) -> None:
    one, other, now_ms = filled(subject)
    several = [other, 999, one]

    def check(low: int, high: int) -> None:
        tallies = subject.ask(lambda store: store.tallies(several, low, high))
        assert list(tallies) == [tally_of(subject, webhook, (low, high)) for webhook in several]

    check(now_ms - DAY_MS, now_ms + DAY_MS)
    check(now_ms, now_ms + 1)
    check(now_ms, now_ms)
    assert not subject.ask(lambda store: store.tallies([], 0, now_ms))


def test_what_came_just_now_is_late_by_no_wish(subject: Subject) -> None:
    """Nor ever where nothing is wished: 0 seconds are no limit."""
    one, other, now_ms = filled(subject)
    ends = (now_ms - DAY_MS, now_ms + DAY_MS)
    wishes = [(other, 86_400), (one, 0), (999, 86_400)]
    assert list(subject.ask(lambda store: store.late_each(wishes, *ends))) == [0, 0, 0]
    for webhook, sla_s in wishes:
        tally = tally_of(subject, webhook, ends, sla_s)
        assert tally.sla_breaches == 0


def test_events_over_time_are_those_of_the_org(subject: Subject) -> None:
    _, _, now_ms = filled(subject)
    subject.commit(event("of another", org=7))
    ends = (now_ms - DAY_MS, now_ms + DAY_MS, 12)
    series = subject.ask(lambda store: store.event_series(ORG, *ends))
    assert (sum(series.counts), series.behind) == (4, 0)
    at = (now_ms - series.start_ms) // series.step_ms
    assert sum(series.counts[at : at + 2]) == 4
    assert sum(subject.ask(lambda store: store.event_series(OrgId(8), *ends)).counts) == 0


def test_what_is_unfinished_is_told_by_webhook(subject: Subject) -> None:
    _, other, _ = filled(subject)
    [backlog] = subject.ask(lambda store: store.unfinished())
    assert (backlog.webhook, backlog.pending) == (other, 1)
    assert backlog.next_due_ms is not None
    assert subject.recover(left=[]) == [backlog]


def test_what_is_owed_is_told_by_the_time_of_its_event(subject: Subject) -> None:
    webhooks = [subject.put_webhook(f"w{number}") for number in range(4)]
    many = event("many", *(new(number) for number in webhooks))
    now_ms = subject.commit(many, per_event_max=1).now_ms
    assert subject.ask(lambda store: store.owed_before(now_ms + 1)) == 3
    assert subject.ask(lambda store: store.owed_before(now_ms)) == 0
