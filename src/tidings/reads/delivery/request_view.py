"""What an attempt has sent, derived again: from the webhook's version, the event and the time.

Nothing is stored of a plain success but its row. The version in force then, its secrets and the
start of the attempt give the very same headers and signature again. The bytes are those kept for
retries (shaped messages), or the accepted ones; of a shaped message that arrived at once none are
kept, and that is said. Bytes without personal data took the place of those that were sent before
the webhook wanted none: of attempts before that nothing shaped is kept.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.delivery.exchange import UNMADE
from tidings.core.delivery.job import Job
from tidings.core.events.passage import HEADER
from tidings.core.shaping.signatures.standard_webhooks import SIGNATURE_HEADER
from tidings.core.webhooks.masks import masked_of
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.records import Config
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.reads.messages import show_bytes, show_headers
from tidings.store import port
from tidings.store.port import SentBody, StoredAttempt, StoredDelivery, StoredWebhook

Version = tuple[StoredWebhook, Config]

VERSIONS_MAX = 50  # read for one delivery; more attempts than these have had few versions


class RequestParts(Protocol):
    """Services that know what was sent."""

    @property
    def store(self) -> port.DeliveryStore:
        """Return the store of bytes."""

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks with their versions."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""


async def requests_of(
    parts: RequestParts, delivery: StoredDelivery, attempts: Sequence[StoredAttempt]
) -> list[dict[str, Any] | None]:
    """Derive the request of each attempt; None where its version of the webhook is not there."""
    if not attempts:
        return []
    sent = await parts.store.sent_body(delivery.id)
    versions: dict[int, Version | None] = {}
    for number in list(dict.fromkeys(attempt.version for attempt in attempts))[:VERSIONS_MAX]:
        versions[number] = await parts.webhooks.version(delivery.webhook, number)
    without = [
        attempt.number
        for attempt in attempts
        if _without_personal_data(versions.get(attempt.version))
    ]
    since = min(without, default=None)
    return [
        _request(
            parts,
            delivery,
            attempt,
            versions.get(attempt.version),
            sent,
            cut=since is not None and attempt.number >= since,
        )
        for attempt in attempts
    ]


def _without_personal_data(version: Version | None) -> bool:
    return version is not None and version[1].settings.without_personal_data


def _request(
    parts: RequestParts,
    delivery: StoredDelivery,
    attempt: StoredAttempt,
    version: Version | None,
    sent: SentBody,
    *,
    cut: bool,
) -> dict[str, Any] | None:
    """`cut`: it sent neither the accepted bytes nor what was made of them with personal data."""
    if version is None:
        return None
    gave_way = sent.cut and not cut
    if sent.cut != cut:  # what is kept is of other attempts
        sent = msgspec.structs.replace(sent, shaped=None)
    webhook = parts.webhooks.as_it_was(*version, attempt.started_ms)
    body = sent.shaped if sent.shaped is not None else sent.accepted
    unmade = attempt.evidence is not None and attempt.evidence.kind in UNMADE
    known = sent.shaped is not None or (webhook.plain and not cut)
    known = known and not (webhook.type.acts and unmade)
    signed = body if body is not None and known else b""
    job = Job(
        delivery=delivery.id,
        webhook=delivery.webhook,
        org=delivery.org,
        event_id=delivery.event_id,
        accepted_ms=delivery.accepted_ms,
        attempt=attempt.number,
        key=None,
        retry=attempt.number > 1,
        body=signed,
        replay=delivery.replay,
        again=sent.again,
        passage=sent.passage,
    )
    carried = parts.delivery.destination.carried(webhook)
    headers = parts.delivery.headers_of(webhook).of(job, attempt.started_ms // 1000, carried)
    if attempt.started_ms < sent.hops_since_ms:
        headers = [header for header in headers if header[0] != HEADER]
    if not known or body is None:  # the bytes are not there, so their signature is not either
        headers = [header for header in headers if header[0] != SIGNATURE_HEADER]
    shown = parts.delivery.destination.show(webhook, headers, signed, sent.key)
    return {
        "method": shown.method,
        "url": shown.url or ("" if webhook.type.acts else webhook.url),
        "headers": show_headers(masked_of(shown.headers, webhook.header_names)),
        "body": show_bytes(shown.body) if known and body is not None else None,
        "note": _note(attempt, known, body is not None, gave_way=gave_way, acts=webhook.type.acts),
    }


def _note(
    attempt: StoredAttempt, known: bool, there: bool, *, gave_way: bool, acts: bool
) -> str | None:
    if not there:
        return "The bytes were deleted after their retention time."
    unmade = attempt.evidence is not None and attempt.evidence.kind in UNMADE
    if unmade or (acts and not known):  # what was made for an action is always kept
        return "Nothing was created from the event."
    if not known and gave_way:
        return "What shaping made of the event gave way to what is sent without personal data."
    if not known:
        return "What shaping made of the event was not kept, because it was delivered at once."
    if attempt.evidence is None and attempt.number == 1:
        return "The time of the signature may be a second off: no row is kept of a plain success."
    return None
