"""A test message: what it holds, who signs it, and what came of it, in words too."""

import os
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.delivery.advice import PastAttempt, what_happened, what_to_do
from tidings.core.delivery.exchange import ReceiverAnswer, TransportFault
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shaping.signatures.schemes import key_pair, paired
from tidings.core.shaping.signatures.secrets import SECRET_BYTES, read_secret
from tidings.core.times import iso
from tidings.core.webhooks.headers import same_url
from tidings.core.webhooks.masks import masked_by_name, masked_of
from tidings.core.webhooks.name_matching import is_prefix
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.answer_memory import HoldsAnswers
from tidings.engine.clock import Clock
from tidings.engine.delivery.trial import TrialResult
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.services.events import EventServices
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import FieldRefusal, Invalid, TooLarge
from tidings.reads.columns import show_left_out
from tidings.reads.delivery.delivery_view import show_timings
from tidings.reads.messages import show_bytes, show_headers
from tidings.values import describe_value

BODY_BYTES_MAX = 256 * 1024
TEST_BYTES = 3 << 20  # what a test message takes while its answer is waited for
_OTHER_SECRET = FieldRefusal.build(
    "test_secret",
    "webHookUrl must be the stored one for the stored secret to sign; got a different one. This "
    "test was signed with the signingSecret in this answer, made for this test: verify with that.",
    field="signingSecret",
)


class TrialParts(Protocol):
    """Services that make and send a test message."""

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks that are saved."""

    @property
    def events(self) -> EventServices:
        """Event types, and what events are found by."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""

    @property
    def web(self) -> HoldsAnswers:
        """The holder of the memory of answers."""


def signed(
    webhooks: Webhooks, org: OrgId, webhook: Webhook, body: dict[str, Any], webhook_id: object
) -> tuple[Webhook, bytes | None, Sequence[FieldRefusal]]:
    """Return an unsaved webhook with a secret, that secret where it was made for this, and
    warnings.

    It is the given one, the saved one's where the message goes to the saved URL, or made: whoever
    sees a message that the stored one has signed could pass it on to the receiver as if it were
    ours. Likewise the key pairs of the schemes that it signs by; none is given.
    """
    saved = None if webhook_id is None else webhooks.get(org, WebhookId(str(webhook_id))).webhook
    stays = saved is not None and same_url(saved.url, webhook.url)
    stored = saved.key_pairs if saved is not None and stays else ()
    pairs = [
        pair
        for scheme in paired(webhook.signatures)
        for pair in [stored_pair for stored_pair in stored if stored_pair.scheme == scheme.id]
        or [key_pair(scheme, os.urandom(scheme.key_bytes))]
    ]
    webhook = msgspec.structs.replace(webhook, key_pairs=tuple(pairs))
    if isinstance(secret := body.get("signingSecret"), str):
        given = read_secret(secret)  # it was checked with the rest
        return msgspec.structs.replace(webhook, secrets=(given,)), None, ()
    if saved is not None and stays:
        return msgspec.structs.replace(webhook, secrets=saved.secrets), None, ()
    made = os.urandom(SECRET_BYTES)
    warnings = () if saved is None else (_OTHER_SECRET,)
    return msgspec.structs.replace(webhook, secrets=(made,)), made, warnings


async def sent(
    parts: TrialParts,
    org: OrgId,
    webhook: Webhook,
    event_id: str,
    message: bytes,
    saved: Webhook | None,
    *,
    now: bool = False,
) -> TrialResult:
    """Send a test message, in quiet hours too where it is to be `now`, unless the `saved` webhook
    that it was made from is changed before it leaves. TooSoon; NotDialled for a webhook that makes
    no call."""

    def stands() -> bool:
        now = None if saved is None else parts.webhooks.by_number(saved.number)
        return saved is None or (now is not None and now.webhook is saved)

    stored = webhook == saved
    async with parts.web.answer_memory.holding(org, TEST_BYTES):
        return await parts.delivery.trial.send(
            org, webhook, event_id, message, stands, stored=stored, now=now
        )


def now_in(body: dict[str, Any]) -> bool:
    """Read whether a test is to be done in quiet hours too. Invalid."""
    now = body.get("now", False)
    if not isinstance(now, bool):
        raise Invalid(
            FieldRefusal.build(
                "bad_type",
                f"now must be true or false; got {describe_value(now)}. Leave it out to keep quiet "
                "hours.",
                field="now",
            )
        )
    return now


def test_message(
    parts: TrialParts, org: OrgId, webhook: Webhook, body: dict[str, Any]
) -> tuple[str, bytes]:
    """Return the id and the bytes of the event to send: the given one, or the example of a type."""
    names = sorted(webhook.event_names, key=lambda name: (is_prefix(name), name))
    name = body.get("eventName") or _first_wanted(parts, org, webhook, names)
    given = body.get("event")
    if given is not None and not isinstance(given, dict):
        raise Invalid(
            FieldRefusal.build(
                "bad_event",
                f"event must be an object; got {describe_value(given)}. Leave it out for the "
                "type's example.",
                field="event",
            )
        )
    if given is None:
        kind = parts.events.types.get(org, str(name), webhook.version_of(str(name)))
        given = kind.example if kind is not None and kind.examples else None
        if kind is None and given is None and name in names:  # of a type that nobody knows yet
            name = f"{name[:-1]}example" if is_prefix(name) else name
            given = {"eventName": name, "data": {}}
        elif given is not None:
            name = given["eventName"]  # that of its wire
        if given is None:
            raise Invalid(
                FieldRefusal.build(
                    "unknown_type",
                    "eventName must be an event type that has an example; got "
                    f"{describe_value(name)}. Send "
                    "the event itself in event.",
                    field="eventName",
                )
            )
    event_id = str(uuid.uuid4())
    now_ms = parts.clock.now_ms()
    fresh = {"eventName": name, "eventId": event_id, "orgId": org, "createdAt": now_ms}
    event = given | {key: value for key, value in fresh.items() if key != "eventName" or value}
    message = msgspec.json.encode(event)
    if len(message) > BODY_BYTES_MAX:
        raise TooLarge(
            FieldRefusal.build(
                "event_too_large",
                f"event must have at most {BODY_BYTES_MAX} bytes; got {len(message)}. Send less.",
                field="event",
            )
        )
    return event_id, message


def _first_wanted(parts: TrialParts, org: OrgId, webhook: Webhook, names: Sequence[str]) -> str:
    """Find the first type whose example the webhook wants, by its names and its filter; the first
    that it names where there is none."""
    known = sorted(parts.events.types.names(org))
    for name in names:
        begins = name[:-1] if is_prefix(name) else None
        for kind_name in [name] if begins is None else known:
            if begins is not None and not kind_name.startswith(begins):
                continue
            kind = parts.events.types.get(org, kind_name, webhook.version_of(name))
            if kind is None or not kind.examples:
                continue
            if webhook.filter is None or webhook.filter.accepts(kind.example):
                return kind_name
    return names[0] if names else ""


def show_tested(tested: TrialResult, webhook: Webhook) -> dict[str, Any]:
    """Show what was sent and what came of it, in words too."""
    ending = tested.ending
    fault = ending if isinstance(ending, TransportFault) else None
    tried = PastAttempt(
        status=ending.status if isinstance(ending, ReceiverAnswer) else None,
        kind=None if fault is None else fault.kind,
        detail=ending.detail,
        duration_ms=round(ending.duration_ms),
        http=webhook.type.answers_status,
        acts=webhook.type.acts,
    )
    return {
        "delivered": tested.delivered,
        "startedAt": iso(tested.started_ms),
        "durationInMs": round(ending.duration_ms, 1),
        "timings": show_timings(round(ending.duration_ms), ending.timings),
        "status": tried.status,
        "fault": tried.kind,
        "detail": tried.detail or None,
        "advice": " ".join(filter(None, (what_happened(tried), what_to_do(tried)))),
        "warning": show_left_out(tested.left_out),
        "request": {
            "method": tested.method,
            "url": tested.url,
            "headers": show_headers(masked_of(tested.headers, webhook.header_names)),
            "body": show_bytes(tested.body),
        },
        "answer": None
        if not isinstance(ending, ReceiverAnswer)
        else {
            "headers": show_headers(masked_by_name(ending.headers)),
            "body": show_bytes(ending.body) | {"truncated": ending.truncated},
        },
    }
