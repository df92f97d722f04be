"""A part is judged by its signs of life, and by the time in which the loop ran."""

import pytest

from tidings.core.running.heartbeat import (
    AwakeClock,
    PartCondition,
    Pulse,
    describe_finding,
    judge_part,
    judge_pulse,
)
from tidings.core.running.restarts import LAST_S, SOUND_AFTER_S, count_failures, restart_delay_s
from tidings.core.running.service_part import GRACE_S, SLEEP_SLICE_S, TELL_S, WORK_S, ServicePart

PART = ServicePart("retention", "data that is too old is kept")
VITAL = ServicePart("commits of events", "nothing is accepted", vital=True, restarts=False)
RUNS = Pulse(beat_s=100.0, due_s=120.0, running=True)
WAITS = Pulse(beat_s=100.0, due_s=125.0, restart_s=175.0, running=True)


@pytest.mark.parametrize(
    "pulse, now_s, condition",
    [
        (RUNS, 119.0, PartCondition.WELL),
        (RUNS, 120.0, PartCondition.WELL),
        (RUNS, 120.1, PartCondition.SILENT),
        (WAITS, 124.0, PartCondition.WELL),
        (WAITS, 125.0, PartCondition.WELL),
        (WAITS, 126.0, PartCondition.SLOW),
        (WAITS, 175.0, PartCondition.SLOW),
        (WAITS, 176.0, PartCondition.SILENT),
        (Pulse(), 1e6, PartCondition.WELL),  # not begun, or ended as it was meant to
        (Pulse(failures=2, failed_s=90.0), 91.0, PartCondition.DOWN),
        (Pulse(100.0, 120.0, True, 1, 95.0), 101.0, PartCondition.RESTARTED),
        (Pulse(200.0, 220.0, True, 1, 95.0), 201.0, PartCondition.WELL),
        (Pulse(0.0, 1e6, True, 1, 95.0), 95.0 + SOUND_AFTER_S, PartCondition.WELL),
        (Pulse(0.0, 1e6, True, 1, 95.0), 94.9 + SOUND_AFTER_S, PartCondition.RESTARTED),
        (Pulse(100.0, 120.0, True, 1, 95.0), 121.0, PartCondition.SILENT),
    ],
)
def test_the_condition_of_a_part(pulse: Pulse, now_s: float, condition: PartCondition) -> None:
    assert judge_pulse(pulse, now_s) is condition


def test_several_of_one_name_are_told_of_by_the_worst() -> None:
    found = judge_part(PART, [RUNS, Pulse(60.0, 80.0, True), RUNS], 110.0)
    assert found.condition is PartCondition.SILENT and found.for_s == 50.0
    assert judge_part(PART, [], 110.0).condition is PartCondition.WELL


def test_only_what_is_vital_and_does_not_work_stops_the_service() -> None:
    silent, down = Pulse(0.0, 1.0, True), Pulse(failures=1)
    again = Pulse(99.0, 120.0, True, 1, 98.0)
    told = [judge_part(part, [pulse], 100.0) for part in (PART, VITAL) for pulse in (silent, down)]
    assert [finding.stops_service for finding in told] == [False, False, True, True]
    assert not judge_part(VITAL, [again], 100.0).stops_service


@pytest.mark.parametrize(
    "pulse", [Pulse(0.0, 1.0, True), Pulse(failures=1), Pulse(99, 120, True, 1, 98)]
)
def test_what_is_told_names_the_part_and_what_follows(pulse: Pulse) -> None:
    for part in (PART, VITAL):
        text = describe_finding(judge_part(part, [pulse], 100.0))
        assert part.name in text and text.endswith(".") and "1 times" not in text
        if judge_pulse(pulse, 100.0) is not PartCondition.RESTARTED:
            assert part.stalls in text
    assert describe_finding(judge_part(PART, [RUNS], 101.0)) == ""


def test_a_part_that_waits_says_what_for_and_is_given_its_time() -> None:
    letters = ServicePart("letters", "nobody gets a letter", waits_for="the mail server")
    found = judge_part(letters, [WAITS], 126.0)
    assert (found.for_s, found.fails, found.stops_service) == (26.0, True, False)
    text = describe_finding(found)
    assert '"letters" has been waiting for the mail server for 26 s: nobody' in text
    assert "restart" not in text and text.endswith(".")
    assert "at one piece of work" in describe_finding(judge_part(PART, [WAITS], 126.0))
    assert judge_part(VITAL, [WAITS], 126.0).stops_service


def test_time_in_which_the_loop_stood_still_says_nothing_of_a_part() -> None:
    clock = AwakeClock(5.0, 1.0)
    for now_s in (
        6.0,
        7.0,
        307.0,
        308.0,
        300.0,
    ):  # it stood for five minutes; then a clock set back
        clock.tick(now_s)
    assert clock.now_s == 5.0


def test_a_hang_is_told_within_thirty_seconds_whatever_a_part_does() -> None:
    assert max(SLEEP_SLICE_S + GRACE_S, WORK_S, TELL_S) + 2 < 30


def test_restarts_come_more_and_more_rarely_until_one_holds() -> None:
    delays = [restart_delay_s(count) for count in range(1, 9)]
    assert delays[:3] == [1.0, 2.0, 4.0] and delays[-1] == LAST_S == restart_delay_s(10**6)
    assert count_failures(7, 1.0) == 8 and count_failures(7, SOUND_AFTER_S) == 1
