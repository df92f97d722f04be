"""Another try of a delivery, asked for by hand: what it does, in words, or why it cannot be."""

from typing import Protocol

import msgspec

from tidings.core.delivery.advice import comes
from tidings.core.delivery.next_attempt import BARRED
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook_types import HTTP
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.records import WebhookState
from tidings.errors import Conflict, FieldRefusal, RequestRefused, not_found
from tidings.reads.delivery.deliveries import DeliveryParts, own_delivery
from tidings.reads.delivery.next_attempts import ScheduledDelivery, see, with_first
from tidings.store.port import ManualRetry

# What asking for a try has come to, where nothing comes of it: code and sentence.
_NOTHING = {
    "waiting": (
        "waiting_already",
        "A delivery must have ended, or wait for the time of its next attempt; this one goes as "
        "soon as it can.",
    ),
    "under_way": (
        "under_way",
        "A delivery must not be tried twice at once; an attempt of this one is under way. Look at "
        "it again in a moment.",
    ),
    "delivered": (
        "delivered",
        "A delivery must not have arrived yet; this one was delivered. To send it once more, "
        "replay it with again: true.",
    ),
    "no_payload": (
        "no_payload",
        "The event's bytes must still be kept; they were dropped after their retention. Let its "
        "sender send the event again.",
    ),
}

_AFTER = {"due": State.RETRYING, "next": State.HELD, "under_way": State.RETRYING}


class RetryParts(DeliveryParts, Protocol):
    """Services that try a delivery again."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""


class RetryAnswer(msgspec.Struct, frozen=True):
    """The result of asking for a try: "due" or "next", when it is made, and both in words."""

    outcome: str
    next_ms: int | None
    said: str


async def try_now(parts: RetryParts, org: OrgId, delivery_id: str) -> RetryAnswer:
    """Make a delivery due now. Refused where it cannot be."""
    found, record = await own_delivery(parts.store, parts.webhooks, org, delivery_id)
    _must_send(record)
    asked = await parts.delivery.manual_retries.ask(org, found.id, found.webhook)
    if (state := _AFTER.get(asked.outcome)) is not None:
        if found.state == State.WAITING:
            state = State.WAITING  # it is looked at now, and may wait on
        found = msgspec.structs.replace(found, state=state, due_ms=asked.due_ms)
    seen = await with_first(parts, see(parts, found, record))
    waits = comes(
        State(found.state),
        due_ms=found.due_ms,
        now_ms=parts.clock.now_ms(),
        zone=parts.zone(org),
        status=record.webhook.status,
        next_attempt=seen.next_attempt,
        acts=record.webhook.type.acts,
    )
    match asked.outcome:
        case "next":
            return RetryAnswer("next", None, f"It goes next of its ordering key. {waits}")
        case "due":
            due = "It is due. " if seen.next_attempt.why in BARRED else ""
            age_ms = parts.clock.now_ms() - found.accepted_ms
            then = if_it_fails(asked.promised_ms is not None, age_ms, record.webhook.retry)
            return RetryAnswer("due", seen.next_ms, f"{due}{waits} {then}")
        case _:
            raise _nothing(asked, delivery_id, seen, waits)


def _must_send(record: WebhookState) -> None:
    status = record.webhook.status
    if not record.webhook.has_target:
        message = (
            f"The webhook must be of the type {HTTP}; {record.webhook.kind} makes no call. Set "
        )
        message += "webHookType to HTTP, then try again."
    elif status in (WebhookStatus.ACTIVE, WebhookStatus.PAUSED):
        return
    else:
        message = (
            f"The webhook must be active; it is {status.value}. Set it active, then try again."
        )
    raise Conflict(FieldRefusal.build("webhook_does_not_send", message))


def _nothing(
    asked: ManualRetry, delivery_id: str, seen: ScheduledDelivery, waits: str
) -> RequestRefused:
    if asked.outcome == "unknown":
        return not_found("id", "the id of a delivery of this org, as dlv_…", delivery_id)
    outcome = asked.outcome
    if outcome in ("waiting", "under_way"):
        # A retry that was taken may wait in its lane as long as a first attempt.
        outcome = "under_way" if seen.next_attempt.begun else "waiting"
    code, sentence = _NOTHING[outcome]
    why = f" {waits}" if outcome == "waiting" else ""
    return Conflict(FieldRefusal.build(code, f"{sentence}{why}"))


def if_it_fails(promised: bool, age_ms: int, policy: RetryPolicy) -> str:
    """Say what follows a try by hand that fails, of a delivery `age_ms` after its accept.

    `promised`: an automatic attempt of it was due anyhow.
    """
    if promised:
        return "If it fails, the automatic attempt stays when it was due."
    if age_ms < policy.schedule.window_s * 1000:
        return "If it fails and can be tried again, its retries go on by the schedule."
    hours = policy.schedule.window_s / 3600
    return f"The {hours:g} hours of its retries are over: it has this one attempt."
