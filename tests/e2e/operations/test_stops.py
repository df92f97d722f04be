"""Every kind of stop: nothing accepted is lost, and only what was in flight is sent again."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests import forked
from tests.loops.own_time import own_time

from ..harness.events import event, new_id
from ..harness.pump import Pump, all_arrive
from ..harness.receiver import Receiver
from ..harness.service import ORG, ServiceProcess, environment, free_port
from ..harness.store.books import lost_attempts, operational_events, sound
from ..harness.until import until

NewService = Callable[..., ServiceProcess]


def repeats(receiver: Receiver, path: str) -> dict[str, int]:
    """By event id: how often more than once it came."""
    counts = Counter(arrival.event_id for arrival in receiver.arrivals(path))
    return {event_id: count - 1 for event_id, count in counts.items() if count > 1}


def explained(receiver: Receiver, path: str, data: Path) -> dict[str, int]:
    """The repeats, each within the attempts that the store says were lost, all with one id."""
    found, lost = repeats(receiver, path), lost_attempts(data)
    assert all(count <= lost.get(event_id, 0) for event_id, count in found.items())
    messages = {arrival.event_id: arrival.message for arrival in receiver.arrivals(path)}
    assert all(a.message == messages[a.event_id] for a in receiver.arrivals(path))
    return found


def test_sigterm_under_load_ends_in_time_and_loses_and_repeats_nothing(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(drain_s=10).start()
    path = receiver.path(held=True)  # so that some waits, however slow the machine is
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=20)
    pump = Pump(service.api, ORG)
    pump.wait(300)
    with own_time() as took_s:
        service.signal(signal.SIGTERM)
        until(lambda: pump.refused or pump.unanswered, "a stop that has begun")
        receiver.plan(path)  # what was under way is answered
        assert service.wait() == 0
    assert took_s() < 10 + 6
    acknowledged = pump.stop()
    assert lost_attempts(service.data) == {}
    before = len(receiver.arrivals(path))
    assert before < len(acknowledged) + len(pump.unanswered)
    service.start()
    all_arrive(receiver, path, acknowledged)
    with service.api() as api:
        api.drained()
    assert repeats(receiver, path) == {} and lost_attempts(service.data) == {}
    assert set(pump.refused.values()) <= {503}
    assert service.stop() == 0 and sound(service.data)


def test_a_stop_counts_as_possibly_sent_what_was_in_flight_and_nothing_else(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(drain_s=1).start()
    silent, healthy = receiver.path(mode="silent"), receiver.path()
    with service.api() as api:
        api.webhook(receiver.url(silent), name="silent", maxAllowedConnections=3)
        api.webhook(receiver.url(healthy), name="healthy", eventNames=["customerUpdated"])
        ids = [new_id() for _ in range(8)]
        api.accept(b"[" + b",".join(event(text, ORG) for text in ids) + b"]")
        in_flight = {arrival.event_id for arrival in receiver.wait(silent, 3)}
    assert service.stop() == 0
    assert len(receiver.arrivals(silent)) == 3 == len(in_flight)
    assert lost_attempts(service.data) == dict.fromkeys(in_flight, 1)
    receiver.plan(silent, status=200)
    service.start()
    with service.api() as api:
        for text in ids:
            told = api.settled(text)
            assert told["state"] == "delivered"
            numbers = [attempt["number"] for attempt in told["attemptList"]]
            assert numbers == ([1, 2] if text in in_flight else [1])
            if text in in_flight:
                assert told["attemptList"][0]["fault"] == "lost"
                assert "possibly sent" in told["attemptList"][0]["detail"]
    assert repeats(receiver, silent) == dict.fromkeys(in_flight, 1)


def test_sigint_is_a_clean_stop_too(own_service: NewService) -> None:
    service = own_service().start()
    service.signal(signal.SIGINT)
    assert service.wait() == 0


def test_killed_under_load_again_and_again_it_loses_nothing(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service()
    path = receiver.path()
    acknowledged: set[str] = set()
    for number in range(3):
        service.start()
        if not number:
            with service.api() as api:
                api.webhook(receiver.url(path), maxAllowedConnections=20)
        pump = Pump(service.api, ORG)
        pump.wait(150 + 50 * number)
        service.kill_all()
        acknowledged |= pump.stop()
        assert set(pump.refused.values()) <= {503}
    service.start()
    all_arrive(receiver, path, acknowledged)
    with service.api() as api:
        counts = api.drained()
        found = explained(receiver, path, service.data)
        for event_id in list(found)[:20]:
            told = api.delivery_of(event_id)
            lost = [row for row in told["attemptList"] if row["fault"] == "lost"]
            assert told["state"] == "delivered" and len(lost) >= found[event_id]
            numbers = [row["number"] for row in told["attemptList"]]
            assert numbers == list(range(1, told["attempts"] + 1))
    sent = counts["events"] - operational_events(service.data)
    assert counts["orphans"] == 0 and counts["delivered"] == sent
    assert service.stop() == 0 and sound(service.data)


def test_killed_while_retries_are_under_way_it_loses_nothing(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    path = receiver.path(each=[{"status": 500}], mode="silent")
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=10)
        ids = [new_id() for _ in range(9)]  # fewer failures than the breaker judges by
        api.accept(b"[" + b",".join(event(text, ORG) for text in ids) + b"]")
    receiver.wait(path, 18)  # nine first attempts, then nine that wait for an answer
    service.kill_all()
    receiver.plan(path, status=200)
    service.start()
    with service.api() as api:
        for text in ids:
            told = api.settled(text)
            assert told["state"] == "delivered"
            faults = [(a["number"], a["status"], a["fault"]) for a in told["attemptList"]]
            assert faults == [(1, 500, None), (2, None, "lost"), (3, 200, None)]


def test_without_its_writing_process_the_service_ends_by_itself_and_starts_again(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(drain_s=2).start()
    path = receiver.path()
    with service.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=20)
    pump = Pump(service.api, ORG)
    pump.wait(200)
    service.store_child("write").kill()
    assert service.wait() not in (0, None)
    acknowledged = pump.stop()
    assert "Tidings stops" in service.words()
    service.start()
    all_arrive(receiver, path, acknowledged)
    with service.api() as api:
        assert api.drained()["orphans"] == 0
    explained(receiver, path, service.data)
    assert service.stop() == 0 and sound(service.data)


def test_without_its_reading_process_the_service_goes_on_with_another_one(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service().start()
    path = receiver.path()
    with service.api(ORG) as api:
        api.webhook(receiver.url(path))
        before = service.store_child("read")
        before.kill()
        api.accept(event(new_id(), ORG))
        receiver.wait(path, 1)
        until(lambda: api.get("/v1/deliveries").status == 200, "an answer of the logs")
        assert service.store_child("read").pid != before.pid
    assert service.stop() == 0


def test_a_second_process_on_the_same_directory_is_refused(own_service: NewService) -> None:
    service = own_service().start()
    words = ["serve", "--dev", "--data", str(service.data), "--port", str(free_port())]
    second = forked.run([forked.SCRIPT, *words], env=environment(), timeout=120)
    assert second.returncode == 4
    assert str(service.pid) in second.stderr and str(service.data) in second.stderr
    with service.api() as api:
        assert api.get("/readyz").status == 200
    assert service.stop() == 0


def test_a_second_process_waits_for_an_owner_that_is_ending(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(drain_s=2).start()
    path = receiver.path(mode="silent")
    with service.api() as api:
        api.webhook(receiver.url(path))
        api.accept(event(new_id(), ORG))
    receiver.wait(path, 1)
    successor = own_service(data=service.data, drain_s=1)
    service.signal(signal.SIGTERM)
    successor.start()
    assert until(lambda: service.running.poll() is not None, "the owner is gone")
    assert service.wait() == 0 and successor.stop() == 0
