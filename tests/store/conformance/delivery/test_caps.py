"""Caps in each adapter: counted before anything is done, once a delivery, and for a while."""

import msgspec
import pytest

from tests.store.conformance.subject import Subject
from tests.store.rows import event, new, settled
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port

DAY_MS = 86_400_000


def use(delivery: int, subject: bytes = b"7", webhook: int = 1, most: int = 1) -> port.CapUse:
    return port.CapUse(webhook, subject, DeliveryId(delivery), most, 30 * DAY_MS)


def take(subject: Subject, *uses: port.CapUse) -> list[bool]:
    """Which of them are admitted."""
    return [element is None for element in subject.ask(lambda store: store.take_caps(uses))]


def test_as_many_are_admitted_as_the_cap_says_of_each_subject_and_webhook(subject: Subject) -> None:
    asked = [use(number, most=2) for number in (1, 2, 3)]
    assert take(subject, *asked) == [True, True, False]
    assert take(subject, use(4, b"8"), use(5, webhook=2)) == [True, True]
    again_ms = subject.ask(lambda store: store.take_caps([use(3, most=2)]))[0]
    assert again_ms is not None and again_ms > 30 * DAY_MS


def test_a_delivery_is_counted_once_however_often_it_asks_and_a_crash_forgets_none(
    subject: Subject,
) -> None:
    assert take(subject, use(1)) == [True]
    subject.crash()
    assert take(subject, use(2), use(1), use(1)) == [False, True, True]


@pytest.mark.parametrize(
    "state", [state for state in State if state.final and state is not State.DELIVERED]
)
def test_what_was_never_done_counts_for_nobody(subject: Subject, state: State) -> None:
    first, second = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    assert take(subject, use(first), use(second)) == [True, False]
    subject.commit(settled=[settled(first, state, status=None)])
    assert take(subject, use(second)) == [True]
    assert take(subject, use(first)) == [False], "its turn has passed to the other"


def test_what_is_unfinished_or_delivered_counts(subject: Subject) -> None:
    first, second = subject.commit(event("a", new(1)), event("b", new(1))).firsts
    assert take(subject, use(first), use(second)) == [True, False]
    subject.commit(settled=[settled(first)])
    assert take(subject, use(second)) == [False]


def test_a_cap_that_looks_back_less_far_admits_sooner(subject: Subject) -> None:
    assert take(subject, use(1)) == [True]
    now = msgspec.structs.replace(use(2), within_ms=0)
    assert take(subject, now) == [True]
