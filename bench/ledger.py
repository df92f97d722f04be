"""Was every event delivered? The books of a run, and what is computed from them.

A run counts only when its ledger closes: acknowledged = delivered + pending + final failures.
Identities are compared as sets, per webhook, so that a duplicate cannot stand in for a loss. What
does not close is VOID, whatever its rate was.
"""

import array
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

Ids = AbstractSet[bytes]
Book = Mapping[int, Ids]
ACCEPTED = 202
UNANSWERED = 0


class Sent(msgspec.Struct):
    """What the load generator did: one entry an event, times in monotonic nanoseconds."""

    ids: list[bytes]
    due: bytes
    sent: bytes
    answered: bytes
    statuses: bytes
    orgs: list[int]
    unsent: int
    errors: int
    cpu_seconds: float
    org_of: bytes = b""  # of each event, where organisations do not simply take turns

    def org_by_event(self) -> Sequence[int]:
        """Return the organisation of each event."""
        if self.org_of:
            return numbers(self.org_of)
        width = len(self.orgs)
        return [self.orgs[index % width] for index in range(len(self.ids))]

    def acknowledged(self) -> list[tuple[bytes, int, int]]:
        """Id, organisation and due time of each event that was answered 202."""
        due, statuses, orgs = numbers(self.due), numbers(self.statuses, "H"), self.org_by_event()
        return [
            (event, orgs[index], due[index])
            for index, event in enumerate(self.ids)
            if statuses[index] == ACCEPTED
        ]


class Received(msgspec.Struct):
    """What the receiver saw, in order of arrival, whatever it answered."""

    ids: list[bytes]
    webhooks: list[bytes]
    times: bytes
    verified: int
    forged: int
    unreadable: int
    cpu_seconds: float


def numbers(raw: bytes, code: str = "q") -> "array.array[int]":
    values: array.array[int] = array.array(code)
    values.frombytes(raw)
    return values


def read_sent(path: Path) -> Sent:
    return msgspec.msgpack.decode(path.read_bytes(), type=Sent)


def read_received(path: Path) -> Received:
    return msgspec.msgpack.decode(path.read_bytes(), type=Received)


def merged(parts: Sequence[Received]) -> Received:
    """The ledgers of several receivers as one, each in its own order."""
    return Received(
        ids=[id for part in parts for id in part.ids],
        webhooks=[webhook for part in parts for webhook in part.webhooks],
        times=b"".join(part.times for part in parts),
        verified=sum(part.verified for part in parts),
        forged=sum(part.forged for part in parts),
        unreadable=sum(part.unreadable for part in parts),
        cpu_seconds=sum(part.cpu_seconds for part in parts),
    )


@dataclass(slots=True)
class OwnBooks:
    """What a service itself says became of the events of a run, by webhook number."""

    delivered: Book = field(default_factory=dict)
    pending: Book = field(default_factory=dict)
    failed: Book = field(default_factory=dict)


@dataclass(slots=True)
class Books:
    """The sets of one run: what was acknowledged, what arrived, and what the service says of it."""

    acknowledged: Book
    arrived: Book
    own: OwnBooks
    sent: Ids = frozenset()
    arrivals: int = 0
    forged: int = 0
    unreadable: int = 0

    def lost(self) -> int:
        """Acknowledged, and neither delivered nor pending nor failed."""
        own = self.own
        return sum(
            len(ids - _of(own.delivered, hook) - _of(own.pending, hook) - _of(own.failed, hook))
            for hook, ids in self.acknowledged.items()
        )

    def boasted(self) -> int:
        """Delivered by the service's books, but not by the receiver's."""
        return sum(len(ids - _of(self.arrived, hook)) for hook, ids in self.own.delivered.items())

    def foreign(self) -> int:
        """Arrived or booked at a webhook, though no such event was ever sent."""
        own = self.own
        return sum(
            len(ids - self.sent)
            for book in (self.arrived, own.delivered, own.pending, own.failed)
            for ids in book.values()
        )

    def misrouted(self) -> int:
        """Sent and acknowledged, but not meant for the webhook that got it."""
        everything = frozenset().union(*self.acknowledged.values())
        return sum(
            len((ids & everything) - _of(self.acknowledged, hook))
            for hook, ids in self.arrived.items()
        )

    def twice_booked(self) -> int:
        """In two of the service's three books at once."""
        own = self.own
        hooks = {*own.delivered, *own.pending, *own.failed}
        count = 0
        for hook in hooks:
            books = [_of(book, hook) for book in (own.delivered, own.pending, own.failed)]
            count += sum(map(len, books)) - len(frozenset().union(*books))
        return count

    def duplicates(self) -> int:
        return self.arrivals - sum(len(ids) for ids in self.arrived.values())

    def faults(self) -> list[str]:
        """Why the run is void, in words; none when the ledger closes."""
        found = {
            "acknowledged and lost": self.lost(),
            "booked as delivered that never arrived": self.boasted(),
            "never sent": self.foreign(),
            "at the wrong webhook": self.misrouted(),
            "booked twice": self.twice_booked(),
            "with a wrong signature": self.forged,
            "that the receiver could not read": self.unreadable,
        }
        faults = [f"{count} {what}" for what, count in found.items() if count]
        if not any(self.acknowledged.values()):
            faults.append("nothing was acknowledged")
        return faults


def _of(book: Book, webhook: int) -> Ids:
    return book.get(webhook, frozenset())


def owed(sent: Iterable[Sent], webhooks_of: Mapping[int, Sequence[int]]) -> dict[int, set[bytes]]:
    """For each webhook the acknowledged events that its organisation's subscription owes it."""
    due: dict[int, set[bytes]] = {hook: set() for hooks in webhooks_of.values() for hook in hooks}
    for part in sent:
        for event, org, _ in part.acknowledged():
            for hook in webhooks_of[org]:
                due[hook].add(event)
    return due


def arrivals(received: Received) -> dict[int, set[bytes]]:
    """The set of events that reached each webhook."""
    arrived: dict[bytes, set[bytes]] = {}
    for event, hook in zip(received.ids, received.webhooks, strict=True):
        arrived.setdefault(hook, set()).add(event)
    return {int(hook): ids for hook, ids in arrived.items()}


def delays_ms(
    sent: Sent, received: Received, webhooks: AbstractSet[int] | None = None
) -> list[float]:
    """From when an event was due to its first arrival, for each acknowledged one that arrived.

    Measured from the schedule, not from the send: a stall of the service cannot hide itself.
    """
    first: dict[bytes, int] = {}
    chosen = None if webhooks is None else {b"%d" % hook for hook in webhooks}
    for event, hook, at in zip(
        received.ids, received.webhooks, numbers(received.times), strict=True
    ):
        if chosen is None or hook in chosen:
            first.setdefault(event, at)
    return [(first[event] - due) / 1e6 for event, _, due in sent.acknowledged() if event in first]


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: a value that was really measured, never an average of two."""
    if not values:
        return math.nan
    rank = max(1, math.ceil(percent / 100 * len(values)))
    return sorted(values)[rank - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of repeated runs."""

    median: float
    low: float
    high: float
    runs: int

    def text(self, digits: int = 0) -> str:
        if self.runs == 0:
            return "-"
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


def spread(values: Iterable[float]) -> Spread:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Spread(math.nan, math.nan, math.nan, 0)
    return Spread(statistics.median(known), min(known), max(known), len(known))
