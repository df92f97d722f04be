"""The receiving side's books: what arrived where, when, and how it was answered."""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request that a receiver got."""

    hook: str
    event_id: str
    status: int
    attempt: int
    signed: bool
    at_ns: int

    @property
    def ok(self) -> bool:
        """Return whether it was answered 2xx."""
        return 200 <= self.status < 300


def read_arrival(line: str) -> ReceivedRequest:
    """Parse an arrival from the line that the receivers' process wrote."""
    report = json.loads(line)
    attempt = str(report["attempt"] or "")
    return ReceivedRequest(
        hook=report["hook"],
        event_id=report["eventId"] or "",
        status=report["status"],
        attempt=int(attempt) if attempt.isdigit() else 0,
        signed=report["signed"],
        at_ns=report["atNs"],
    )


class Ledger:
    """Filled by one thread, read by another."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrivals: list[ReceivedRequest] = []
        self._delivered: dict[tuple[str, str], ReceivedRequest] = {}
        self._sent_ns: dict[str, int] = {}
        self.twice = 0  # answered 2xx before, and sent again
        self.forged = 0

    def sent(self, event_id: str, at_ns: int) -> None:
        """Note when an event is handed to the service."""
        with self._changed:
            self._sent_ns[event_id] = at_ns

    def add(self, arrival: ReceivedRequest) -> None:
        """Note an arrival."""
        with self._changed:
            self._arrivals.append(arrival)
            self.forged += not arrival.signed
            if arrival.ok:
                pair = (arrival.hook, arrival.event_id)
                self.twice += pair in self._delivered
                self._delivered.setdefault(pair, arrival)
            self._changed.notify_all()

    def since(self, index: int, seconds: float) -> list[ReceivedRequest]:
        """Return the arrivals after the first `index`; wait up to `seconds` where there is none
        yet."""
        with self._changed:
            if seconds > 0:
                self._changed.wait_for(lambda: len(self._arrivals) > index, seconds)
            return self._arrivals[index:]

    def delay_ms(self, arrival: ReceivedRequest) -> float:
        """Compute the milliseconds from the event's post to this arrival."""
        return (arrival.at_ns - self._sent_ns[arrival.event_id]) / 1e6

    def delivered(self, hooks: Iterable[str], event_ids: Iterable[str]) -> int:
        """Count those of these deliveries that were answered 2xx."""
        ids = list(event_ids)
        with self._changed:
            return sum((hook, event_id) in self._delivered for hook in hooks for event_id in ids)

    def p50_ms(self) -> float:
        """Compute the median in milliseconds from post to 2xx over all deliveries, late ones
        included."""
        with self._changed:
            return median(self.delay_ms(arrival) for arrival in self._delivered.values())
