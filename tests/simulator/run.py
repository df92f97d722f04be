"""A finished run of the story, to ask what came before what."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tidings.core.webhooks.name_matching import names_of, stored_name
from tidings.simulator import Happening

Json = dict[str, Any]
Wanted = Callable[[Json], bool]  # of an event's data


def customer_of(data: Json) -> int | None:
    """Whom an event is about, where it says so in the usual place."""
    found = (data.get("customerIdentifiers") or {}).get("customerId")
    return found if isinstance(found, int) else None


class Step:
    """One event of a run, with questions about those before it."""

    def __init__(self, run: "Run", at: int) -> None:
        self._run = run
        self.at = at
        happening = run.happenings[at]
        self.name = happening.name
        self.event = happening.event
        self.data: Json = happening.event["data"]
        self.now_ms = happening.at_ms
        self.customer = customer_of(self.data)

    @property
    def cause(self) -> Json:
        """What it says that caused it."""
        found: Json = self.data["triggeringActivity"]
        return found

    def cause_id(self, key: str) -> str | None:
        """An id of its cause."""
        return next((row["value"] for row in self.cause["identifiers"] if row["key"] == key), None)

    def earlier(self, *names: str, where: Wanted = lambda data: True) -> "Step | None":
        """The last event of those types before this one that fits."""
        return next(self._back([self._run.places[name] for name in names], where), None)

    def mine(self, *names: str, where: Wanted = lambda data: True) -> "Step | None":
        """Like `earlier`, about the same customer."""
        places = [self._run.of_customer[name, self.customer] for name in names]
        return next(self._back(places, where), None)

    def in_call(self, *names: str, where: Wanted = lambda data: True) -> "Step | None":
        """Like `mine`, caused by the same call."""
        call = self.event["apiRequestId"]
        for at in reversed(self._run.calls[call]):
            step = self._run.steps[at]
            if at < self.at and step.name in names and where(step.data):
                return step if self.customer in (None, step.customer) else None
        return None

    def next(self) -> "Step":
        """The event after it."""
        return self._run.steps[self.at + 1]

    def days_since(self, other: "Step") -> float:
        """The story's time between two events."""
        return (self.now_ms - other.now_ms) / 86_400_000

    def ref_is(self, value: object) -> bool:
        """Whether refId is org and value."""
        return bool(self.event["refId"] == f"{self.event['orgId']}_{value}")

    @property
    def ref_is_loyalty(self) -> bool:
        """Whether refId is org and loyaltyEventId."""
        return bool(self.event["loyaltyEventId"]) and self.ref_is(self.event["loyaltyEventId"])

    @property
    def ref_is_call(self) -> bool:
        """Whether refId is org and apiRequestId."""
        return bool(self.event["apiRequestId"]) and self.ref_is(self.event["apiRequestId"])

    def _back(self, places: list[list[int]], where: Wanted) -> Iterator["Step"]:
        ends = [bisect_left(place, self.at) for place in places]
        while any(ends):
            newest = max(
                (i for i in range(len(places)) if ends[i]), key=lambda i: places[i][ends[i] - 1]
            )
            ends[newest] -= 1
            step = self._run.steps[places[newest][ends[newest]]]
            if where(step.data):
                yield step


def type_of(happening: Happening) -> str:
    """The event type that it is played for."""
    return names_of(stored_name(happening.name, happening.event))[-1]


class Run:
    """All events of a run, found by type and by call."""

    def __init__(self, happenings: list[Happening]) -> None:
        self.happenings = happenings
        self.places: defaultdict[str, list[int]] = defaultdict(list)
        self.of_customer: defaultdict[tuple[str, int | None], list[int]] = defaultdict(list)
        self.calls: defaultdict[str, list[int]] = defaultdict(list)
        for at, happening in enumerate(happenings):
            name = type_of(happening)
            self.places[name].append(at)
            self.of_customer[name, customer_of(happening.event["data"])].append(at)
            if call := happening.event["apiRequestId"]:
                self.calls[call].append(at)
        self.steps = [Step(self, at) for at in range(len(happenings))]

    def of(self, name: str) -> list[Step]:
        """All events of a type."""
        return [self.steps[at] for at in self.places[name]]
