"""The parameters of the logs, and the bodies of tests, for the OpenAPI description."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from tidings.api.described import Model
from tidings.api.models import body_of
from tidings.api.said import CURSOR, EVENT_ID, HEADER_VALUE, STATES, TEXT, TIME, VISIBLE, whole
from tidings.api.v1.webhooks.models import SAVED, UNSAVED, WebhookChange

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
    "cursor": (CURSOR, "older or newer of an answer to the same question."),
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


class TestBody(Model):
    """What to send as a test."""

    model_config = ConfigDict(json_schema_extra={"example": {"eventName": "pointsIssued"}})

    eventName: str | None = Field(
        None, description="Whose example is sent; the first of the webhook's where it is absent."
    )
    event: dict[str, Any] | None = Field(None, description="Sent instead of the example.")


class UnsavedTestBody(WebhookChange, TestBody):
    """The fields of a webhook, and what to send as a test."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [SAVED, UNSAVED]})

    webHookId: str | None = Field(None, description="Start from this webhook, unchanged.")


class InboxAnswer(Model):
    """What every arrival is answered with."""

    status: Annotated[int, Field(ge=200, le=599)] | None = 200
    delayMs: Annotated[float, Field(ge=0, le=60_000)] | None = 0
    body: str = Field("", max_length=16_384, description="At most 16,384 bytes.")
    headers: (
        Annotated[
            dict[
                Annotated[str, Field(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$")],
                Annotated[str, Field(pattern=HEADER_VALUE, max_length=1024)],
            ],
            Field(
                max_length=20,
                description="Of Content-Type, Retry-After, X-Request-Id, X-Correlation-Id, "
                "RateLimit-… and X-RateLimit-…, and any X-Test-…. The type is application/json, "
                "application/problem+json or text/plain, which is also the default.",
            ),
        ]
        | None
    ) = {}


class InboxBody(Model):
    """What makes or changes a test inbox."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "shop", "answer": {"status": 503, "delayMs": 2000}}}
    )

    name: Annotated[str, Field(pattern=VISIBLE, max_length=100)] | None = ""
    answer: InboxAnswer | None = None


TEST_BODY = body_of(TestBody, required=False)
UNSAVED_TEST_BODY = body_of(UnsavedTestBody)
INBOX_BODY = body_of(InboxBody, required=False)
INBOX_CHANGE = body_of(InboxBody)

DELIVERY_PARAMETERS = _without("matched", "points")
EVENT_PARAMETERS = _without("points")
PAGE_PARAMETERS = _of("limit", "cursor")
REJECTION_PARAMETERS = _of("limit", "cursor", limit=whole(1, 1000))
TALLY_PARAMETERS = _of("from", "to")
SERIES_PARAMETERS = _of("from", "to", "points")
