"""Caps over time: what counts when, to the millisecond, and when it is forgotten."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.rows import HOUR_MS, event, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.orgs.retention import RowKind
from tidings.core.steady_clock import SURE_AFTER_S
from tidings.store import port
from tidings.store.sqlite.halves import WritingHalf

START_MS = 1_800_000_000_000
DAY_MS = 24 * HOUR_MS
WITHIN_MS = 30 * DAY_MS


class Owner:
    """A store on a machine whose clock can be set."""

    def __init__(self) -> None:
        self.passed_ms, self.set_ms, self.numbers = 0, 0, 0
        self.half = WritingHalf(":memory:", self.wall_ms, passed_s=lambda: self.passed_ms / 1000)
        self.half.webhooks.put_webhook(webhook("till"))
        self.half.recovery.recover(10, [])

    def wall_ms(self) -> int:
        return START_MS + self.passed_ms + self.set_ms

    def commit(self, *settled: port.Settlement) -> port.Receipt:
        return self.half.commit(port.Batch(2, settled=settled))

    def accept(self) -> DeliveryId:
        self.numbers += 1
        batch = port.Batch(2, events=[event(f"e{self.numbers}", new(1))])
        return DeliveryId(self.half.commit(batch).firsts[0])

    def take(
        self, delivery: int, subject: bytes = b"7", within_ms: int = WITHIN_MS, most: int = 1
    ) -> int | None:
        """Milliseconds until one is admitted again; None: this one is."""
        use = port.CapUse(1, subject, DeliveryId(delivery), most, within_ms)
        [again_ms] = self.half.caps.take([use])
        return None if again_ms is None else again_ms - self.half.clock_ms()

    def leap(self, by_ms: int) -> None:
        """It lasts, and is followed with the next commit."""
        self.set_ms += by_ms
        self.commit()
        self.passed_ms += round(SURE_AFTER_S * 1000)
        self.commit()

    def drop_all(self) -> None:
        """Every event that is done with is older than its retention."""
        now_ms, more, first = self.half.clock_ms(), True, True
        while more:
            slice_ = port.DropSlice(
                RowKind.METADATA, 90, now_ms + 1, (), True, 100, first=first, now_ms=now_ms
            )
            more, first = self.half.retention.drop(slice_).more, False

    def uses(self) -> int:
        [(count,)] = self.half.connection.execute("SELECT count(*) FROM cap_use")
        return int(count)


@pytest.fixture
def owner() -> Iterator[Owner]:
    made = Owner()
    yield made
    made.half.close()


def test_the_time_of_a_cap_ends_to_the_millisecond(owner: Owner) -> None:
    assert owner.take(1) is None
    owner.passed_ms += WITHIN_MS - 1
    assert owner.take(2) == 1
    owner.passed_ms += 1
    assert owner.take(2) is None
    assert owner.take(3) == WITHIN_MS


def test_it_begins_when_one_was_tried_last_and_not_when_it_was_tried_first(owner: Owner) -> None:
    """A receiver that was down for days: what is done then is what the cap counts from."""
    for hours in (0, 20, 20, 30, 20):
        owner.passed_ms += hours * HOUR_MS
        assert owner.take(1, within_ms=DAY_MS) is None
    owner.passed_ms += 23 * HOUR_MS
    assert owner.take(2, within_ms=DAY_MS) == HOUR_MS
    owner.passed_ms += HOUR_MS
    assert owner.take(2, within_ms=DAY_MS) is None


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 700), st.integers(1, 5)), min_size=1, max_size=40),
)
def test_however_often_they_are_tried_no_time_has_more_than_the_cap(
    most: int, tries: list[tuple[int, int]]
) -> None:
    """Each admitted try may be the one that does it: no second has more deliveries than `most`."""
    owner = Owner()
    admitted: list[tuple[int, int]] = []
    for pause_ms, delivery in tries:
        owner.passed_ms += pause_ms
        if owner.take(delivery, within_ms=1000, most=most) is None:
            admitted.append((owner.passed_ms, delivery))
    owner.half.close()
    last = {delivery: at_ms for at_ms, delivery in admitted}
    for at_ms, _ in admitted:
        assert sum(at_ms <= number < at_ms + 1000 for number in last.values()) <= most


@pytest.mark.parametrize(
    "state", [state for state in State if state.final and state is not State.DELIVERED]
)
def test_what_was_never_done_counts_for_nobody_after_its_log_is_gone_either(
    owner: Owner, state: State
) -> None:
    first, done = owner.accept(), owner.accept()
    assert owner.take(first) is None and owner.take(done, b"8") is None
    owner.commit(settled(first, state, status=None), settled(done))
    owner.drop_all()
    assert owner.half.connection.execute("SELECT count(*) FROM delivery").fetchone() == (0,)
    assert owner.take(100) is None, "it was never done"
    assert owner.take(101, b"8") is not None, "what was done still counts"


def test_uses_are_forgotten_when_their_time_is_over_though_nobody_asks(owner: Owner) -> None:
    for number in range(2500):
        owner.take(number + 1, b"%d" % number)
    owner.drop_all()
    assert owner.uses() == 2500
    owner.passed_ms += WITHIN_MS
    owner.drop_all()
    assert owner.uses() == 0, "also where the action is not in the file any more"


@pytest.mark.parametrize("by_ms", [365 * DAY_MS, -365 * DAY_MS])
def test_a_leap_of_the_clock_makes_no_time_of_a_cap_longer_or_shorter(
    owner: Owner, by_ms: int
) -> None:
    before = owner.accept()
    assert owner.take(before) is None
    owner.leap(by_ms)
    left_ms = WITHIN_MS - round(SURE_AFTER_S * 1000)
    assert owner.take(100) == left_ms
    meanwhile = owner.accept()
    assert owner.take(meanwhile, b"8") is None
    owner.leap(-by_ms)
    left_ms -= round(SURE_AFTER_S * 1000)
    assert owner.take(100) == left_ms
    owner.passed_ms += left_ms
    assert owner.take(100) is None


def test_a_use_that_was_dated_ahead_counts_no_longer_than_the_cap_looks_back(owner: Owner) -> None:
    assert owner.take(owner.accept()) is None
    owner.leap(365 * DAY_MS)
    second = owner.accept()
    assert owner.take(second, b"8") is None
    owner.set_ms = 0  # set right while the service was down
    assert owner.half._steady is not None
    owner.half._steady.follow(-365 * DAY_MS)
    owner.half.leaps.begin(owner.wall_ms())
    assert owner.take(100, b"8") == WITHIN_MS


def test_what_fails_for_one_subject_over_and_over_is_kept_once(owner: Owner) -> None:
    """Whoever asks next looks at no more rows than the cap counts."""
    for _ in range(50):
        delivery = owner.accept()
        assert owner.take(delivery) is None
        owner.commit(settled(delivery, State.FAILED, status=400))
    assert owner.uses() == 1
