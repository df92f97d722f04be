"""What a replay is asked for: read whole, or refused with everything that is wrong with it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.states import State
from tidings.core.ids import show
from tidings.core.replay import IDS_MAX, ReplayKind
from tidings.core.replay_rules import NARROWS, ReplayRequest, read_request
from tidings.errors import FieldRefusal

HOOK = {"webHookId": "0123456789abcdef01234567"}


def request(kind: ReplayKind = ReplayKind.REPLAY, /, **body: Any) -> ReplayRequest:
    """A body that is taken."""
    read = read_request(kind, (HOOK if kind is ReplayKind.REPLAY else {}) | body)
    assert isinstance(read, ReplayRequest), read
    return read


def refused(kind: ReplayKind = ReplayKind.REPLAY, /, **body: Any) -> dict[str, FieldRefusal]:
    """What is wrong with a body, by its field."""
    read = read_request(kind, (HOOK if kind is ReplayKind.REPLAY else {}) | body)
    assert not isinstance(read, ReplayRequest)
    return {refusal.field: refusal for refusal in read}


@pytest.mark.parametrize(
    ("body", "states", "unmatched"),
    [
        ({}, {State.FAILED, State.PARKED}, False),
        ({"missedSince": 0}, {State.FAILED, State.PARKED}, True),
        ({"again": True}, {State.FAILED, State.PARKED, State.DELIVERED}, False),
        ({"toWebHookId": "b"}, {State.FAILED, State.PARKED, State.DELIVERED}, False),
        ({"eventIds": ["a"]}, {State.FAILED, State.PARKED, State.CANCELLED}, False),
        ({"states": ["cancelled", "unmatched"]}, {State.CANCELLED}, True),
    ],
)
def test_what_is_not_said_is_what_people_mean(
    body: dict[str, Any], states: set[State], unmatched: bool
) -> None:
    read = request(**body)
    assert read.states == {int(state) for state in states}
    assert read.unmatched is unmatched


def test_a_cancel_asks_for_all_that_is_unfinished() -> None:
    read = request(ReplayKind.CANCEL, eventNames=["pointsIssued"])
    assert read.states == {State.PENDING, State.HELD, State.RETRYING, State.WAITING}
    assert (read.webhook_id, read.names, read.dry_run) == (None, ("pointsIssued",), False)


def test_a_cancel_without_any_filter_is_refused() -> None:
    assert refused(ReplayKind.CANCEL)["webHookId"].code == "missing"
    assert refused(ReplayKind.CANCEL, states=["held"])["webHookId"].code == "missing"


NARROWED: dict[str, Any] = {
    "webHookId": "0123456789abcdef01234567",
    "eventNames": ["pointsIssued"],
    "from": 3,
    "to": 5,
    "search": "r-1",
    "deliveryIds": [show("dlv", 7)],
    "eventIds": ["e-1"],
}


@pytest.mark.parametrize("field", NARROWS)
def test_each_filter_alone_is_enough_for_a_cancel(field: str) -> None:
    read = request(ReplayKind.CANCEL, **{field: NARROWED[field]})
    assert read.states == {int(state) for state in State if not state.final}
    values: tuple[Any, ...] = (None, "", [])
    for nothing in values:
        found = read_request(ReplayKind.CANCEL, {field: nothing})
        assert not isinstance(found, ReplayRequest), f"nothing is no filter: {nothing!r}"


@pytest.mark.parametrize("kind", ReplayKind)
def test_a_misspelt_filter_is_refused_and_not_taken_for_none(kind: ReplayKind) -> None:
    assert refused(kind, eventName=["a"], to=5)["eventName"].code == "unknown_field"


def test_a_cancel_knows_nothing_of_rates() -> None:
    assert (
        refused(ReplayKind.CANCEL, to=5, ratePerSecond=3)["ratePerSecond"].code == "unknown_field"
    )


def test_times_are_milliseconds_or_rfc_3339() -> None:
    read = request(**{"from": "2026-02-11T09:15:00+00:00", "to": 1_770_801_300_001})
    assert (read.from_ms, read.to_ms) == (1_770_801_300_000, 1_770_801_300_001)
    others: list[Any] = ["yesterday", "2026-02-11", -1, True, 1.5, "2026-02-11T09:15:00", []]
    for wrong in others:
        assert refused(**{"from": wrong})["from"].code == "bad_time"
    assert refused(**{"from": 5, "to": 5})["to"].code == "bad_period"


def test_delivered_ones_need_again_or_another_webhook() -> None:
    assert refused(states=["delivered"])["states"].code == "again_needed"
    assert State.DELIVERED in request(states=["delivered"], again=True).states
    assert State.DELIVERED in request(states=["delivered"], toWebHookId="b").states


def test_again_comes_with_a_warning() -> None:
    [warning] = request(again=True).warnings
    assert "~" in warning.message and "eventId" in warning.message
    assert request().warnings == ()


@pytest.mark.parametrize("field", ["from", "toWebHookId", "deliveryIds", "eventIds"])
def test_missed_since_stands_alone(field: str) -> None:
    value: Any = {"from": 3, "toWebHookId": "b"}.get(field, [show("dlv", 1)])
    assert refused(missedSince=0, **{field: value})[field].code == "conflict"


def test_ids_are_read_and_bounded() -> None:
    read = request(
        deliveryIds=[show("dlv", 7), show("dlv", 7), show("dlv", 8)], eventIds=["a", "a"]
    )
    assert (read.deliveries, read.event_ids, read.listed) == ((7, 8), ("a",), True)
    for wrong in (["dlv_"], [7], [], "dlv", [show("rpl", 1)], ["x" * 200]):
        assert refused(deliveryIds=wrong)["deliveryIds"].code == "bad_ids"
    assert refused(eventIds=["no space"])["eventIds"].code == "bad_ids"
    many = refused(eventIds=["a"] * (IDS_MAX + 1))["eventIds"]
    assert "100,001 items" not in many.message and "100001 items" in many.message


@pytest.mark.parametrize("rate", [0, -1, 5001, "fast", True])
def test_a_rate_is_a_number_in_its_bounds(rate: Any) -> None:
    assert "ratePerSecond" in refused(ratePerSecond=rate)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = refused(**{"from": "x", "states": ["gone"], "again": "yes", "eventNames": []})
    assert set(found) == {"from", "states", "again", "eventNames"}


def test_messages_have_four_parts() -> None:
    message = refused(states=["gone"])["states"].message
    for part in ("states must be", 'got a list of "gone"', "Leave it out", "(bad_states, field"):
        assert part in message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = [
    *("webHookId", "toWebHookId", "missedSince", "eventNames", "from", "to", "states", "search"),
    *("deliveryIds", "eventIds", "again", "ratePerSecond", "dryRun", "start", "other"),
]


@given(st.dictionaries(st.sampled_from(FIELDS), json_values), st.sampled_from(list(ReplayKind)))
def test_whatever_comes_is_read_or_refused_in_words(body: dict[str, Any], kind: ReplayKind) -> None:
    read = read_request(kind, body)
    if not isinstance(read, ReplayRequest):
        assert read and all(refusal.message.endswith(")") for refusal in read)
        assert len(json.dumps([refusal.message for refusal in read])) < 20_000
