"""What is written of an attempt that has ended: when the next is due, and what is kept of it."""

import msgspec
import pytest

from tests.engine.shaping.sending_desk import HOOK, job
from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.delivery.outcome import DELIVERED, Failed, Outcome, Retry
from tidings.core.delivery.states import State
from tidings.engine.delivery import attempt_results

ANSWER = ReceiverAnswer(503, (), b"", False, 12.4)


def stale() -> TransportFault:
    return TransportFault(FaultKind.STALE, True, "", 1.0)


@pytest.mark.parametrize(
    ("ending", "outcome", "state", "delay_ms"),
    [
        (ANSWER, Retry(5.0), State.RETRYING, 5_000),
        (ANSWER, Retry(0.0), State.RETRYING, 1),
        (TransportFault(FaultKind.OURS, False, "", 1.0), Retry(0.0004), State.RETRYING, 1),
        (stale(), Retry(4.7, ours=True), State.RETRYING, 0),  # at once, on a new connection
        (TransportFault(FaultKind.LEASE, True, "", 1.0), Retry(0.0, ours=True), State.RETRYING, 0),
        (
            TransportFault(FaultKind.LEASE, True, "", 1.0),
            Retry(7.0, ours=True),
            State.RETRYING,
            7_000,
        ),
        (ANSWER, Failed(exhausted=True), State.FAILED, None),
        (msgspec.structs.replace(ANSWER, status=200), DELIVERED, State.DELIVERED, None),
    ],
)
def test_the_next_attempt_is_due_when_the_outcome_says_and_after_a_stale_connection_at_once(
    ending: Ending, outcome: Outcome, state: State, delay_ms: int | None
) -> None:
    row = attempt_results.settled(HOOK, job(), 1_000, ending, outcome)
    assert (row.state, row.delay_ms) == (state, delay_ms)
