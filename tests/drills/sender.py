"""A platform that sends each event until one of the services has acknowledged it."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until

SENDERS = 3
CUSTOMERS = 40  # of each sender; what it sends for one waits for what it has sent for them before
PAUSE_S = 0.02  # of each sender after each event: the machine is to have room for what is measured
ANSWER_S = 2.0  # a frozen service takes connections and answers none
END_S = 120.0

CustomerOf = Callable[[int, int], int]


class Answer(NamedTuple):
    """A call to accept an event: to which port, when it began, how long it took, and its status; 0
    where no answer came."""

    port: int
    began_s: float
    took_s: float
    status: int


def in_turn(number: int, turn: int) -> int:
    """Choose the customer of a sender's next event: each has one after the other."""
    return 1 + number * CUSTOMERS + turn % CUSTOMERS


class Sender:
    """It runs from when it is made until `stop`."""

    def __init__(
        self,
        services: Sequence[ServiceProcess],
        answer_s: float = ANSWER_S,
        customer_of: CustomerOf = in_turn,
    ) -> None:
        """`answer_s`: how long it waits for an answer before it asks the next service."""
        self.acknowledged: dict[str, float] = {}  # when, on the clock of `time.monotonic`
        self.of_customer: dict[int, list[str]] = {}  # ids of events, in the order of their sending
        self.refused: Counter[int] = Counter()  # by status
        self.without_wait = 0  # refusals that named no time to wait for
        self.answers: list[Answer] = []
        self._services = services
        self._answer_s = answer_s
        self._customer_of = customer_of
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        login = f"{KEY}:{SECRET}"
        lines = [Api(service.port, login, seconds=self._answer_s) for service in self._services]
        at = 0
        for turn in itertools.count():
            if self._end.is_set():
                return
            event_id, customer = new_id(), self._customer_of(number, turn)
            body = event(event_id, ORG, customer)
            self.of_customer.setdefault(customer, []).append(event_id)
            while not self._takes(lines[at], body):
                at = (at + 1) % len(lines)
                time.sleep(PAUSE_S)
            self.acknowledged[event_id] = time.monotonic()
            time.sleep(PAUSE_S)

    def _takes(self, line: Api, body: bytes) -> bool:
        began_s, status = time.monotonic(), 0
        try:
            reply = line.post(body)
            status = reply.status
        except OSError:
            return False
        finally:
            took_s = time.monotonic() - began_s
            self.answers.append(Answer(line.port, began_s, took_s, status))
        if reply.status != 202:
            self.refused[reply.status] += 1
            self.without_wait += "retry-after" not in reply.headers
        return reply.status == 202

    def wait(self, more: int, seconds: float = PATIENCE_S) -> None:
        """Until so many more are acknowledged."""
        count = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= count, f"{count} acknowledged events", seconds)

    def first_after(self, at_s: float, seconds: float = PATIENCE_S) -> float:
        """When the first event was acknowledged after a moment."""

        def found() -> list[float]:
            return [when for when in list(self.acknowledged.values()) if when >= at_s]

        return min(until(found, "an event is acknowledged again", seconds))

    def stop(self) -> None:
        """End it, when all that it has begun is acknowledged."""
        self._end.set()
        for thread in self._threads:
            thread.join(END_S)
            assert not thread.is_alive()
