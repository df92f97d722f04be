"""What a channel is sent: each incident once when it opens and once when it ends, in bounds."""

import zoneinfo
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.core.alerts.open_incidents import MINUTE, NOON, incident
from tidings.core.alerts.incident import OpenIncident
from tidings.core.alerts.plan import (
    GREW_EVERY_MS,
    PER_MINUTE,
    TOGETHER,
    AlertAct,
    AlertMark,
    ChannelTimes,
    mark_sent,
    plan_alerts,
)
from tidings.core.alerts.quiet import NO_QUIET, QuietRules, is_quiet

UTC = zoneinfo.ZoneInfo("UTC")


def times(quiet: QuietRules = NO_QUIET, sent_ms: list[int] | None = None) -> ChannelTimes:
    return ChannelTimes(MINUTE, quiet, UTC, sent_ms or [])


class Channel:
    """A channel that takes every message, as the engine sends them."""

    def __init__(self, *, acknowledges: bool = False) -> None:
        self.acknowledges = acknowledges
        self.marks: dict[str, AlertMark] = {}
        self.sent_ms: list[int] = []
        self.heard: list[tuple[AlertAct, str]] = []
        self.keys: Counter[str] = Counter()

    def round(self, opened: list[OpenIncident], now_ms: int, quiet: QuietRules = NO_QUIET) -> None:
        since = times(quiet, self.sent_ms)
        plan = plan_alerts(opened, self.marks, since, now_ms, acknowledges=self.acknowledges)
        for id in plan.ended:
            del self.marks[id]
        for message in plan.messages:
            self.sent_ms.append(now_ms)
            self.keys[message.key] += {AlertAct.OPENED: 1, AlertAct.ENDED: -1}.get(message.act, 0)
            sent = mark_sent(message, self.marks, now_ms)
            for told in message.incidents:
                self.heard.append((message.act, told.id))
                self.marks.pop(told.id, None)
            self.marks |= sent


def test_a_blip_wakes_nobody_and_what_stands_for_a_minute_is_sent_once() -> None:
    channel = Channel()
    channel.round([incident(1), incident(2)], NOON + MINUTE - 1)
    channel.round([incident(1)], NOON + MINUTE)
    channel.round([incident(1)], NOON + 2 * MINUTE)
    channel.round([], NOON + 3 * MINUTE)
    channel.round([], NOON + 4 * MINUTE)
    assert channel.heard == [(AlertAct.OPENED, "inc_1"), (AlertAct.ENDED, "inc_1")]


def test_growth_and_another_cause_are_sent_a_quarter_of_an_hour_apart() -> None:
    channel = Channel()
    channel.round([incident(1)], NOON + MINUTE)
    channel.round([incident(1, cause="timeout")], NOON + 2 * MINUTE)
    assert channel.heard == [(AlertAct.OPENED, "inc_1")]
    channel.round([incident(1, cause="timeout")], NOON + MINUTE + GREW_EVERY_MS)
    channel.round([incident(1, cause="timeout", grew=1)], NOON + MINUTE + 2 * GREW_EVERY_MS)
    channel.round([incident(1, cause="timeout", grew=1)], NOON + MINUTE + 3 * GREW_EVERY_MS)
    assert channel.heard[1:] == [(AlertAct.GREW, "inc_1")] * 2


def test_an_acknowledgement_is_sent_once_and_growth_after_it_all_the_same() -> None:
    channel, other = Channel(acknowledges=True), Channel()
    seen = msgspec.structs.replace(incident(1), acknowledged=True)
    worse = msgspec.structs.replace(seen, cause="timeout")
    for at in (channel, other):
        at.round([incident(1)], NOON + MINUTE)
        at.round([seen], NOON + 2 * MINUTE)
        at.round([worse], NOON + 3 * MINUTE)
        at.round([worse], NOON + MINUTE + GREW_EVERY_MS)
        at.round([worse], NOON + MINUTE + 2 * GREW_EVERY_MS)
        at.round([], NOON + MINUTE + 3 * GREW_EVERY_MS)
    assert [act for act, id in channel.heard if id == "inc_1"] == [
        AlertAct.OPENED,
        AlertAct.ACKNOWLEDGED,
        AlertAct.GREW,
        AlertAct.ENDED,
    ]
    assert [act for act, _ in other.heard] == [AlertAct.OPENED, AlertAct.GREW, AlertAct.ENDED]


def test_what_was_acknowledged_before_its_opening_was_sent_is_so_behind_it() -> None:
    channel = Channel(acknowledges=True)
    seen = msgspec.structs.replace(incident(1), acknowledged=True)
    channel.round([seen], NOON + MINUTE)
    channel.round([seen], NOON + 2 * MINUTE)
    channel.round([seen], NOON + 3 * MINUTE)
    assert [act for act, _ in channel.heard] == [AlertAct.OPENED, AlertAct.ACKNOWLEDGED]


def test_one_message_of_many_is_acknowledged_once_each_that_is_open_is() -> None:
    channel = Channel(acknowledges=True)
    many = [incident(number) for number in range(TOGETHER + 1)]
    channel.round(many, NOON + MINUTE)
    seen = [msgspec.structs.replace(known, acknowledged=True) for known in many]
    channel.round([*seen[:-1], many[-1]], NOON + 2 * MINUTE)
    assert {act for act, _ in channel.heard} == {AlertAct.OPENED}
    channel.round(seen[:-1], NOON + 3 * MINUTE)  # the last one has ended
    assert [act for act, _ in channel.heard[len(many) :]] == [AlertAct.ACKNOWLEDGED] * TOGETHER


def test_many_at_once_are_one_message_that_ends_with_the_last_of_them() -> None:
    channel = Channel()
    many = [incident(number) for number in range(TOGETHER + 1)]
    channel.round(many, NOON + MINUTE)
    assert len(channel.sent_ms) == 1
    assert len(channel.heard) == len(many)
    channel.round(many[1:], NOON + 2 * MINUTE)
    assert len(channel.sent_ms) == 1
    channel.round([], NOON + 3 * MINUTE)
    assert [act for act, _ in channel.heard[len(many) :]] == [AlertAct.ENDED] * TOGETHER
    assert len(channel.sent_ms) == 2
    assert not channel.marks


def test_what_opened_in_quiet_hours_is_sent_at_their_end_if_it_still_stands() -> None:
    night = QuietRules(begins="11:00", ends="13:00")
    channel = Channel()
    channel.round([incident(1), incident(2)], NOON + 2 * MINUTE, night)
    channel.round([incident(2)], NOON + 59 * MINUTE, night)
    assert not channel.heard
    channel.round([incident(2)], NOON + 60 * MINUTE, night)
    assert channel.heard == [(AlertAct.OPENED, "inc_2")]


def test_the_end_of_what_was_sent_goes_in_quiet_hours_too_and_muted_kinds_never_open() -> None:
    channel = Channel()
    channel.round([incident(1)], NOON + MINUTE)
    channel.round([], NOON + 2 * MINUTE, QuietRules(until_ms=NOON + 9 * MINUTE))
    assert channel.heard[-1] == (AlertAct.ENDED, "inc_1")
    muted = msgspec.structs.replace(incident(2), kind="degraded")
    channel.round([muted], NOON + 5 * MINUTE, QuietRules(kinds=("degraded",)))
    assert len(channel.heard) == 2


def test_hours_and_days_are_of_the_orgs_time_zone_and_a_night_is_of_the_day_it_begins() -> None:
    night = QuietRules(begins="22:00", ends="07:00", days=("mon",))
    kolkata = zoneinfo.ZoneInfo("Asia/Kolkata")  # 17:30 at noon
    hour = 60 * MINUTE
    assert not is_quiet(night, kolkata, NOON + 4 * hour)  # 21:30 on Monday
    assert is_quiet(night, kolkata, NOON + 5 * hour)  # 22:30
    assert is_quiet(night, kolkata, NOON + 13 * hour)  # 06:30 on Tuesday
    assert not is_quiet(night, kolkata, NOON + 14 * hour)  # 07:30
    assert not is_quiet(night, kolkata, NOON + 29 * hour)  # 22:30 on Tuesday
    weekend = QuietRules(days=("sat", "sun"))
    assert not is_quiet(weekend, UTC, NOON)
    assert is_quiet(weekend, UTC, NOON + 5 * 24 * hour)


rounds = st.lists(
    st.tuples(
        st.sets(st.integers(0, 7)),  # that stand
        st.integers(1_000, 200_000),  # until the next round
        st.booleans(),  # quiet
        st.sampled_from(["503", "timeout"]),
    ),
    max_size=25,
)


@given(rounds)
def test_each_key_opens_and_ends_by_turns_and_every_bound_holds(
    given_rounds: list[tuple[set[int], int, bool, str]],
) -> None:
    channel, now_ms, since = Channel(), NOON, dict[int, int]()
    for numbers, step_ms, quiet, cause in given_rounds:
        now_ms += step_ms
        since = {number: since.get(number, now_ms) for number in numbers}
        opened = [incident(number, since[number], cause) for number in numbers]
        before = {id: mark.key for id, mark in channel.marks.items()}
        channel.round(opened, now_ms, QuietRules(until_ms=now_ms + 1) if quiet else NO_QUIET)
        for id in channel.marks.keys() - before.keys():
            assert now_ms - since[int(id[4:])] >= MINUTE
            assert not quiet
        assert all(count in (0, 1) for count in channel.keys.values())
        assert {mark.key for mark in channel.marks.values()} == {
            key for key, count in channel.keys.items() if count
        }
        assert sum(at_ms > now_ms - MINUTE for at_ms in channel.sent_ms) <= PER_MINUTE
    for quiet_round in range(3):  # all ends are sent, within the bound of each minute
        channel.round([], now_ms + (quiet_round + 1) * MINUTE)
    assert not channel.marks
    assert not +channel.keys
