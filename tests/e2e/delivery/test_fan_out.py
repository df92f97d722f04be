"""An event with more webhooks than one transaction makes deliveries for, killed in the middle."""

from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG
from ..harness.store.books import owed
from ..harness.until import until

WEBHOOKS = 120


def test_killed_while_an_event_is_fanned_out_every_webhook_is_told_all_the_same(
    own_service: NewService, receiver: Receiver
) -> None:
    service = own_service(deliveries_at_once_max=1).start()
    paths = [receiver.path() for _ in range(WEBHOOKS)]
    with service.api() as api:
        hooks = [api.webhook(receiver.url(path), name=path) for path in paths]
        event_id = new_id()
        api.accept(event(event_id, ORG))
        until(lambda: owed(service.data) < WEBHOOKS - 10, "some deliveries")
    service.kill_all()
    assert owed(service.data) > 0, "the kill came too late to show anything"
    service.start()
    for path in paths:
        arrivals = receiver.wait(path, 1)
        assert {arrival.event_id for arrival in arrivals} == {event_id}
    with service.api() as api:
        for hook in hooks:
            assert api.settled(event_id, hook)["state"] == "delivered"
        rows = api.get(f"/v1/events/{event_id}").must(200)["deliveries"]
        assert len(rows) == len({row["webHookId"] for row in rows}) == WEBHOOKS
    assert owed(service.data) == 0
    # Twice only what may have been on its way when the kill came.
    assert sum(len(receiver.arrivals(path)) for path in paths) < 2 * WEBHOOKS
