"""A webhook as `/v3` shows it: the original's fields, then ours."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from tidings.core.declaration import show_resource
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.attribution import of_credential, show_attribution
from tidings.core.shaping.neo_rules import NEO
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.times import iso, local_iso
from tidings.core.webhooks.body_reader import UrlCheck
from tidings.engine.webhooks.records import Author, WebhookState
from tidings.reads.webhooks.signing import show_signing
from tidings.reads.webhooks.warnings import warning_of


def show_webhook(
    record: WebhookState,
    zone: tzinfo,
    flows: Collection[str] = (),
    unheard: Sequence[str] = (),
    unconfirmed: Sequence[str] = (),
    own_path: UrlCheck = lambda url: None,
) -> dict[str, Any]:
    """Show all of a webhook; of the signing secret and of values of headers the last four
    characters.

    `flows` are the transformations that `neoEnrichment` may name; `unheard`: what it asks for in
    vain.
    """
    webhook, settings = record.webhook, record.config.settings
    secrets, ends = webhook.secrets, record.config.secret_ends
    return {
        "webHookId": webhook.id,
        "consumerGroupId": webhook.consumer_group,
        "active": webhook.status in (WebhookStatus.ACTIVE, WebhookStatus.PAUSED),
        **dict(show_resource(settings)),
        "noOfRetryAttempts": 0,
        "attribution": _attribution(record, zone),
        "standing": webhook.status.value,
        "disabledReason": record.config.reason,
        "version": webhook.version,
        "signingSecretHint": f"…{show_secret(secrets[0])[-4:]}" if secrets else None,
        "signingSecretOverlapEnds": iso(max(ends)) if len(secrets) > 1 else None,
        **show_signing(webhook),
        "warning": warning_of(webhook, flows, unheard, unconfirmed, own_path),
    }


def with_choices(shown: dict[str, Any], choices: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Show a webhook as GET does: `neoEnrichment` names what it might be, as the original does."""
    neo = msgspec.json.decode(bytes(shown[NEO])) if isinstance(shown[NEO], msgspec.Raw) else {}
    full = {"label": None, "value": None} | neo | {"possibleValues": choices}
    return shown | {NEO: full}


def _attribution(record: WebhookState, zone: tzinfo) -> dict[str, Any]:
    return {
        "createdOn": local_iso(record.created_ms, zone),
        "lastUpdatedOn": local_iso(record.updated_ms, zone),
        "createdOnISO": _iso_s(record.created_ms),
        "lastUpdatedOnISO": _iso_s(record.updated_ms),
        "createdBy": _person(record.config.created_by),
        "lastUpdatedBy": _person(record.config.updated_by),
    }


def _iso_s(ms: int) -> str:
    """In whole seconds, as the original's fields of this name are."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _person(author: Author) -> dict[str, Any]:
    who = of_credential(author, "", "") if isinstance(author, str) else author
    return show_attribution(who)
