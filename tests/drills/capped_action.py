"""An action with a cap whose owner is killed and frozen: what has come to who is called, beside
what the cap allows for each customer."""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tests.drills.pair import Pair
from tests.drills.sender import Sender
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until

CAP, BURST = 2, 4  # acts for each customer, of so many events
NAME, DELAY_S, DONE_S = "offers", 0.1, 180.0
FIRST_CUSTOMER, PER_SENDER = 1_000_000, 1_000_000
FILE = """
org = {org}

[actions.{name}]
types = ["pointsIssued"]
cap = {{most = {cap}, within = "30d", subject = "event.data.customerIdentifiers.customerId"}}

[actions.{name}.call]
url = "{url}"
json = {{eventId = {{path = "event.eventId"}}}}
"""
UNFINISHED = (
    "SELECT count(*) FROM delivery d JOIN webhook w ON w.number = d.webhook"
    f" WHERE w.name = '{NAME}' AND d.state IN (0, 1, 2, 7)"
)


class CapBooks(NamedTuple):
    """`over`: customers for whom it was done for more events than the cap allows; `short`: for
    fewer; `repeats`: calls for an event that had been called for."""

    customers: int
    acts: int
    over: int
    short: int
    repeats: int


def in_bursts(number: int, turn: int) -> int:
    """Choose the customer of a sender's next event: new ones all the time, of whom each has more
    events than the cap allows."""
    return FIRST_CUSTOMER + number * PER_SENDER + turn // BURST


class CappedAction:
    """Its file, and what it calls."""

    def __init__(self, receiver: Receiver, directory: Path) -> None:
        self._receiver = receiver
        self._path = receiver.path(delay=DELAY_S)
        self.file = directory / "actions.toml"
        url = receiver.url(self._path)
        self.file.write_text(FILE.format(org=ORG, name=NAME, cap=CAP, url=url))

    def close(self, pair: Pair, senders: list[Sender]) -> CapBooks:
        """Wait until nothing is left to do, and close the books."""
        until(lambda: pair.ask(UNFINISHED) == [(0,)], "no unfinished act", DONE_S)
        customer_of = {
            event_id: customer
            for sender in senders
            for customer, events in sender.of_customer.items()
            for event_id in events
        }
        wanted: defaultdict[int, int] = defaultdict(int)
        for customer in customer_of.values():
            wanted[customer] += 1
        done: defaultdict[int, set[str]] = defaultdict(set)
        arrivals = self._receiver.arrivals(self._path)
        for arrival in arrivals:
            done[customer_of[arrival.event_id]].add(arrival.event_id)
        acts = sum(map(len, done.values()))
        return CapBooks(
            customers=len(wanted),
            acts=acts,
            over=sum(len(done[customer]) > CAP for customer in wanted),
            short=sum(len(done[customer]) < min(CAP, count) for customer, count in wanted.items()),
            repeats=len(arrivals) - acts,
        )
