"""A brand's Tidings behind another one: what the first delivers the second accepts, once."""

import json
from collections.abc import Callable

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until

EVENTS, CUSTOMERS = 400, 7


def listed(api: Api) -> list[str]:
    """The ids of all events of an org."""
    found: list[str] = []
    cursor = ""
    while True:
        page = api.get(f"/v1/events?limit=100{cursor}").must(200)
        found += [one["eventId"] for one in page["events"]]
        if (following := page["paging"]["next"]) is None:
            return found
        cursor = f"&cursor={following}"


def test_behind_another_tidings_nothing_is_lost_and_nothing_is_accepted_twice(
    own_service: Callable[..., ServiceProcess], receiver: Receiver
) -> None:
    """Both are killed while events go through. The brand's own receiver gets the bytes that the
    platform was sent, and each customer's events in their order."""
    platforms, brands = own_service().start(), own_service().start()
    path = receiver.path()
    with brands.api(ORG) as brand, platforms.api(ORG) as platform:
        brand.webhook(receiver.url(path), "action", ordering="key")
        url = f"http://127.0.0.1:{brands.port}/in/{ORG}/platform"
        hook = platform.webhook(url, ordering="key")
        proof = {"type": "standardWebhooks", "secret": hook["signingSecret"]}
        brand.send("POST", "/v1/sources", {"name": "platform", "verification": proof}).must(201)
        sent: dict[str, bytes] = {}
        for n in range(EVENTS):
            id = new_id()
            sent[id] = event(id, ORG, customer=n % CUSTOMERS, points=f"{n}.50")
            platform.accept(sent[id])
            killed = {EVENTS // 3: brands, EVENTS // 2: platforms, EVENTS * 3 // 4: brands}.get(n)
            if killed is not None:
                killed.kill_all()
                killed.start()
                brand.close()
                platform.close()
        until(lambda: len(receiver.known_ids(path)) >= EVENTS, "every event at the brand", 60)
        assert sorted(listed(brand)) == sorted(sent)
        shown = brand.get("/v1/sources/platform").must(200)
        assert shown["asideMessages"] == 0 and shown["lastHour"]["refused"] == 0
    order: dict[int, list[str]] = {}
    for one in receiver.arrivals(path):
        body = json.loads(one.body)
        assert one.body == sent[body["eventId"]]
        seen = order.setdefault(body["data"]["customerIdentifiers"]["customerId"], [])
        if body["eventId"] not in seen:
            seen.append(body["eventId"])
    ids = list(sent)
    for customer, seen in order.items():
        assert seen == ids[customer::CUSTOMERS]
