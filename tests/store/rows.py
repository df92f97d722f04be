"""Rows for the store's tests: events, deliveries, outcomes and webhooks with few words."""

import hashlib
from collections.abc import Sequence

import msgspec

from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason, WaitsFor
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.store import port

ORG = OrgId(100041)
HOUR_MS = 3_600_000
QUIET = WaitsFor(WaitReason.QUIET, "It is quiet for the customer until 08:00 (UTC).")


def term(value: str) -> bytes:
    """A search term of 8 bytes."""
    return hashlib.blake2b(value.encode(), digest_size=8).digest()


def new(webhook: int, key: int | None = None, *, parked: bool = False) -> port.NewDelivery:
    """A delivery to be stored, matched under version 1 of its webhook."""
    return port.NewDelivery(webhook, 1, key, parked)


def event(
    id: str,
    *deliveries: port.NewDelivery,
    org: int = ORG,
    body: bytes | None = None,
    terms: Sequence[bytes] = (),
    warning: str | None = None,
    passage: str | None = None,
) -> port.NewEvent:
    """An event to be stored; its body names it where none is given."""
    kept = b'{"eventId":"%s"}' % id.encode() if body is None else body
    digest = hashlib.blake2b(kept, digest_size=8).digest()
    return port.NewEvent(
        OrgId(org),
        "pointsIssued",
        id,
        digest,
        kept,
        b"".join(terms),
        warning,
        deliveries,
        passage,
    )


def settled(
    delivery: int,
    state: State = State.DELIVERED,
    *,
    webhook: int = 1,
    key: int | None = None,
    attempt: int = 1,
    status: int | None = 200,
    delay_ms: int | None = None,
    evidence: port.Evidence | None = None,
) -> port.Settlement:
    """What came of an attempt under version 1 that took 12 ms."""
    return port.Settlement(
        DeliveryId(delivery), webhook, key, state, attempt, 1, 1_000, 12, status, delay_ms, evidence
    )


def failing(
    delivery: int, delay_ms: int, *, webhook: int = 1, key: int | None = None, attempt: int = 1
) -> port.Settlement:
    """An attempt answered 503 that is followed by another one."""
    return settled(
        delivery,
        State.RETRYING,
        webhook=webhook,
        key=key,
        attempt=attempt,
        status=503,
        delay_ms=delay_ms,
        evidence=EVIDENCE,
    )


def waiting(
    delivery: int,
    delay_ms: int = HOUR_MS,
    *,
    webhook: int = 1,
    key: int | None = None,
    attempt: int = 1,
    waits: WaitsFor = QUIET,
    sent: bytes | None = None,
) -> port.Settlement:
    """What is not to be done yet, looked at under the number of the attempt that it would be."""
    settlement = settled(
        delivery,
        State.WAITING,
        webhook=webhook,
        key=key,
        attempt=attempt,
        status=None,
        delay_ms=delay_ms,
    )
    return msgspec.structs.replace(settlement, waits=waits, duration_ms=0, sent=sent)


EVIDENCE = port.Evidence(None, "", [("Retry-After", "1")], b"busy", False)


def webhook(
    name: str, *, number: int = 0, version: int = 1, status: str = "active", org: int = ORG
) -> port.StoredWebhook:
    """A version of a webhook, its ids made from its name."""
    digest = hashlib.blake2b(f"{org}.{name}".encode(), digest_size=16).hexdigest()
    return port.StoredWebhook(
        number,
        WebhookId(digest[:24]),
        digest,
        OrgId(org),
        version,
        name,
        status,
        b"sealed " + name.encode(),
    )
