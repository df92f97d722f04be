"""How an auditor reads an event: who it is about, when it was, what caused it; and dates."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from tidings.simulator import programme

Json = dict[str, Any]
Told = Iterator[tuple[str, str]]  # the rule that is broken, and how
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ZONE = timezone(timedelta(minutes=programme.ZONE_MIN))


class Event:
    """One event, read: who owns what it is about, and when it was."""

    def __init__(self, event: Json) -> None:
        self.name: str = event["eventName"]
        self.id: str = event["eventId"]
        self.at_ms: int = event["createdAt"]
        self.call: str = event["apiRequestId"]
        self.loyalty: str | None = event.get("loyaltyEventId")
        self.data: Json = event["data"]
        self.customer: int | None = (self.data.get("customerIdentifiers") or {}).get("customerId")
        entity = self.data.get("entityInformation") or {}
        self.group: int | None = (
            entity["entityId"] if entity.get("entityType") == "USERGROUP2" else None
        )

    @cached_property
    def blocks(self) -> list[tuple[str, Json]]:
        """Every object of its data, the whole first, each behind the path that leads to it."""
        found: list[tuple[str, Json]] = []
        _gather(self.data, "", found)
        return found

    @property
    def owner(self) -> tuple[str, int]:
        """Whose points it is about."""
        if self.group is not None:
            return "group", self.group
        assert self.customer is not None, self.name
        return "customer", self.customer

    @property
    def cause(self) -> str:
        """The name of the activity that caused it."""
        return str((self.data.get("triggeringActivity") or {}).get("name"))

    def cause_id(self, key: str) -> str | None:
        """An id of what caused it."""
        activity = self.data.get("triggeringActivity") or {}
        found = activity.get("identifiers") or []
        return next((str(row["value"]) for row in found if row["key"] == key), None)


def _gather(node: Json, where: str, found: list[tuple[str, Json]]) -> None:
    found.append((where, node))
    for name, value in node.items():
        if isinstance(value, dict):
            if name != "loyaltyProgramDetails":
                _gather(value, f"{where}{name}.", found)
        elif isinstance(value, list) and name != "loyaltyProgramDetails":
            _gather_each(value, f"{where}{name}.", found)


def _gather_each(nodes: list[Any], where: str, found: list[tuple[str, Json]]) -> None:
    for node in nodes:
        if isinstance(node, dict):
            _gather(node, where, found)
        elif isinstance(node, list):
            _gather_each(node, where, found)


def date_of(at_ms: int) -> str:
    """The date in the organisation's zone."""
    return datetime.fromtimestamp(at_ms / 1000, ZONE).strftime("%Y-%m-%d")


def clock_ms(text: str) -> int:
    """A clock text without a zone is in the organisation's."""
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE).timestamp()) * 1000


def end_of_day(at_ms: int, days: int) -> int:
    """The last millisecond of the organisation's day that many days later."""
    offset = programme.ZONE_MIN * 60_000
    return ((at_ms + offset) // DAY_MS + days + 1) * DAY_MS - 1 - offset


def instant(at_ms: int) -> str:
    """For texts of findings."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
