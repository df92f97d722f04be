"""The moment on which work that is looked at counts as a sign of life."""

import pytest

from tidings.core.running.heartbeat import AwakeClock
from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import SOON_S, Heart

PART = ServicePart("the part", "nothing follows")


def heart(clock: AwakeClock, silent_s: float | None = None) -> Heart:
    asked = None if silent_s is None else lambda: silent_s
    made = Heart(PART, clock, slice_s=1.0, grace_s=1.0, silent_s=asked)
    made.begin()
    return made


@pytest.mark.parametrize(("silent_s", "is_alive"), [(SOON_S, True), (SOON_S + 0.001, False)])
def test_work_that_has_waited_for_a_moment_is_a_sign_of_life(
    silent_s: float, is_alive: bool
) -> None:
    clock = AwakeClock(0.0, 1.0)
    watched = heart(clock, silent_s)
    clock.now_s = 5.0
    watched.look()
    assert (watched.pulse.beat_s == 5.0) is is_alive
