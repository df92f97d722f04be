"""How receivers do, kept over restarts; and what becomes of deliveries behind an open breaker."""

import time
from collections import Counter

from tests.loops.own_time import own_time
from tests.store.conformance.subject import Subject
from tests.store.rows import EVIDENCE, ORG, event, failing, new, settled, webhook
from tidings.core.delivery.receivers.attempt_share import Past
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port

LATER_MS = 1 << 50


def state_of(subject: Subject, delivery: int) -> State:
    found = subject.ask(lambda asked: asked.delivery(DeliveryId(delivery)))
    assert found is not None
    return State(found.state)


def park(subject: Subject, before_ms: int = LATER_MS, limit: int = 100) -> int:
    return subject.ask(lambda asked: asked.park_expired(1, before_ms, limit))


def made(subject: Subject, ordering_key: int | None = None) -> None:
    subject.ask(lambda asked: asked.put_org(port.StoredOrg(ORG, "Org")))
    subject.ask(lambda asked: asked.put_webhook(webhook("one")))
    subject.commit(*[event(f"e{n}", new(1, ordering_key)) for n in range(3)])


def test_health_is_kept_replaced_and_removed(subject: Subject) -> None:
    for name in "abcd":
        subject.put_webhook(name)
    ill = port.StoredHealth(4, 1_000, 12, "503", 3, 9_000, 50)
    subject.ask(lambda asked: asked.put_healths([ill, port.StoredHealth(2, 5)]))
    subject.crash()
    assert list(subject.ask(lambda asked: asked.healths())) == [port.StoredHealth(2, 5), ill]
    subject.ask(lambda asked: asked.put_healths([port.StoredHealth(2)]))
    subject.ask(
        lambda asked: asked.put_healths([port.StoredHealth(4, 1_000, 13, "timeout", 4, 9_900, 70)])
    )
    assert list(subject.ask(lambda asked: asked.healths())) == [
        port.StoredHealth(4, 1_000, 13, "timeout", 4, 9_900, 70)
    ]


def test_health_of_a_webhook_that_is_not_there_is_not_kept(subject: Subject) -> None:
    """Its org has moved to another cell, and is to find nothing of before if it comes back."""
    subject.put_webhook("a")
    healths = [port.StoredHealth(number, failures=3) for number in (1, 2)]
    subject.ask(lambda asked: asked.put_healths(healths))
    assert list(subject.ask(lambda asked: asked.healths())) == healths[:1]


def past(subject: Subject, from_ms: int = 0, limit: int = 1_000) -> list[Past]:
    return list(subject.ask(lambda asked: asked.past_attempts(from_ms, 30_000, limit)))


def counted(found: list[Past]) -> Counter[tuple[int, str]]:
    counts: Counter[tuple[int, str]] = Counter()
    for past in found:
        counts[past.webhook, past.cause] += past.count
    return counts


def test_attempts_of_the_last_minutes_are_counted_by_webhook_and_cause(subject: Subject) -> None:
    subject.commit(*[event(f"p{n}", new(1), new(2)) for n in range(6)])
    fault = port.Evidence("timeout", "no answer in time", [], b"", False)
    ours = port.Evidence("ours", "the resolver is down", [], b"", False)
    subject.commit(
        settled=[settled(1), settled(3), settled(5, State.FAILED, status=400, evidence=EVIDENCE)]
        + [failing(7, 0), settled(2, webhook=2, evidence=EVIDENCE)]  # its answer is kept, and good
        + [settled(4, State.FAILED, webhook=2, status=None, evidence=fault)]
        + [settled(6, State.RETRYING, webhook=2, status=None, delay_ms=0, evidence=ours)]
    )
    assert counted(past(subject)) == {(1, ""): 2, (1, "400"): 1, (1, "503"): 1} | {
        (2, ""): 1,
        (2, "timeout"): 1,
    }
    [job] = subject.take()
    assert job.delivery == 7
    assert counted(past(subject))[1, "503"] == 1, "one that is under way has not ended"
    subject.commit(settled=[settled(7, attempt=2)])
    assert counted(past(subject))[1, ""] == 3 and counted(past(subject))[1, "503"] == 1


def test_attempts_stand_in_the_bucket_in_which_they_ended(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[settled(1), settled(2, State.FAILED, status=400, evidence=EVIDENCE)])
    done_ms = subject.ask(lambda asked: asked.delivery(DeliveryId(1))).done_ms  # type: ignore[union-attr]
    assert done_ms is not None
    [good] = past(subject, done_ms - 95_000)  # the failed one is dated 1970
    assert good == Past(1, 3, 1, "", done_ms)
    assert past(subject, done_ms - 30_000_000)[0].bucket == 9, "what is later is in the newest"
    [bad] = [past for past in past(subject, 0) if past.cause]
    assert bad == Past(1, 0, 1, "400", 1_012)
    assert past(subject, LATER_MS) == []


def test_attempts_of_before_a_webhook_was_last_set_active_do_not_count(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[failing(1, 0)])
    for version, standing in ((2, "paused"), (3, "active")):
        assert counted(past(subject)) == ({(1, "503"): 1} if version == 2 else {})
        one = webhook("one", number=1, version=version, status=standing)
        subject.ask(lambda asked, one=one: asked.put_webhook(one))  # type: ignore[misc]
    assert past(subject) == []


def test_only_the_newest_deliveries_are_looked_at_and_as_many_attempts(subject: Subject) -> None:
    subject.commit(*[event(f"n{n}", new(1)) for n in range(40)])
    subject.commit(settled=[settled(n) for n in range(1, 31)])
    assert counted(past(subject, limit=15)) == {(1, ""): 5}
    subject.commit(settled=[failing(n, 0, attempt=try_) for n in range(31, 41) for try_ in (1, 2)])
    assert sum(counted(past(subject, limit=12)).values()) <= 12


def test_ten_thousand_attempts_are_counted_within_a_start(subject: Subject) -> None:
    subject.commit(*[event(f"m{n}", *[new(w) for w in range(1, 51)]) for n in range(200)])
    answers = [failing if n % 7 == 0 else None for n in range(1, 10_001)]
    subject.commit(
        settled=[
            failing(n, 60_000, webhook=(n - 1) % 50 + 1)
            if answer
            else settled(n, webhook=(n - 1) % 50 + 1)
            for n, answer in enumerate(answers, 1)
        ]
    )
    before_s = time.process_time()
    found, took_s = subject.ask(timed_past)
    assert time.process_time() - before_s < 1 and took_s < 2
    assert sum(counted(found).values()) == 10_000 and len(found) == 100


async def timed_past(store: port.Store) -> tuple[list[Past], float]:
    with own_time() as took_s:
        found = await store.past_attempts(0, 30_000, 20_000)
    return list(found), took_s()


def test_what_has_waited_its_window_is_parked_and_the_rest_stays(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[failing(1, 60_000), settled(2)])
    accepted_ms = subject.ask(lambda asked: asked.delivery(DeliveryId(1))).accepted_ms  # type: ignore[union-attr]
    assert park(subject, accepted_ms) == 0
    assert park(subject) == 2
    assert [state_of(subject, element) for element in (1, 2, 3)] == [
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
    later = subject.ask(lambda asked: asked.delivery(DeliveryId(4)))
    assert later is not None and state_of(subject, 4) is State.HELD
    assert park(subject, later.accepted_ms) == 3
    assert state_of(subject, 4) is State.PENDING


def test_parking_in_slices_leaves_none_without_the_one_it_waits_for(subject: Subject) -> None:
    made(subject, ordering_key=9)
    assert park(subject, limit=1) == 1
    assert [state_of(subject, element) for element in (1, 2, 3)] == [
        State.PENDING,
        State.PARKED,
        State.HELD,
    ]
    assert park(subject) == 2


def test_taken_retries_are_due_again_but_for_the_held_ones(subject: Subject) -> None:
    made(subject)
    subject.commit(settled=[failing(element, 0) for element in (1, 2, 3)])
    assert len(subject.take()) == 3 and subject.take() == []
    subject.ask(lambda asked: asked.release(1, [DeliveryId(2)]))
    assert sorted(job.delivery for job in subject.take()) == [1, 3]
    numbers = [
        attempt.number for attempt in subject.ask(lambda asked: asked.attempts_of(DeliveryId(1)))
    ]
    assert numbers == [1, 2]  # it had not left: the number is that of the next one
