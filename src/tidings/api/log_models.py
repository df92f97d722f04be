"""The parameters of the logs, for the OpenAPI description."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tidings.api.models import WebhookBody, _body

_FILTERS = {
    "webHookId": "Ids of webhooks, with commas.",
    "status": "pending, held, retrying, delivered, failed, parked, cancelled; with commas.",
    "eventName": "Event types, with commas.",
    "from": "ISO time, or milliseconds since 1970; belongs to the range.",
    "to": "ISO time, or milliseconds since 1970; does not belong to the range.",
    "q": "A value to find events by: customer id, mobile, e-mail, bill number, card number …",
    "requestId": "The API request that raised the event.",
    "refId": "The event's refId.",
    "eventId": "One event.",
    "matched": "false: events that no webhook wanted.",
    "limit": "Rows of a page, 1 to 200; 50 where it is left out.",
    "points": "About how many steps, 1 to 400; 48 where it is left out.",
    "cursor": "older or newer of an answer to the same question.",
}
_EXAMPLES = {"status": "failed,parked", "eventName": "pointsIssued", "from": "2026-02-11T09:15:00Z"}


def _parameters_of(*names: str) -> dict[str, Any]:
    return _parameters(*(name for name in _FILTERS if name not in names))


def _parameters(*left_out: str) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": text,
                "schema": {"type": "string"},
            }
            | ({"example": _EXAMPLES[name]} if name in _EXAMPLES else {})
            for name, text in _FILTERS.items()
            if name not in left_out
        ]
    }


class TestBody(BaseModel):
    """What to send as a test."""

    model_config = ConfigDict(json_schema_extra={"example": {"eventName": "pointsIssued"}})

    eventName: str | None = Field(
        None, description="Whose example is sent; the first of the webhook's where it is absent."
    )
    event: dict[str, Any] | None = Field(None, description="Sent instead of the example.")


class UnsavedTestBody(WebhookBody, TestBody):
    """The fields of a webhook, and what to send as a test."""

    webHookId: str | None = Field(None, description="Start from this webhook, unchanged.")


class InboxAnswer(BaseModel):
    """What every arrival is answered with."""

    status: int = Field(200, description="200 to 599.")
    delayMs: int = Field(0, description="At most 60,000.")
    body: str = Field("", description="At most 16,384 bytes.")
    headers: dict[str, str] = {}


class InboxBody(BaseModel):
    """What makes or changes a test inbox."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "shop", "answer": {"status": 503, "delayMs": 2000}}}
    )

    name: str = Field("", description="At most 100 characters.")
    answer: InboxAnswer = InboxAnswer(status=200, delayMs=0, body="")


TEST_BODY = _body(TestBody)
UNSAVED_TEST_BODY = _body(UnsavedTestBody)
INBOX_BODY = _body(InboxBody)
UNSAVED_TEST_BODY["requestBody"]["content"]["application/json"]["schema"].pop("required", None)
for _optional in (TEST_BODY, INBOX_BODY):
    _optional["requestBody"]["required"] = False

DELIVERY_PARAMETERS = _parameters("matched", "points")
EVENT_PARAMETERS = _parameters("webHookId", "status", "points")
PAGE_PARAMETERS = _parameters_of("limit", "cursor")
TALLY_PARAMETERS = _parameters_of("from", "to")
SERIES_PARAMETERS = _parameters_of("from", "to", "points")
