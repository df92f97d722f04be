"""What each call of `/v1` answers when it has done its work: status, sense, content.

Calls whose routes name a model already are not here. A call may have several good answers.
"""

from typing import Any, NamedTuple

from tidings.api.openapi import streams

_PAGE = {"paging": "#Page"}
_WARNED = {"warnings?": ["#Problem"]}
_PAGED = {"older": "text|null", "newer": "text|null"} | _PAGE
_LOG = _PAGED | _WARNED
JSON = "application/json"


class Success(NamedTuple):
    """One good answer; `body` is a short form of `words.py`, None for no body."""

    status: int
    description: str
    body: Any = None
    media: str = JSON


def _one(description: str, schema: Any, status: int = 200) -> list[Success]:
    return [Success(status, description, schema)]


_JOB = _one("The replay", "#ReplayJob")
_ORG_STOP = _one("Whether the org's sending is held", "#OrgStop")
_STOP = _one("Whether all sending is held", "#Stop")
_STREAM = [Success(200, "Server-sent events, until the caller goes", "text", streams.MEDIA)]
_GONE = [Success(204, "It is gone")]
_READY = {"ready": "yes", "problems": ["text"], "notices": ["text"]}
_ASKED = [
    Success(200, "With dryRun: what it would do", "#DryRun"),
    Success(201, "The job", "#ReplayJob"),
]
_TYPE = "#EventType"
_TRANSFORMATION = "#Transformation"
_SOURCE = _one("The source", "#Source")
_PREVIEW = _one("What would become of it", "#SourcePreview")
_REDRIVEN = _one("What became of them", "#Redriven")
_RECORD_KEPT = {"id": "text", "ignoredFields": ["text"]}

ANSWERS: dict[str, list[Success]] = {
    "GET /livez": _one("It answers", {"live": "yes"}),
    "GET /readyz": [
        Success(200, "It is ready", _READY),
        Success(503, "It is not, and why", _READY),
    ],
    "GET /metrics": [Success(200, "The figures", "text", "text/plain")],
    "POST /v1/replays": _ASKED,
    "GET /v1/replays": _one("The newest first", {"replays": ["#ReplayJob"]} | _PAGE | _WARNED),
    "GET /v1/replays/{replay_id}": _JOB,
    "POST /v1/replays/{replay_id}/pause": _JOB,
    "POST /v1/replays/{replay_id}/resume": _JOB,
    "POST /v1/replays/{replay_id}/cancel": _JOB,
    "POST /v1/deliveries/cancel": _ASKED,
    "POST /v1/deliveries/{delivery_id}/cancel": _one("The delivery, cancelled", "#Delivery"),
    "GET /v1/stop": _STOP,
    "POST /v1/stop": _STOP,
    "POST /v1/start": _STOP,
    "POST /v1/takeAsDelivered": _one(
        "How many were taken, or are there",
        {"acceptedBefore": "time", "dryRun": "yes", "deliveries": "whole", "ended": "yes"},
    ),
    "GET /v1/orgs/{org_id}/stop": _ORG_STOP,
    "POST /v1/orgs/{org_id}/stop": _ORG_STOP,
    "POST /v1/orgs/{org_id}/start": _ORG_STOP,
    "POST /v1/webHooks/preview": _one("Each event that was tried", "#Previewed"),
    "GET /v1/transformations": _one("By name", {"transformations": ["#TransformationRow"]} | _PAGE),
    "POST /v1/transformations": _one("The transformation", _TRANSFORMATION, 201),
    "GET /v1/transformations/{name}": _one("The transformation", _TRANSFORMATION),
    "PUT /v1/transformations/{name}": _one("The transformation", _TRANSFORMATION),
    "DELETE /v1/transformations/{name}": _one("It is gone", {"name": "text", "deleted": "yes"}),
    "GET /v1/transformations/{name}/versions": _one(
        "The newest first", {"versions": ["#TransformationVersion"]} | _PAGE
    ),
    "GET /v1/eventTypes": _one("All event types", {"eventTypes": ["#EventTypeRow"]} | _PAGE),
    "GET /v1/eventTypes/{name}": _one("The event type", _TYPE),
    "PUT /v1/eventTypes/{name}": [
        Success(200, "The event type, changed", _TYPE),
        Success(201, "The event type, new", _TYPE),
    ],
    "DELETE /v1/eventTypes/{name}": _one("What was deleted", _TYPE),
    "POST /v1/reference/{kind}:load": _one("What was stored, and what was not", "#Loaded"),
    "GET /v1/reference/{kind}": _one(
        "A page of records",
        {"count": "whole", "records": [{"id": "text", "record": "object"}], "next": "text|null"}
        | _PAGE
        | _WARNED,
    ),
    "GET /v1/reference/{kind}/{id}": _one("The record", {"id": "text"}),
    "PUT /v1/reference/{kind}/{id}": [
        Success(200, "It is as it was before", _RECORD_KEPT),
        Success(201, "It was kept", _RECORD_KEPT),
    ],
    "DELETE /v1/reference/{kind}/{id}": _GONE,
    "GET /v1/stream": _STREAM,
    "GET /v1/deliveries": _one("A page of deliveries", {"deliveries": ["#DeliveryRow"]} | _LOG),
    "GET /v1/events": _one("A page of events", {"events": ["#EventRow"]} | _LOG),
    "GET /v1/events/{event_id}": _one("The event", "#WholeEvent"),
    "GET /v1/webHooks/{webhook_id}/tally": _one("The counts", "#Tally"),
    "GET /v1/webHooks/{webhook_id}/series": _one("The steps", "#Series"),
    "GET /v1/deliveries/count": _one("The counts of all orgs", "#Counts"),
    "GET /v1/deliveries/{delivery_id}": _one("The delivery", "#WholeDelivery"),
    "POST /v1/deliveries/{delivery_id}/retry": _one(
        "It is due",
        {"id": "text", "outcome": {"due", "next"}, "nextAttemptAt": "time|null", "advice": "text"},
        202,
    ),
    "GET /v1/rejections": _one("A page of refused events", {"rejections": ["#Rejection"]} | _PAGED),
    "GET /v1/rejections/{rejection_id}": _one("The refused event", "#Rejection"),
    "POST /v1/rejections/{rejection_id}/retry": _one(
        "It was accepted",
        {"eventId": "text", "status": {"accepted", "duplicate"}, "warning": "text|null"},
        202,
    ),
    "POST /v1/webHooks/test": _one("What was sent, and the answer", "#Tested"),
    "POST /v1/webHooks/{webhook_id}/test": _one("What was sent, and the answer", "#Tested"),
    "GET /v1/inboxes": _one("The newest first", {"inboxes": ["#Inbox"]} | _PAGE),
    "POST /v1/inboxes": _one("The inbox", "#Inbox", 201),
    "GET /v1/inboxes/{inbox_id}": _one("The inbox", "#Inbox"),
    "PATCH /v1/inboxes/{inbox_id}": _one("The inbox", "#Inbox"),
    "DELETE /v1/inboxes/{inbox_id}": _GONE,
    "GET /v1/inboxes/{inbox_id}/arrivals": _one(
        "A page of arrivals", {"arrivals": ["#Arrival"]} | _PAGED
    ),
    "GET /v1/inboxes/{inbox_id}/arrivals/{arrival_id}": _one("The arrival", "#WholeArrival"),
    "GET /v1/inboxes/{inbox_id}/stream": _STREAM,
    "GET /v1/actions": _one(
        "By name", {"actions": ["#ActionRow"], "warnings": ["#ActionWarning"]} | _PAGE
    ),
    "GET /v1/actions/{action_name}": _one("The action", "#Action"),
    "GET /v1/connections": _one("By name", {"connections": ["#Connection"]} | _PAGE),
    "GET /v1/connections/{connection_name}": _one("The connection", "#Connection"),
    "POST /v1/connections/{connection_name}/check": _one("Result", "#ConnectionCheck"),
    "POST /v1/webHooks/{pulled_id}/pull": _one(
        "Messages, or none when the wait is over",
        {
            "messages": ["#Message"],
            "cursor": "text|null",
            "leasedUntil": "time|null",
            "acknowledged?": {"taken": "whole", "passedOver": "whole"},
        }
        | _WARNED,
    ),
    "POST /v1/webHooks/{pulled_id}/acknowledge": _one(
        "How many of them were still the caller's",
        {"taken": "whole", "passedOver": "whole"} | _WARNED,
    ),
    "GET /v1/sources": _one("By name", {"sources": ["#Source"]} | _PAGE),
    "POST /v1/sources": _one("The source", "#Source", 201),
    "GET /v1/sources/{source_id}": _one("The source", "#WholeSource"),
    "PATCH /v1/sources/{source_id}": _SOURCE,
    "DELETE /v1/sources/{source_id}": _GONE,
    "POST /v1/sources/{source_id}/pause": _SOURCE,
    "POST /v1/sources/{source_id}/resume": _SOURCE,
    "POST /v1/sources/{source_id}/takeOver": _SOURCE,
    "POST /v1/sources/preview": _PREVIEW,
    "POST /v1/sources/{source_id}/preview": _PREVIEW,
    "GET /v1/sources/{source_id}/aside": _one(
        "The newest first", {"messages": ["#AsideMessage"]} | _PAGE
    ),
    "GET /v1/sources/{source_id}/aside/{aside_id}": _one("The message", "#WholeAsideMessage"),
    "DELETE /v1/sources/{source_id}/aside/{aside_id}": _GONE,
    "POST /v1/sources/{source_id}/redrive": _REDRIVEN,
    "POST /v1/sources/{source_id}/aside/{aside_id}/redrive": _REDRIVEN,
    "POST /in/{source_org}/{source_name}": _one("It is kept", "#Taken", 202),
    "POST /inbox/{token}": [
        Success(200, "Whatever the inbox was told to answer, with any status from 200 to 599")
    ],
}
