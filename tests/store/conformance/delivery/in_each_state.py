"""A delivery in every state, for what is promised of all of them."""

from tests.store.conformance.subject import Subject
from tests.store.rows import HOUR_MS, event, failing, new, settled, waiting
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port


def one_in_each_state(subject: Subject, webhook: int) -> dict[State, int]:
    """Make a delivery of a webhook in every state, by the state; the one before that which is held
    is the first of its key."""
    found: dict[State, int] = {}
    parked = event("in state parked", new(webhook, parked=True))
    found[State.PARKED] = subject.commit(parked).firsts[0]
    keyed = (event(f"in state held {number}", new(webhook, 5)) for number in range(2))
    _, found[State.HELD] = subject.commit(*keyed).firsts
    plain = [state for state in State if state not in found]
    made = [event(f"in state {state.word}", new(webhook)) for state in plain]
    found |= zip(plain, subject.commit(*made).firsts, strict=True)
    cut = port.CancelSlice([DeliveryId(found[State.CANCELLED])], "me")
    subject.commit(version=0, cancels=[cut])
    subject.commit(
        settled=[
            settled(found[State.DELIVERED], webhook=webhook),
            settled(found[State.FAILED], State.FAILED, webhook=webhook, status=400),
            failing(found[State.RETRYING], HOUR_MS, webhook=webhook),
            waiting(found[State.WAITING], webhook=webhook),
        ]
    )
    assert subject.states(*found.values()) == list(found)
    return found
