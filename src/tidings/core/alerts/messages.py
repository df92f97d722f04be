"""The bodies of alerts: an e-mail, the body of a Slack-shaped incoming webhook, an event of the
Events API v2. Pure.

Names of webhooks are their owners' words: in Slack's text the signs that could mention or link are
written as entities, and every text is cut to the bound of its field.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tidings.core.alerts.channel import AlertChannel, ChannelType
from tidings.core.alerts.incident import OpenIncident, describe_end, describe_incident
from tidings.core.alerts.plan import AlertAct, AlertMessage
from tidings.core.times import exact

LISTED = 10  # incidents in the text of one message; the others are counted
SLACK_TEXT_MAX = 2900  # of a section, which takes 3,000
SUMMARY_MAX = 1000  # which the Events API cuts at 1,024
KEY_MAX = 255
SEVERITIES = {
    "failing": "critical",
    "degraded": "warning",
    "unread": "warning",
    "test": "info",
}
_HEADS = {
    AlertAct.OPENED: "",
    AlertAct.GREW: "Grown: ",
    AlertAct.ACKNOWLEDGED: "Acknowledged: ",
    AlertAct.ENDED: "Ended: ",
}
_ACTIONS = {AlertAct.ACKNOWLEDGED: "acknowledge", AlertAct.ENDED: "resolve"}  # else trigger


class AlertText(NamedTuple):
    """A message in words: one sentence, what else it lists, and the page that it leads to."""

    sentence: str
    lines: Sequence[str]
    link: str


def write_alert(message: AlertMessage, base: str) -> AlertText:
    """Write the words of a message. `base`: the public URL of the service; empty: no link."""
    incidents = message.incidents
    head = _HEADS[message.act]
    base = base.rstrip("/")
    if len(incidents) == 1:
        [incident] = incidents
        return AlertText(head + _describe(message, incident), (), _link(message, base))
    orgs = len({incident.org for incident in incidents})
    of = f" of {orgs} orgs" if orgs > 1 else ""
    count = len({incident.webhook for incident in incidents})
    what = "work again" if message.act is AlertAct.ENDED else "are failing"
    lines = [_describe(message, incident) for incident in incidents[:LISTED]]
    if (more := len(incidents) - LISTED) > 0:
        lines.append(f"And {more} more.")
    return AlertText(f"{head}{count} webhooks{of} {what}.", lines, _link(message, base))


def _link(message: AlertMessage, base: str) -> str:
    """Return the page of the one webhook, or that which has all of them; empty without a base."""
    first, *more = message.incidents
    if not base:
        return ""
    if (message.all_orgs and more) or not first.org:
        return f"{base}/console/failing"
    page = f"/{first.webhook}" if first.webhook and not more else ""
    return f"{base}/console/o/{first.org}/webhooks{page}"


def _describe(message: AlertMessage, incident: OpenIncident) -> str:
    if message.act is AlertAct.ENDED:
        return describe_end(incident, message.at_ms)
    return describe_incident(incident)


def email_body(message: AlertMessage, base: str) -> tuple[str, str]:
    """Write subject and text of an e-mail."""
    text = write_alert(message, base)
    paragraphs = [text.sentence, *text.lines, *([text.link] if text.link else [])]
    return text.sentence[:200].rstrip("."), "\n\n".join(paragraphs)


def slack_body(message: AlertMessage, base: str) -> dict[str, Any]:
    """Build the body of a Slack-shaped incoming webhook."""
    text = write_alert(message, base)
    sentence = _cut(_escape(text.sentence), SLACK_TEXT_MAX)
    blocks = [_section(sentence)]
    if text.lines:
        lines = "\n".join(f"• {_cut(_escape(line), 280)}" for line in text.lines)
        blocks.append(_section(_cut(lines, SLACK_TEXT_MAX)))
    if text.link:
        blocks.append(_section(f"<{_escape(text.link)}|Open in Tidings>"))
    return {"text": sentence, "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    """Cut a text to a bound, and never within an entity."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    begun = kept.rfind("&", len(kept) - 5)
    return (kept if begun < 0 or ";" in kept[begun:] else kept[:begun]) + "…"


def pagerduty_body(message: AlertMessage, base: str, routing_key: str) -> dict[str, Any]:
    """Build an event of the Events API v2."""
    action = _ACTIONS.get(message.act, "trigger")
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": f"tidings-{message.key}"[:KEY_MAX],
    }
    if action != "trigger":
        return event
    text = write_alert(message, base)
    first = message.incidents[0]
    severities = {SEVERITIES.get(incident.kind, "error") for incident in message.incidents}
    worst = min(severities, key=("critical", "error", "warning", "info").index)
    event["payload"] = {
        "summary": _cut(text.sentence, SUMMARY_MAX),
        "source": first.host or first.webhook or "tidings",
        "severity": worst,
        "timestamp": exact(first.opened_ms),
        "component": first.name,
        "group": f"org {first.org}",
        "class": first.kind,
        "custom_details": {
            "webHookIds": sorted({incident.webhook for incident in message.incidents})[:LISTED],
            "cause": first.cause,
            "incidents": [*text.lines],
        },
    }
    event["client"] = "Tidings"
    if text.link:
        event["client_url"] = text.link
        event["links"] = [{"href": text.link, "text": "Open in Tidings"}]
    return event


def post_body(channel: AlertChannel, message: AlertMessage, base: str) -> dict[str, Any]:
    """Build the body that is posted to a channel's URL."""
    if channel.type is ChannelType.SLACK:
        return slack_body(message, base)
    return pagerduty_body(message, base, channel.routing_key)
