"""How receivers do, kept over restarts; and what becomes of deliveries behind an open breaker."""

import time

from tests.store.rows import ORG, event, failing, new, settled, webhook
from tests.store.subject import Subject
from tidings.core.delivery import State
from tidings.store import port

LATER_MS = 1 << 50


def state_of(subject: Subject, delivery: int) -> State:
    found = subject.ask(lambda asked: asked.delivery(delivery))
    assert found is not None
    return State(found.state)


def park(subject: Subject, before_ms: int = LATER_MS, limit: int = 100) -> int:
    return subject.ask(lambda asked: asked.park_expired(1, before_ms, limit))


def made(subject: Subject, ordering_key: int | None = None) -> None:
    subject.ask(lambda asked: asked.put_org(port.Org(ORG, "Org")))
    subject.ask(lambda asked: asked.put_webhook(webhook("one")))
    subject.commit(*[event(f"e{n}", new(1, ordering_key)) for n in range(3)])


def test_health_is_kept_replaced_and_removed(subject: Subject) -> None:
    ill = port.Health(4, 1_000, 12, "503", 3, 9_000, 50)
    subject.ask(lambda asked: asked.put_healths([ill, port.Health(2, 5)]))
    subject.crash()
    assert list(subject.ask(lambda asked: asked.healths())) == [port.Health(2, 5), ill]
    subject.ask(lambda asked: asked.put_healths([port.Health(2)]))
    subject.ask(
        lambda asked: asked.put_healths([port.Health(4, 1_000, 13, "timeout", 4, 9_900, 70)])
    )
    assert list(subject.ask(lambda asked: asked.healths())) == [
        port.Health(4, 1_000, 13, "timeout", 4, 9_900, 70)
    ]


def test_what_has_waited_its_window_is_parked_and_the_rest_stays(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[failing(1, 60_000), settled(2)])
    accepted_ms = subject.ask(lambda asked: asked.delivery(1)).accepted_ms  # type: ignore[union-attr]
    assert park(subject, accepted_ms) == 0
    assert park(subject) == 2
    assert [state_of(subject, one) for one in (1, 2, 3)] == [
        State.PARKED,
        State.DELIVERED,
        State.PARKED,
    ]
    assert park(subject) == 0


def test_a_retry_that_is_in_flight_is_not_parked(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[failing(1, 0)])
    assert [job.delivery for job in subject.take()] == [1]
    assert park(subject) == 2
    assert state_of(subject, 1) is State.RETRYING


def test_what_waited_behind_a_parked_one_may_be_sent(subject: Subject) -> None:
    made(subject, ordering_key=9)
    time.sleep(0.005)
    subject.commit(event("later", new(1, 9)))
    later = subject.ask(lambda asked: asked.delivery(4))
    assert later is not None and state_of(subject, 4) is State.HELD
    assert park(subject, later.accepted_ms) == 3
    assert state_of(subject, 4) is State.PENDING


def test_parking_in_slices_leaves_none_without_the_one_it_waits_for(subject: Subject) -> None:
    made(subject, ordering_key=9)
    assert park(subject, limit=1) == 1
    assert [state_of(subject, one) for one in (1, 2, 3)] == [
        State.PENDING,
        State.PARKED,
        State.HELD,
    ]
    assert park(subject) == 2


def test_taken_retries_are_due_again_but_for_the_held_ones(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[failing(one, 0) for one in (1, 2, 3)])
    assert len(subject.take()) == 3 and subject.take() == []
    subject.ask(lambda asked: asked.release(1, [2]))
    assert sorted(job.delivery for job in subject.take()) == [1, 3]
    numbers = [one.number for one in subject.ask(lambda asked: asked.attempts_of(1))]
    assert numbers == [1, 2]  # it had not left: the number is that of the next one
