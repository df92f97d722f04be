"""A brand's Tidings behind another one: what the first delivers the second accepts, once."""

import json

from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until
from tests.sources.trials.inbound import inbound_trial

EVENTS, CUSTOMERS = 400, 7


def test_behind_another_tidings_nothing_is_lost_and_nothing_is_accepted_twice(
    own_service: NewService, receiver: Receiver
) -> None:
    """Both are killed while events go through. The brand's own receiver gets the bytes that the
    platform was sent, and each customer's events in their order. The long form is a figure."""
    path = receiver.path()
    sent: dict[str, bytes] = {}

    def begun(brand: Api) -> None:
        brand.webhook(receiver.url(path), "action", ordering="key")

    books = inbound_trial(own_service, EVENTS, CUSTOMERS, begun, sent)
    assert books.accepted == books.due
    until(lambda: len(receiver.known_ids(path)) >= EVENTS, "every event at the brand")
    order: dict[int, list[str]] = {}
    for arrival in receiver.arrivals(path):
        body = json.loads(arrival.body)
        assert arrival.body == sent[body["eventId"]]
        seen = order.setdefault(body["data"]["customerIdentifiers"]["customerId"], [])
        if body["eventId"] not in seen:
            seen.append(body["eventId"])
    ids = list(sent)
    for customer, seen in order.items():
        assert seen == ids[customer::CUSTOMERS]
