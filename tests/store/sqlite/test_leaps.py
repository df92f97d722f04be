"""What the embedded store does when its clock follows a leap of the machine's."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.store.rows import HOUR_MS, event, failing, new, webhook
from tidings.core.ids import DeliveryId
from tidings.core.steady_clock import SURE_AFTER_S
from tidings.store import port
from tidings.store.sqlite.halves import WritingHalf

START_MS = 1_800_000_000_000
DAY_MS = 24 * HOUR_MS


class Owner:
    """A store on a machine whose clock can be set."""

    def __init__(self) -> None:
        self.passed_s, self.set_ms, self.numbers = 0.0, 0, 0
        self.half = WritingHalf(":memory:", self.wall_ms, passed_s=lambda: self.passed_s)
        self.half.webhooks.put_webhook(webhook("till"))
        self.half.recovery.recover(10, [])

    def wall_ms(self) -> int:
        return START_MS + round(self.passed_s * 1000) + self.set_ms

    def commit(self, **more: Any) -> port.Receipt:
        return self.half.commit(port.Batch(2, **more))

    def accept(self) -> int:
        self.numbers += 1
        return self.commit(events=[event(f"e{self.numbers}", new(1))]).firsts[0]

    def leap(self, by_ms: int) -> None:
        """It lasts, and is followed with the next commit."""
        self.set_ms += by_ms
        self.commit()
        self.passed_s += SURE_AFTER_S
        self.commit()

    def due_ms(self, delivery: int) -> int:
        [(due_ms,)] = self.half.connection.execute(
            "SELECT due_ms FROM delivery WHERE id = ?", (delivery,)
        )
        return int(due_ms)

    def age_s(self, delivery: int) -> float:
        [job] = [job for job in self.half.writer.page(1, 0, 100) if job.delivery == delivery]
        return (self.half.clock_ms() - job.accepted_ms) / 1000


@pytest.fixture
def owner() -> Iterator[Owner]:
    made = Owner()
    yield made
    made.half.close()


@pytest.mark.parametrize("by_ms", [8 * DAY_MS, -8 * DAY_MS])
def test_a_retry_comes_after_its_delay_and_a_delivery_is_as_old_as_it_is(
    owner: Owner, by_ms: int
) -> None:
    waits, young = owner.accept(), owner.accept()
    owner.commit(settled=[failing(waits, HOUR_MS)])
    owner.leap(by_ms)
    assert owner.half.clock_ms() == owner.wall_ms()
    left_s = 3600 - SURE_AFTER_S
    assert owner.due_ms(waits) - owner.half.clock_ms() == left_s * 1000
    assert owner.age_s(young) == SURE_AFTER_S
    accepted_since = owner.accept()
    owner.leap(-by_ms)
    assert owner.age_s(young) == 2 * SURE_AFTER_S and owner.age_s(accepted_since) == SURE_AFTER_S
    assert owner.due_ms(waits) - owner.half.clock_ms() == (left_s - SURE_AFTER_S) * 1000
    owner.passed_s += left_s
    receipt = owner.commit(claims=[port.RetryClaim(1, 10)])
    assert [job.delivery for job in receipt.claimed] == [waits]


def test_a_leap_that_does_not_last_changes_nothing(owner: Owner) -> None:
    waits = owner.accept()
    owner.set_ms = 8 * DAY_MS
    owner.commit(settled=[failing(waits, 5_000)])
    late = owner.accept()
    owner.passed_s += 10
    owner.set_ms = 0
    assert [job.delivery for job in owner.commit(claims=[port.RetryClaim(1, 10)]).claimed] == [
        waits
    ]
    owner.passed_s += SURE_AFTER_S
    assert owner.age_s(late) == 10 + SURE_AFTER_S
    assert not owner.half.connection.execute("SELECT * FROM leap").fetchall()


def test_a_retry_that_was_dated_ahead_is_not_stranded_by_a_restart(owner: Owner) -> None:
    waits = owner.accept()
    owner.leap(8 * DAY_MS)
    owner.commit(
        settled=[
            port.Settlement(
                DeliveryId(waits), 1, None, 2, 1, 1, owner.half.clock_ms(), 12, 503, HOUR_MS, None
            ),
        ]
    )
    assert owner.half.connection.execute("SELECT count(*) FROM attempt").fetchone() == (0,)
    owner.half.connection.execute(
        "INSERT INTO attempt (delivery, number, started_ms, version) VALUES (?, 1, ?, 1)",
        (waits, owner.half.clock_ms()),
    )
    owner.set_ms = 0  # set right while the service was down
    now_ms = owner.wall_ms()
    owner.half.leaps.begin(now_ms)
    assert owner.due_ms(waits) - now_ms == HOUR_MS


def test_a_date_that_was_wrong_from_the_start_makes_nothing_older() -> None:
    owner = Owner()
    old = owner.accept()
    owner.set_ms = 8 * DAY_MS  # the process begins with it
    owner.half.leaps.begin(owner.wall_ms())
    assert owner.half._steady is not None
    owner.half._steady.follow(8 * DAY_MS)
    young = owner.accept()
    owner.leap(-8 * DAY_MS)
    assert owner.age_s(old) == SURE_AFTER_S and owner.age_s(young) == SURE_AFTER_S
    owner.half.close()


def test_a_clock_that_leaps_all_the_time_costs_a_bounded_table(owner: Owner) -> None:
    for number in range(300):
        owner.accept()
        owner.leap(DAY_MS if number % 2 else -DAY_MS)
    [(count,)] = owner.half.connection.execute("SELECT count(*) FROM leap")
    assert count == 256
