"""The filters of the console's lists: an address to a question for the log, and back.

The address is the state: every filter stands in it, and whoever opens it sees the same. What a
filter may be is judged by `reads/events/log_query.py` alone.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from tidings.errors import RequestRefused
from tidings.reads.events.log_query import (
    DELIVERY_FILTERS,
    EVENT_FILTERS,
    LogQuestion,
    cursors,
    read_question,
)

PAGE = 50
HOUR_MS = 3_600_000
SPANS = {
    "1h": (HOUR_MS, "last hour"),
    "24h": (24 * HOUR_MS, "last 24 hours"),
    "3d": (3 * 24 * HOUR_MS, "last 3 days"),
    "7d": (7 * 24 * HOUR_MS, "last 7 days"),
    "15d": (15 * 24 * HOUR_MS, "last 15 days"),
    "30d": (30 * 24 * HOUR_MS, "last 30 days"),
}
_OF_BOTH = {
    "q": "q",
    "customer": "customer",
    "bill": "bill",
    "card": "card",
    "type": "eventName",
    "from": "from",
    "to": "to",
    "request": "requestId",
    "event": "eventId",
    "cursor": "cursor",
}
OF_DELIVERIES = _OF_BOTH | {"webhook": "webHookId", "status": "status"}
OF_EVENTS = _OF_BOTH | {"matched": "matched"}
_FURTHER = ("customer", "bill", "card", "request", "event", "from", "to")
_FIELDS = {"customer", "bill", "card"}  # of the form; the API has one `q`, and an event has all
VALUES_MAX = 100


class Filters(msgspec.Struct, frozen=True):
    """What an address asks for. `question` is None where it cannot be asked so."""

    question: LogQuestion | None
    shown: Mapping[str, str]  # as the form shows them
    statuses: Sequence[str]
    span: str
    refusals: Mapping[str, str]  # by the form's field
    narrowed: bool  # whether anything is filtered at all
    paged: bool  # whether it is not the newest page

    @property
    def further(self) -> bool:
        """Whether a filter is set that stands behind "More filters"."""
        return any(self.shown[name] for name in _FURTHER)


def read(
    query: QueryParams, names: Mapping[str, str], zone: tzinfo, now_ms: int, limit: int = PAGE
) -> Filters:
    """The filters of an address, with what is wrong with them."""
    asked: dict[str, str] = {"limit": str(limit)}
    shown = dict.fromkeys(names, "")
    for name, api_name in names.items():
        values = [one.strip() for one in query.getlist(name)[:VALUES_MAX] if one.strip()]
        if values:
            shown[name] = asked[api_name] = ",".join(values)
    span = query.get("span", "")
    span = span if span in SPANS and "from" not in asked else ""
    if span:
        asked["from"] = str(now_ms - SPANS[span][0])
    known = (DELIVERY_FILTERS if "webhook" in names else EVENT_FILTERS) | _FIELDS
    question, refusals = None, {}
    try:
        question = read_question(asked, known, zone)
    except RequestRefused as refused:
        back = {api_name: name for name, api_name in names.items()}
        refusals = {back.get(one.field, ""): one.message for one in refused.refusals}
    statuses = [one for one in shown.get("status", "").split(",") if one]
    narrowed = bool(span) or any(value for name, value in shown.items() if name != "cursor")
    return Filters(question, shown, statuses, span, refusals, narrowed, bool(shown["cursor"]))


def address(filters: Filters, **changes: str | None) -> str:
    """The query string of the same filters with some changed; a cursor only where it is given."""
    pairs = {name: value for name, value in filters.shown.items() if value and name != "cursor"}
    if filters.span:
        pairs["span"] = filters.span
    for name, value in changes.items():
        pairs.pop(name, None)
        if value:
            pairs[name] = value
    return "?" + urlencode(pairs) if pairs else "?"


def sides(filters: Filters, older: int | None, newer: int | None) -> dict[str, str | None]:
    """Where the pages on both sides are; None where there is none to go to."""
    at = cursors(older, newer)
    return {
        "older": address(filters, cursor=at["older"]) if at["older"] else None,
        "newer": address(filters, cursor=at["newer"]) if filters.paged and at["newer"] else None,
        "newest": address(filters) if filters.paged else None,
    }


def settled(filters: Filters) -> str:
    """The query string with its times fixed: what is asked for later is the same."""
    question = filters.question
    from_ms = None if question is None or question.from_ms is None else str(question.from_ms)
    pairs = {name: value for name, value in filters.shown.items() if value and name != "cursor"}
    if from_ms is not None:
        pairs["from"] = from_ms
    return urlencode(pairs)
