"""An event with more webhooks than one transaction makes deliveries for, killed in the middle."""

from functools import partial

from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG, ServiceProcess
from ..harness.store.books import owed
from ..harness.until import until

WEBHOOKS, TRIES = 120, 20


def test_killed_while_an_event_is_fanned_out_every_webhook_is_told_all_the_same(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(deliveries_at_once_max=1).start()
    paths = [receiver.path() for _ in range(WEBHOOKS)]
    with service.api() as api:
        hooks = [api.webhook(receiver.url(path), name=path) for path in paths]
    for _ in range(TRIES):
        event_id = killed_in_the_middle(service)
        if event_id is not None:
            break
        service.start()
    assert event_id is not None, f"{TRIES} kills came too late to show anything"
    service.start()
    for path in paths:
        until(partial(has_come, receiver, path, event_id), "the event at each")
    with service.api() as api:
        for hook in hooks:
            assert api.settled(event_id, hook)["state"] == "delivered"
        rows = api.get(f"/v1/events/{event_id}").must(200)["deliveries"]
        assert len(rows) == len({row["webHookId"] for row in rows}) == WEBHOOKS
    assert owed(service.data) == 0
    # Twice only what may have been on its way when the kill came.
    came = [row for path in paths for row in receiver.arrivals(path) if row.event_id == event_id]
    assert len(came) < 2 * WEBHOOKS


def killed_in_the_middle(service: ServiceProcess) -> str | None:
    """Kill the service while an event is fanned out. Return its id; None where the kill came too
    late, as it does where the service is faster than who looks at it."""
    event_id = new_id()
    with service.api() as api:
        api.accept(event(event_id, ORG))
        until(lambda: owed(service.data) < WEBHOOKS - 10, "some deliveries")
    service.kill_all()
    return event_id if owed(service.data) else None


def has_come(receiver: Receiver, path: str, event_id: str) -> bool:
    return event_id in receiver.known_ids(path)
