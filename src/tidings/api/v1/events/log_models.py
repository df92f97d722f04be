"""The parameters of the logs, for the OpenAPI description."""

from typing import Any

from tidings.api.field_schemas import CURSOR, EVENT_ID, STATES, TEXT, TIME, whole

_FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "webHookId": ({"type": "string"}, "Ids of webhooks, with commas."),
    "status": (STATES, "With commas."),
    "eventName": ({"type": "string"}, "Event types, with commas."),
    "from": (TIME, "ISO time, or milliseconds since 1970; belongs to the range."),
    "to": (TIME, "ISO time, or milliseconds since 1970; does not belong to the range."),
    "q": (TEXT, "A value to find events by: customer id, mobile, e-mail, bill, card number …"),
    "requestId": (TEXT, "The API request that raised the event."),
    "refId": (TEXT, "The event's refId."),
    "eventId": ({"type": "string", "pattern": f"^$|{EVENT_ID}"}, "One event."),
    "matched": ({"enum": ["true", "false", ""]}, "false: events that no webhook wanted."),
    "limit": (whole(1, 200), "Rows of a page; 50 where it is left out."),
    "points": (whole(1, 400), "About how many steps; 48 where it is left out."),
    "cursor": (CURSOR, "paging.next or paging.previous of an answer to the same question."),
}
_EXAMPLES = {"status": "failed,parked", "eventName": "pointsIssued", "from": "2026-02-11T09:15:00Z"}


def _of(*names: str, **others: dict[str, Any]) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": _FILTERS[name][1],
                "schema": others.get(name, _FILTERS[name][0]),
            }
            | ({"example": _EXAMPLES[name]} if name in _EXAMPLES else {})
            for name in names
        ]
    }


def _without(*left_out: str) -> dict[str, Any]:
    return _of(*(name for name in _FILTERS if name not in left_out))


DELIVERY_PARAMETERS = _without("matched", "points")
EVENT_PARAMETERS = _without("points")
PAGE_PARAMETERS = _of("limit", "cursor")
REJECTION_PARAMETERS = _of("limit", "cursor", limit=whole(1, 1000))
TALLY_PARAMETERS = _of("from", "to")
SERIES_PARAMETERS = _of("from", "to", "points")
