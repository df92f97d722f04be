"""What was accepted, against what has arrived at a destination whose server was away for a while.

Every event says its customer and its number, and a customer's numbers begin at 0 without a gap. A
message may arrive twice, where its confirmation was lost; first arrivals are in order.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.e2e.harness.events import new_id
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until

CUSTOMERS, BATCH = 50, 100
RESTARTED_AT, KILLED_AT = 0.4, 0.7  # of the deliveries
Arrival = tuple[int, int]  # customer and number


class Destination(Protocol):
    """What a trial needs of a destination."""

    @property
    def name(self) -> str:
        """As it is printed."""

    @property
    def connections(self) -> str:
        """The operator's file of connections."""

    @property
    def webhook(self) -> dict[str, Any]:
        """The fields of a webhook that leads there."""

    def restart(self) -> None:
        """End its server as a crash does, and start it again."""

    def arrivals(self) -> list[Arrival]:
        """All that has arrived; of each customer in the order of arrival."""


@dataclass(frozen=True)
class Ledger:
    """A trial that has ended."""

    events: int
    arrivals: Sequence[Arrival]
    rate: float  # deliveries a second until the restart
    seconds: float

    @property
    def lost(self) -> int:
        """How many have not arrived."""
        due = {(n % CUSTOMERS, n // CUSTOMERS) for n in range(self.events)}
        return len(due - set(self.arrivals))

    @property
    def repeats(self) -> int:
        """How many have arrived once more."""
        return len(self.arrivals) - len(set(self.arrivals))

    @property
    def out_of_order(self) -> int:
        """How many have arrived for the first time after a later one of their customer."""
        seen: set[Arrival] = set()
        newest: dict[int, int] = {}
        late = 0
        for customer, number in self.arrivals:
            if (customer, number) not in seen:
                seen.add((customer, number))
                late += number < newest.get(customer, -1)
                newest[customer] = max(number, newest.get(customer, -1))
        return late


def arrival_of(body: bytes) -> Arrival:
    """Of a message."""
    data = json.loads(body)["data"]
    return int(data["customerIdentifiers"]["customerId"]), int(data["totalPointsIssued"])


def event_of(n: int) -> dict[str, object]:
    """The event of this number among all."""
    data = {
        "totalPointsIssued": n // CUSTOMERS,
        "customerIdentifiers": {"customerId": n % CUSTOMERS},
    }
    return {"eventName": "pointsIssued", "eventId": new_id(), "data": data}


def restarted_on_the_way(
    new_service: Callable[..., ServiceProcess],
    destination: Destination,
    folder: Path,
    events: int,
    *,
    kills: bool = False,
    begun: Callable[[ServiceProcess, str], None] = lambda service, webhook: None,
) -> Ledger:
    """Its server is restarted while messages go there; with `kills` the service is killed too.
    `begun` is told of the service and of the webhook's id."""
    file = folder / "connections.toml"
    file.write_text(destination.connections)
    service = new_service(connections=file).start()
    with service.api(ORG) as api:
        hook = api.webhook("", ordering="key", maxAllowedConnections=100, **destination.webhook)
    begun(service, hook["webHookId"])
    began = time.monotonic()
    bound_s = 90 + events / 50
    sending = threading.Thread(target=_send, args=(service, events))
    sending.start()

    def reach(count: int) -> float:
        def there() -> bool:
            time.sleep(0.1)
            try:
                with service.api(ORG) as api:
                    return api.counts()["delivered"] >= count
            except OSError:
                return False

        until(there, f"{count} deliveries", bound_s)
        return time.monotonic() - began

    first = int(events * RESTARTED_AT)
    rate = first / reach(first)
    destination.restart()
    if kills:
        reach(int(events * KILLED_AT))
        service.kill_all()
        service.start()
    sending.join()
    seconds = reach(events)
    return Ledger(events, destination.arrivals(), rate, seconds)


def _send(service: ServiceProcess, events: int) -> None:
    """All events in order, each call once more where its answer was lost: an id is taken once."""
    for begin in range(0, events, BATCH):
        lines = [json.dumps(event_of(n)) for n in range(begin, min(begin + BATCH, events))]
        body = "\n".join(lines).encode()

        def accepted(body: bytes = body) -> bool:
            try:
                with service.api(ORG) as api:
                    return api.post(body, "application/x-ndjson").status == 202
            except OSError:
                time.sleep(0.1)
                return False

        until(accepted, "events that are accepted")
