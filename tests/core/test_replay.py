"""A replay by itself: its states, what becomes of an event, its pace, its sentences."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.states import State
from tidings.core.ids import OrgId, message_id, read, replayed_id
from tidings.core.replay import (
    STEPS,
    JobState,
    ReplayDecision,
    ReplayPace,
    ReplayTransition,
    after,
    announcement,
    before,
    cancel_announcement,
    combined_state,
    decide,
    progress,
    step,
)

FAILED, DELIVERED, PARKED = State.FAILED, State.DELIVERED, State.PARKED
states = st.lists(st.sampled_from(list(State)), max_size=4)


def test_every_pair_of_state_and_step_moves_as_written_or_not_at_all() -> None:
    for state, what in itertools.product(JobState, ReplayTransition):
        to = step(state, what)
        if state.final:
            assert to is None, "a final state is left by nothing"
        elif what is ReplayTransition.CANCEL:
            assert to is JobState.CANCELLED
        elif what is ReplayTransition.FAIL:
            assert to is JobState.FAILED
        else:
            assert to == STEPS.get((state, what))


def test_a_step_leads_to_one_state_and_knows_where_it_can_be_taken() -> None:
    for what in ReplayTransition:
        assert {to for (_, step), to in STEPS.items() if step is what} == {after(what)}
        assert set(before(what)) == {state for state in JobState if step(state, what)}


def test_every_state_is_reached_and_every_unfinished_one_can_be_left() -> None:
    assert {JobState.COUNTING, *STEPS.values()} == set(JobState)
    assert {state for state, _ in STEPS} == {state for state in JobState if not state.final}


@given(st.lists(st.sampled_from(list(ReplayTransition)), max_size=20))
def test_whatever_happens_a_job_that_has_ended_stays_as_it_is(
    steps: list[ReplayTransition],
) -> None:
    state = JobState.COUNTING
    for what in steps:
        to = step(state, what)
        assert to is None or not state.final
        state = to or state


@pytest.mark.parametrize(
    ("found", "amounts_to"),
    [
        ([], None),
        ([FAILED], FAILED),
        ([FAILED, DELIVERED, PARKED], DELIVERED),
        ([FAILED, State.RETRYING], State.RETRYING),
        ([State.RETRYING, FAILED], State.RETRYING),
        ([State.HELD, State.PENDING, PARKED], State.HELD),
        ([State.CANCELLED, FAILED], FAILED),
    ],
)
def test_what_the_deliveries_of_an_event_amount_to(
    found: list[State], amounts_to: State | None
) -> None:
    assert combined_state(found) is amounts_to


WANTED = frozenset({FAILED, PARKED})


@pytest.mark.parametrize("state", State)
def test_a_delivery_in_any_state_is_taken_for_what_it_is(state: State) -> None:
    assert combined_state([state]) is state
    assert state.final or combined_state([FAILED, state]) is state
    assert combined_state([state, DELIVERED]) is DELIVERED
    of_target = decide(WANTED, False, False, [FAILED], [state], True)
    if state is DELIVERED:
        assert of_target is ReplayDecision.DELIVERED
    else:
        assert of_target is (ReplayDecision.MAKE if state.final else ReplayDecision.UNDER_WAY)
    of_source = decide(WANTED, False, False, [state], [], True)
    assert of_source is (ReplayDecision.MAKE if state in WANTED else ReplayDecision.OTHER)


@pytest.mark.parametrize(
    ("source", "target", "decision"),
    [
        ([FAILED], [FAILED], ReplayDecision.MAKE),
        ([FAILED], [], ReplayDecision.MAKE),
        ([PARKED, FAILED], [FAILED], ReplayDecision.MAKE),
        ([DELIVERED], [], ReplayDecision.OTHER),
        ([], [], ReplayDecision.OTHER),
        ([State.PENDING], [], ReplayDecision.OTHER),
        ([FAILED, State.PENDING], [], ReplayDecision.OTHER),
        ([FAILED, DELIVERED], [], ReplayDecision.OTHER),  # an earlier replay has delivered it
        ([FAILED], [State.RETRYING], ReplayDecision.UNDER_WAY),
        ([FAILED], [DELIVERED], ReplayDecision.DELIVERED),
    ],
)
def test_what_becomes_of_an_event(
    source: list[State], target: list[State], decision: ReplayDecision
) -> None:
    assert decide(WANTED, False, False, source, target, True) is decision


def test_an_event_without_a_delivery_is_made_where_it_was_asked_for() -> None:
    assert decide(WANTED, True, False, [], [], True) is ReplayDecision.MAKE
    assert decide(WANTED, True, False, [], [DELIVERED], True) is ReplayDecision.DELIVERED


def test_what_was_delivered_is_made_again_only_where_it_was_asked_for() -> None:
    both = WANTED | {DELIVERED}
    assert decide(both, False, True, [DELIVERED], [DELIVERED], True) is ReplayDecision.MAKE_AGAIN
    assert decide(both, False, False, [DELIVERED], [DELIVERED], True) is ReplayDecision.DELIVERED


def test_without_its_payload_nothing_is_made() -> None:
    assert decide(WANTED, False, False, [FAILED], [FAILED], False) is ReplayDecision.NO_BODY


@given(
    states,
    states,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from(list(State))),
)
def test_nothing_is_made_beside_an_unfinished_delivery_or_again_without_asking(
    source: list[State],
    target: list[State],
    unmatched: bool,
    again: bool,
    has_body: bool,
    wanted: frozenset[State],
) -> None:
    decision = decide(wanted, unmatched, again, source, target, has_body)
    at = combined_state(target)
    if decision in (ReplayDecision.MAKE, ReplayDecision.MAKE_AGAIN):
        assert has_body and (at is None or at.final)
        assert (decision is ReplayDecision.MAKE_AGAIN) == (at is DELIVERED)
        assert at is not DELIVERED or again


@given(st.floats(0.1, 500), st.lists(st.floats(0, 3), max_size=40), st.integers(1, 100))
def test_a_pace_admits_no_more_than_its_rate_and_a_second_of_it(
    rate: float, pauses: list[float], most: int
) -> None:
    now, made = 100.0, 0
    pace = ReplayPace(rate, now)
    for pause in pauses:
        now += pause
        count = pace.allow(now, most)
        assert 0 <= count <= most
        pace.used(count)
        made += count
        assert made <= rate * (now - 100.0) + max(1.0, rate) + 1e-3


def test_what_was_not_used_can_be_used_later() -> None:
    pace = ReplayPace(5.0, 0.0)
    allowed = pace.allow(1.0, 10)
    assert allowed and pace.allow(1.0, 10) == allowed
    pace.used(1)
    assert pace.allow(1.0, 10) == allowed - 1
    assert pace.wait_s(1.0) == 0.0
    pace.used(10)
    assert pace.wait_s(1.0) > 0


def test_progress_says_how_far_and_how_long() -> None:
    assert progress(JobState.COUNTING, 0, None, 20).left_s is None
    half = progress(JobState.RUNNING, 50, 100, 10)
    assert (half.share, half.left_s) == (0.5, 5.0)
    assert progress(JobState.RUNNING, 0, 0, 10).share == 1.0
    assert progress(JobState.CANCELLED, 25, 100, 10) == progress(JobState.FAILED, 25, 100, 10)
    assert progress(JobState.FINISHED, 90, 100, 10).share == 1.0


def test_the_sentence_before_a_replay() -> None:
    assert announcement(512, True, "acme.example", 20) == (
        "This sends 512 requests to acme.example, about 26 s."
    )
    assert announcement(1, True, "acme.example", 20) == (
        "This sends 1 request to acme.example, about 1 s."
    )
    assert announcement(1_000_000, False, "acme.example", 100) == (
        "This sends at least 1,000,000 requests to acme.example, about 2.8 h."
    )
    assert announcement(0, True, "acme.example", 20) == (
        "This sends nothing to acme.example: no event fits."
    )
    assert cancel_announcement(1, True) == "This cancels 1 delivery, for good."
    assert cancel_announcement(0, True) == "This cancels nothing: no unfinished delivery fits."


def test_an_event_that_is_sent_again_has_the_replay_behind_its_id() -> None:
    id = replayed_id(message_id(OrgId(7), "order:1"), 3)
    message, _, replay = id.partition("~")
    assert message == message_id(OrgId(7), "order:1") and read("rpl", replay) == 3
