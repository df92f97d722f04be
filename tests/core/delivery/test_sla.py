"""When a delivery is late."""

import pytest

from tidings.core.delivery.sla import breach_ms, late

ACCEPTED = 1_000_000


@pytest.mark.parametrize(
    ("sla_s", "done_ms", "now_ms", "breached"),
    [
        (30, ACCEPTED + 29_999, ACCEPTED + 90_000, None),
        (30, ACCEPTED + 30_000, ACCEPTED + 90_000, None),  # the last moment is in time
        (30, ACCEPTED + 30_001, ACCEPTED + 90_000, ACCEPTED + 30_000),
        (30, None, ACCEPTED + 30_000, None),
        (30, None, ACCEPTED + 30_001, ACCEPTED + 30_000),
        (0, None, ACCEPTED + 10**9, None),  # 0 says the same as nothing
        (None, None, ACCEPTED + 10**9, None),
        (1, ACCEPTED, ACCEPTED, None),
    ],
)
def test_a_delivery_is_late_once_its_seconds_have_passed(
    sla_s: int | None, done_ms: int | None, now_ms: int, breached: int | None
) -> None:
    assert breach_ms(ACCEPTED, sla_s, done_ms, now_ms) == breached


def test_the_late_ones_are_counted() -> None:
    times = [(0, 1000), (0, 1001), (0, None), (5000, None)]
    assert late(times, 1, 5000) == 2
    assert late(times, None, 5000) == 0
