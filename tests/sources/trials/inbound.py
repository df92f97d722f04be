"""A Tidings behind another one, which is killed too: it is what the events come from."""

import json
import time
from collections import Counter
from collections.abc import Callable

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.sources.trials.books import Books, accepted_count, killed_on_the_way

CALLS = 400
LANES = 32  # requests at a time
AHEAD = 0.2  # of the events: sent to the first before the second has accepted those before them


def straight(brands: ServiceProcess) -> str:
    """Where the platform finds the brand, with nothing in between."""
    return f"http://127.0.0.1:{brands.port}"


def inbound_trial(
    new_service: NewService,
    events: int,
    customers: int,
    begun: Callable[[Api], None] = lambda brand: None,
    sent: dict[str, bytes] | None = None,
    *,
    found: Callable[[ServiceProcess], str] = straight,
    disturb: Callable[[], None] = lambda: None,
) -> Books:
    """`begun`: what the brand does before the first event; `sent`: by id, what the platform was
    sent; `found`: the address at which the platform finds the brand; `disturb`: what happens on the
    way before the platform is killed."""
    platforms, brands = new_service().start(), new_service().start()
    with brands.api(ORG) as brand, platforms.api(ORG) as platform:
        begun(brand)
        url = f"{found(brands)}/in/{ORG}/platform"
        hook = platform.webhook(url, ordering="key", maxAllowedConnections=LANES)
        proof = {"type": "standardWebhooks", "secret": hook["signingSecret"]}
        brand.send("POST", "/v1/sources", {"name": "platform", "verification": proof}).must(201)
    told: Counter[int] = Counter()

    def body(n: int) -> bytes:
        customer, id = n % customers, new_id()
        told[customer] += 1
        made = event(id, ORG, customer=customer, points=str(told[customer]))
        if sent is not None:
            sent[id] = made
        return made

    def send() -> None:
        per_call = max(1, events // CALLS)
        with platforms.api(ORG) as platform:
            for first in range(0, events, per_call):
                call = [body(n) for n in range(first, min(events, first + per_call))]
                while accepted_count(brands) < first - AHEAD * events:
                    time.sleep(0.05)
                while not _accepted(platform, b"[" + b",".join(call) + b"]"):
                    time.sleep(0.05)

    def restart() -> None:
        disturb()
        platforms.kill_all()
        platforms.start()

    books = killed_on_the_way(brands, restart, send, lambda: told, events)
    with brands.api(ORG) as brand:
        shown = brand.get("/v1/sources/platform").must(200)
        assert shown["asideMessages"] == 0 and shown["lastHour"]["refused"] == 0
    return books


def _accepted(platform: Api, body: bytes) -> bool:
    """False where no answer comes: then it is sent again, and what was kept of it is known."""
    try:
        rows = json.loads(platform.post(body).body)["events"]
    except OSError:
        return False
    assert all(row["status"] in ("accepted", "duplicate") for row in rows), rows[:3]
    return True
