"""What Tidings tells an org of itself: operational events.

They are events of the org like any other (docs/operational-events.md), of the types that
`operational_events.py` declares; `tidings.` is theirs alone, no caller may send one. Two rules keep
them from feeding on themselves. What happens to the delivery of an operational event is no
operational event: a subscriber that fails is never told of that by a further delivery that can
fail. And an event about a webhook is not delivered to that webhook (`Draft.about`). What is left, a
webhook's own way to being disabled, has an end: it is disabled once.

Pure; times are passed in.
"""

from typing import Any

import msgspec

from tidings.core.ids import DeliveryId, OrgId, derived_event_id, show
from tidings.core.notices.operational_events import KINDS, Fact, about
from tidings.core.webhooks.webhook import Webhook

EVERY_S = 60.0  # a webhook's ended deliveries are told at most so often, with their count
NAMED_MAX = 10  # deliveries that are named; the others are counted

_SUBJECTS = ("webHookId", "replayId", "sourceId", "lookUp", "connection")
_OPENING = b'{"eventName":"tidings.'


class Notice(msgspec.Struct, frozen=True):
    """An operational event, ready to be accepted."""

    kind: str
    org: OrgId
    event_id: str
    body: bytes
    event: dict[str, Any]


def notice(kind: str, org: OrgId, fact: Fact, now_ms: int) -> Notice:
    """Build the event that tells a fact. The same fact gets the same id, so it is stored once."""
    same = "|".join(str(fact.get(name)) for name in KINDS[kind].same_by)
    event_id = derived_event_id(org, f"{kind}|{same}", 0)
    subject = next((fact[name] for name in _SUBJECTS if fact.get(name)), "")
    event = {
        "eventName": kind,
        "eventId": event_id,
        "orgId": org,
        "refId": f"{org}_{subject}",
        "apiRequestId": None,
        "createdAt": now_ms,
        "data": dict(fact),
    }
    return Notice(kind, org, event_id, body=msgspec.json.encode(event), event=event)


def is_notice(body: bytes) -> bool:
    """Return whether an event's bytes are those of an operational event. Only `notice` makes such
    bytes: a caller's event with such a name is refused."""
    return body.startswith(_OPENING)


# -- facts ----------------------------------------------------------------------------------------


class DeliveryEnd(msgspec.Struct, frozen=True):
    """A delivery that ended without success, or several that were parked."""

    at_ms: int
    cause: str  # the last attempt's status, or its kind of fault
    delivery: DeliveryId | None = None
    event_id: str = ""
    parked: int = 0  # how many; 0: one has failed
    why: str = ""  # in sentences, where no message could be made


class NoticeBatch(msgspec.Struct):
    """Everything that has ended at one webhook since it was told last."""

    webhook: Webhook
    from_ms: int
    to_ms: int
    failed: int = 0
    parked: int = 0
    cause: str = ""
    why: str = ""
    named: list[tuple[int, str]] = []

    def add(self, ended: DeliveryEnd) -> None:
        """Count one more."""
        self.to_ms = max(self.to_ms, ended.at_ms)
        if ended.cause:
            self.cause, self.why = ended.cause, ended.why
        if ended.parked:
            self.parked += ended.parked
        else:
            self.failed += 1
        if ended.delivery is not None and len(self.named) < NAMED_MAX:
            self.named = [*self.named, (ended.delivery, ended.event_id)]


def exhausted(batch: NoticeBatch, action: Fact | None = None) -> dict[str, Any]:
    """Build the fact that deliveries have ended without success."""
    return about(batch.webhook, action) | {
        "count": batch.failed + batch.parked,
        "failed": batch.failed,
        "parked": batch.parked,
        "from": batch.from_ms,
        "to": batch.to_ms,
        "cause": batch.cause,
        "deliveryIds": [show("dlv", delivery) for delivery, _ in batch.named],
        "eventIds": [event_id for _, event_id in batch.named],
    }


def merged(before: Fact, then: Fact) -> dict[str, Any]:
    """Join two facts of `exhausted` about one webhook into one, for an e-mail."""

    def first(name: str) -> list[str]:
        return [*before[name], *then[name]][:NAMED_MAX]

    return dict(then) | {
        "count": before["count"] + then["count"],
        "failed": before["failed"] + then["failed"],
        "parked": before["parked"] + then["parked"],
        "from": min(before["from"], then["from"]),
        "to": max(before["to"], then["to"]),
        "cause": then["cause"] or before["cause"],
        "action": (then if then["cause"] else before).get("action"),
        "deliveryIds": first("deliveryIds"),
        "eventIds": first("eventIds"),
    }


class NoticeBatches:
    """At most one batch of a webhook in `every_s`: the first at once, what follows with a count."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._logged_s: dict[int, float] = {}
        self._waiting: dict[int, NoticeBatch] = {}

    def add(self, webhook: Webhook, ended: DeliveryEnd) -> None:
        """Note what has ended; `due` hands it out."""
        batch = self._waiting.get(webhook.number)
        if batch is None:
            batch = self._waiting[webhook.number] = NoticeBatch(webhook, ended.at_ms, ended.at_ms)
        batch.webhook = webhook
        batch.add(ended)

    def due(self, now_s: float, *, all_of_it: bool = False) -> list[NoticeBatch]:
        """Take the batches that may be told now (`all_of_it`: all), and count them as told."""
        found = [
            number
            for number in self._waiting
            if all_of_it or now_s >= self._logged_s.get(number, float("-inf")) + self._every_s
        ]
        # What was told long ago holds nobody back: forget it, so that this stays small.
        self._logged_s = {
            number: notified_s
            for number, notified_s in self._logged_s.items()
            if now_s < notified_s + self._every_s
        } | dict.fromkeys(found, now_s)
        return [self._waiting.pop(number) for number in found]

    def wait_s(self, now_s: float) -> float | None:
        """Compute the seconds until a batch is due; None if none waits."""
        moments = [
            self._logged_s.get(number, float("-inf")) + self._every_s for number in self._waiting
        ]
        return max(0.0, min(moments) - now_s) if moments else None
