"""Actions whose program is killed at random moments, and what has come of every event then.

A platform tells of events, each customer's one after the other, and sends again what was not
answered. Four actions act on each: `credits` and `thanks` with idempotency keys, the first in the
order of the customer and the second when the first is done; `notes` without keys; and `offers`, of
which a customer gets only so many. The API that they call is in a process of its own, and its books
are what is judged.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.e2e.actions.brand_api import BrandApi
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.store.books import ask
from tests.e2e.harness.until import until
from tests.stand_ins.apart import Apart

SECRET = "the secret of the platform"
CAP = 3
SENDERS = 8
KILLED_FROM, KILLED_UNTIL = 0.02, 0.95  # of the credits that are done
LATE_S = 0.3  # after that, at most
STATES = "SELECT w.name, d.state, count(*) FROM delivery d JOIN webhook w ON w.number = d.webhook"
DELIVERED, CANCELLED = 3, 6
BODY = """
event = {{path = "event.eventId"}}
customer = {{path = "event.data.customerIdentifiers.customerId"}}
number = {{path = "event.data.totalPointsIssued"}}
text = "Number {{{{ event.data.totalPointsIssued }}}}"
"""
FILE = f"""
org = {ORG}

[source]
name = "platform"
verification = {{{{type = "header", header = "X-Key", value = "{SECRET}"}}}}

[actions.credits]
types = ["pointsIssued"]
order = "key"
[actions.credits.call]
url = "http://127.0.0.1:{{port}}/credits"
idempotency = "Idempotency-Key"
[actions.credits.call.json]{BODY}

[actions.thanks]
types = ["pointsIssued"]
needs = "credits"
[actions.thanks.call]
url = "http://127.0.0.1:{{port}}/thanks"
idempotency = "Idempotency-Key"
[actions.thanks.call.json]{BODY}

[actions.notes]
types = ["pointsIssued"]
[actions.notes.call]
url = "http://127.0.0.1:{{port}}/notes"
[actions.notes.call.json]{BODY}

[actions.offers]
types = ["pointsIssued"]
cap = {{{{most = {CAP}, within = "30d", subject = "event.data.customerIdentifiers.customerId"}}}}
[actions.offers.call]
url = "http://127.0.0.1:{{port}}/offers"
idempotency = "Idempotency-Key"
[actions.offers.call.json]{BODY}
"""


@dataclass(frozen=True)
class Books:
    """What was told of, by customer and number; and what the API has done, in its order."""

    told: Mapping[tuple[int, int], str]
    done: Sequence[Mapping[str, Any]]
    states: Mapping[tuple[str, int], int]
    kills: int
    seconds: float

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The effects of an action."""
        return [mapping for mapping in self.done if mapping["kind"] == kind]

    def missing(self, kind: str) -> int:
        """How many events an action was not done for."""
        return len(set(self.told.values()) - {mapping["event"] for mapping in self.of(kind)})

    def repeated(self, kind: str) -> int:
        """How many times an action was done for an event once more."""
        found = self.of(kind)
        return len(found) - len({mapping["event"] for mapping in found})

    @property
    def foreign(self) -> int:
        """How many effects are of no event that was told of, or not of what it said."""
        return sum(
            self.told.get((mapping["customer"], mapping["number"])) != mapping["event"]
            or mapping["text"] != f"Number {mapping['number']}"
            for mapping in self.done
        )

    @property
    def out_of_order(self) -> int:
        """How many credits came after a later one of their customer."""
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for mapping in self.of("credits"):
            numbers[mapping["customer"]].append(mapping["number"])
        return sum(
            later < earlier for found in numbers.values() for earlier, later in pairwise(found)
        )

    @property
    def early(self) -> int:
        """How many thanks were given before their event's credit."""
        credited: set[str] = set()
        count = 0
        for mapping in self.done:
            if mapping["kind"] == "credits":
                credited.add(mapping["event"])
            elif mapping["kind"] == "thanks":
                count += mapping["event"] not in credited
        return count

    @property
    def over_cap(self) -> int:
        """How many offers beyond the cap customers got."""
        got = Counter(mapping["customer"] for mapping in self.of("offers"))
        return sum(max(0, count - CAP) for count in got.values())

    @property
    def under_cap(self) -> int:
        """How many offers customers should have got besides."""
        got = Counter(mapping["customer"] for mapping in self.of("offers"))
        events = Counter(customer for customer, _ in self.told)
        return sum(max(0, min(CAP, count) - got[event]) for event, count in events.items())

    @property
    def unlike(self) -> int:
        """How many deliveries are not what the API's books say: all done, but for capped offers."""
        events = len(self.told)
        due = Counter({(kind, DELIVERED): events for kind in ("credits", "thanks", "notes")})
        offers = len({mapping["event"] for mapping in self.of("offers")})
        due += Counter({("offers", DELIVERED): offers, ("offers", CANCELLED): events - offers})
        found = Counter(self.states)
        return sum(((found - due) + (due - found)).values())


class Platform:
    """Tells a source of events, from several threads, until each is answered."""

    def __init__(self, port: int, events: int, customers: int) -> None:
        self._port = port
        self._events = events
        self._customers = customers
        self.told: dict[tuple[int, int], str] = {}
        self.again = 0  # calls without an answer, or with one that they must be made again
        self.given_up = False
        self._threads = [
            threading.Thread(target=self._tell, args=(number,), daemon=True)
            for number in range(SENDERS)
        ]

    def start(self) -> None:
        """Begin to tell."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until all is told."""
        for thread in self._threads:
            thread.join()

    def _tell(self, sender: int) -> None:
        api = Api(self._port)
        for n in range(self._events):
            customer, number = n % self._customers, 1 + n // self._customers
            if customer % SENDERS != sender:
                continue
            id = new_id()
            body = event(id, ORG, customer=customer, points=str(number))
            self.told[customer, number] = id
            while not self._taken(api, body) and not self.given_up:
                self.again += 1
                time.sleep(0.05)
        api.close()

    def _taken(self, api: Api, body: bytes) -> bool:
        try:
            headers = {"X-Key": SECRET, "content-type": "application/json"}
            reply = api.call("POST", f"/in/{ORG}/platform", body, headers)
        except OSError:
            api.close()
            return False
        assert reply.status in (202, 503), reply
        answer = reply.json
        assert reply.status == 503 or answer["accepted"] + answer["duplicates"] == 1, answer
        return reply.status == 202


def killed_trial(
    new_service: NewService,
    folder: Path,
    *,
    events: int,
    customers: int,
    kills: int,
    rng: random.Random,
) -> Books:
    """All processes of the service are killed so many times on the way. Returns when nothing is
    unfinished any more."""
    began = time.monotonic()
    marks = sorted(rng.uniform(KILLED_FROM, KILLED_UNTIL) * events for _ in range(kills))
    bound_s = 60 + events / 20
    with Apart(BrandApi) as api:
        file = folder / "actions.toml"
        file.write_text(FILE.format(port=api.port))
        service = new_service(actions=file).start()
        platform = Platform(service.port, events, customers)
        platform.start()
        try:
            for mark in marks:
                until(lambda m=mark: _there(api, m), "credits before a kill", bound_s)  # type: ignore[misc]
                time.sleep(rng.uniform(0, LATE_S))
                service.kill_all()
                service.start()
            platform.join()
            until(lambda: _finished(service, events), "the end of every action", bound_s)
        finally:
            platform.given_up = True
        states = {
            (name, state): count
            for name, state, count in ask(service.data, f"{STATES} GROUP BY 1, 2")
        }
        assert service.stop() == 0
        return Books(platform.told, api.done(), states, kills, time.monotonic() - began)


def _there(api: Apart, credits: float) -> bool:
    time.sleep(0.05)
    count: int = api.count("credits")
    return count >= credits


def _finished(service: ServiceProcess, events: int) -> bool:
    time.sleep(0.1)
    made = ask(
        service.data, "SELECT count(*), coalesce(sum(state IN (3, 4, 5, 6)), 0) FROM delivery"
    )
    return made == [(4 * events, 4 * events)]
