"""An independent reader of a story: recomputes what events say from the events before them alone.

It knows nothing of the simulator's state. Of the programme it is told what a brand's own analyst
would be told: how points are earned, when they lapse, where tiers begin, when stores are open.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.simulator.audit_bills import Bills
from tests.simulator.audit_coins import Coins
from tests.simulator.audit_points import Points
from tests.simulator.audit_reading import Event, Json, Told, date_of, instant
from tests.simulator.audit_streaks import Streaks
from tests.simulator.audit_tiers import Tiers


@dataclass(frozen=True, slots=True)
class Finding:
    """What contradicts what was said before."""

    rule: str
    event_id: str
    text: str


def dates(event: Event) -> Told:
    """A date text and its twin in milliseconds are one day of the organisation's zone, or, where
    the text is a number, one second."""
    for where, block in event.blocks:
        for name, millis in block.items():
            if not name.endswith("InMillis") or not isinstance(millis, int):
                continue
            text = block.get(name.removesuffix("InMillis"))
            if not isinstance(text, str):
                continue
            if text.isdecimal():  # seconds or milliseconds as text
                if int(text[:10]) != millis // 1000:
                    yield "dates", f"{where}{name}: {text} is not {instant(millis)}"
            elif text[:10] != date_of(millis):
                yield "dates", f"{where}{name}: {text} is not the day of {instant(millis)}"


IDENTIFIERS = {"mobile", "email", "externalId", "cardNumbers"}


def identifiers(event: Event) -> Told:
    """A thin block holds the id, and what the caller used under `instore`."""
    for where, block in event.blocks:
        if "customerId" in block and where.lower().endswith("customeridentifiers."):
            if extra := set(block) - {"customerId", "instore"}:
                yield "identifiers", f"{where} holds {sorted(extra)}"
            used = block.get("instore", {})
            if "instore" in block and not (used and set(used) <= IDENTIFIERS):
                yield "identifiers", f"{where}instore holds {sorted(used)}"


def ownership(event: Event) -> Told:
    """What is about a group names no customer; what is about a customer names that one."""
    entity = event.data.get("entityInformation")
    if not isinstance(entity, dict) or "entityType" not in entity:
        return
    if entity["entityType"] == "USERGROUP2":
        if "customerIdentifiers" in event.data:
            yield "ownership", "a group's event names a customer"
    elif entity["entityId"] != event.customer:
        yield "ownership", f"entity {entity['entityId']} is not customer {event.customer}"


def audit(events: Iterable[Json]) -> Iterator[Finding]:
    """All contradictions of a stream of events, in its order."""
    bills = Bills()
    tiers = Tiers()
    points = Points(bills, tiers)
    books = (bills, points, tiers, Coins(), Streaks())
    rules = (dates, identifiers, ownership, *(book.read for book in books))
    for row in events:
        event = Event(row)
        for rule in rules:
            for name, text in rule(event):
                yield Finding(name, event.id, f"{event.name}: {text}")
