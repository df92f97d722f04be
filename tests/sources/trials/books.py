"""What senders have told of, against what was accepted of it.

Every event says its customer and its number, and a customer's numbers begin at 1 without a gap. So
what must have been accepted of a customer is known from its count alone.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.store.books import ask
from tests.e2e.harness.until import until

BODIES = "SELECT b.bytes FROM event e JOIN body b USING (seq) ORDER BY seq"
KILLED_AT, RESTARTED_AT, KILLED_AGAIN_AT = 0.1, 0.3, 0.5  # of the events that are accepted
LOOK_S = 0.05


def data_of(customer: int, number: int) -> dict[str, object]:
    """The payload of an event."""
    return {"totalPointsIssued": number, "customerIdentifiers": {"customerId": customer}}


@dataclass(frozen=True)
class Books:
    """By customer: how many events were told of, and the numbers accepted, in their order."""

    told: Mapping[int, int]
    accepted: Mapping[int, Sequence[int]]
    seconds: float = 0.0

    @property
    def due(self) -> dict[int, list[int]]:
        """What must be accepted."""
        return {customer: list(range(1, count + 1)) for customer, count in self.told.items()}

    @property
    def events(self) -> int:
        """How many were told of."""
        return sum(self.told.values())

    @property
    def lost(self) -> int:
        """How many of them were not accepted."""
        return sum(
            len(set(numbers) - set(self.accepted.get(customer, ())))
            for customer, numbers in self.due.items()
        )

    @property
    def unasked(self) -> int:
        """How many were accepted that nobody has told of."""
        return sum(
            len(set(numbers) - set(range(1, self.told.get(customer, 0) + 1)))
            for customer, numbers in self.accepted.items()
        )

    @property
    def twice(self) -> int:
        """How many were accepted once more."""
        return sum(len(numbers) - len(set(numbers)) for numbers in self.accepted.values())

    @property
    def out_of_order(self) -> int:
        """How many came after a later one of their customer."""
        return sum(
            later < earlier
            for numbers in self.accepted.values()
            for earlier, later in pairwise(numbers)
        )


def accepted_count(service: ServiceProcess) -> int:
    """How many events are accepted, from the store's file."""
    return int(ask(service.data, "SELECT count(*) FROM event")[0][0])


def accepted_of(service: ServiceProcess) -> dict[int, list[int]]:
    """By customer the numbers accepted, in the order of their acceptance."""
    found: dict[int, list[int]] = {}
    for (body,) in ask(service.data, BODIES):
        data = json.loads(body)["data"]
        customer = data["customerIdentifiers"]["customerId"]
        found.setdefault(customer, []).append(data["totalPointsIssued"])
    return found


def killed_on_the_way(
    service: ServiceProcess,
    restart: Callable[[], None],
    tell: Callable[[], None],
    told: Callable[[], Mapping[int, int]],
    events: int,
) -> Books:
    """The service is killed twice while somebody tells of events, and in between what they come
    from is restarted. Returns when all that was told of is accepted."""
    bound_s = 60 + events / 50
    began = time.monotonic()

    def reach(count: int, what: str) -> None:
        def there() -> bool:
            time.sleep(LOOK_S)
            return accepted_count(service) >= count

        until(there, what, bound_s)

    teller = threading.Thread(target=tell, daemon=True)  # where the trial fails it never ends
    teller.start()
    reach(int(events * KILLED_AT), "the first events")
    service.kill_all()
    service.start()
    reach(int(events * RESTARTED_AT), "events after the first kill")
    restart()
    reach(int(events * KILLED_AGAIN_AT), "events after the restart")
    service.kill_all()
    service.start()
    teller.join()
    counts = told()
    assert sum(counts.values()) >= events, "who tells of events has failed"
    reach(sum(counts.values()), "every event")
    return Books(counts, accepted_of(service), time.monotonic() - began)
