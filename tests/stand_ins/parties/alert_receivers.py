"""Where alerts go: a Slack-shaped incoming webhook, and the Events API v2 of PagerDuty."""

import json
from typing import Any

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json

SECRET = "wh-9f2c-secret-path"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SEVERITIES = ("critical", "error", "warning", "info")
ACTIONS = ("trigger", "acknowledge", "resolve")
SECTION_MAX, BLOCKS_MAX = 3000, 50
SUMMARY_MAX, KEY_MAX, EVENT_MAX = 1024, 255, 512 * 1024
FIELDS = {
    *("routing_key", "event_action", "dedup_key", "payload", "images", "links", "client"),
    "client_url",
}
PAYLOAD = {
    *("summary", "source", "severity", "timestamp", "component", "group", "class"),
    "custom_details",
}


class AlertReceivers(StandIn):
    """Takes what both contracts allow, and keeps it."""

    page = "docs/contract/alerts.md"
    routes = (
        ("POST", "/services/{team}/{app}/{secret}", "_slack"),
        ("POST", "/v2/enqueue", "_pagerduty"),
    )

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._messages: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._open: dict[str, dict[str, Any]] = {}

    # --- for tests ---

    @told
    def messages(self) -> list[dict[str, Any]]:
        """The messages that the incoming webhook has taken."""
        return [*self._messages]

    @told
    def events(self) -> list[dict[str, Any]]:
        """The events that the Events API has taken."""
        return [*self._events]

    @told
    def open_alerts(self) -> dict[str, str]:
        """The summaries of what is triggered and not resolved, by its key."""
        return {key: event["payload"]["summary"] for key, event in self._open.items()}

    # --- the contracts ---

    def _slack(self, call: Call, team: str, app: str, secret: str) -> Answer:
        if secret != SECRET:
            raise Refused(_text(403, "invalid_token"))
        body = _object(call, _text(400, "invalid_payload"))
        if not isinstance(body.get("text"), str) or not body["text"]:
            raise Refused(_text(400, "no_text"))
        blocks = body.get("blocks", [])
        if not isinstance(blocks, list) or len(blocks) > BLOCKS_MAX:
            raise Refused(_text(400, "invalid_blocks"))
        for block in blocks:
            text = block.get("text", {})
            fits = block.get("type") == "section" and text.get("type") in ("mrkdwn", "plain_text")
            if not fits or not 0 < len(text.get("text", "")) <= SECTION_MAX:
                raise Refused(_text(400, "invalid_blocks"))
        if body.keys() - {"text", "blocks"}:
            raise Refused(_text(400, "invalid_payload"))
        self._messages.append(body)
        return _text(200, "ok")

    def _pagerduty(self, call: Call) -> Answer:
        event = _object(call, _invalid("body must be an object of JSON"))
        faults = [*_faults(event)]
        if len(call.body) > EVENT_MAX:
            faults.append("event is too large")
        if faults:
            raise Refused(_invalid(*faults))
        key = event.get("dedup_key") or f"made-{len(self._events)}"
        self._events.append(event)
        if event["event_action"] == "trigger":
            self._open.setdefault(key, event)
        elif event["event_action"] == "resolve":
            self._open.pop(key, None)
        return in_json(202, {"status": "success", "message": "Event processed", "dedup_key": key})


def _faults(event: dict[str, Any]) -> list[str]:
    faults = [f"{name} is not known" for name in event.keys() - FIELDS]
    if event.get("routing_key") != ROUTING_KEY:
        faults.append("routing_key is invalid")
    action = event.get("event_action")
    if action not in ACTIONS:
        faults.append("event_action must be trigger, acknowledge or resolve")
    if len(event.get("dedup_key", "")) > KEY_MAX:
        faults.append("dedup_key is too long")
    if action in ("acknowledge", "resolve"):
        if not event.get("dedup_key"):
            faults.append("dedup_key is missing")
        return faults
    for link in event.get("links", []):
        if not isinstance(link.get("href"), str):
            faults.append("links.href is missing")
    return [*faults, *_payload_faults(event.get("payload"))]


def _payload_faults(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["payload is missing"]
    faults = [f"payload.{name} is not known" for name in payload.keys() - PAYLOAD]
    for name in ("summary", "source", "severity"):
        if not isinstance(payload.get(name), str) or not payload[name]:
            faults.append(f"payload.{name} is missing or blank")
    if len(payload.get("summary", "")) > SUMMARY_MAX:
        faults.append("payload.summary is too long")
    if payload.get("severity") not in SEVERITIES:
        faults.append("payload.severity is none")
    return faults


def _object(call: Call, refusal: Answer) -> dict[str, Any]:
    if call.media_type != "application/json":
        raise Refused(refusal)
    try:
        body = json.loads(call.body)
    except ValueError:
        raise Refused(refusal) from None
    if not isinstance(body, dict):
        raise Refused(refusal)
    return body


def _text(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"content-type": "text/html"})


def _invalid(*errors: str) -> Answer:
    return in_json(
        400, {"status": "invalid event", "message": "Event object is invalid", "errors": [*errors]}
    )
