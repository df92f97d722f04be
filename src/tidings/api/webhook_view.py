"""A webhook as `/v3` shows it: the original's fields, then ours."""

from datetime import tzinfo
from typing import Any

from tidings.api.context import iso, local_iso
from tidings.core.retry_rules import show_retry
from tidings.core.sign import show_secret
from tidings.core.webhook import Standing
from tidings.core.webhook_rules import FLAGS, IDENTIFIERS, NEO
from tidings.engine.webhook_records import Record


def show_webhook(record: Record, zone: tzinfo) -> dict[str, Any]:
    """Everything but the signing secret, of which the last four characters are shown."""
    webhook, settings = record.webhook, record.config.settings
    extra = settings.extra
    secrets = record.config.secrets
    return {
        "webHookId": webhook.id,
        "consumerGroupId": webhook.consumer_group,
        "name": webhook.name,
        "active": webhook.standing in (Standing.ACTIVE, Standing.PAUSED),
        "eventNames": settings.event_names,
        "webHookType": settings.kind,
        "webHookUrl": settings.url,
        "methodType": settings.method,
        "webHookHeaders": dict(settings.headers),
        "maxAllowedConnections": settings.connections_max,
        "slaInSeconds": settings.sla_s,
        "noOfRetryAttempts": 0,
        IDENTIFIERS: extra.get(IDENTIFIERS, []),
        **{flag: extra.get(flag, False) for flag in FLAGS},
        "listenToChildEvents": settings.listen_to_children,
        NEO: extra.get(NEO),
        "attribution": _attribution(record, zone),
        "standing": webhook.standing.value,
        "disabledReason": record.config.reason,
        "version": webhook.version,
        "ordering": settings.ordering.value,
        "rateLimit": settings.rate_per_s,
        "deadlineInSeconds": settings.deadline_s,
        "keepResponses": settings.keep_answers,
        "retryPolicy": show_retry(settings.retry),
        "signingSecretHint": f"…{show_secret(secrets[0])[-4:]}" if secrets else None,
    }


def _attribution(record: Record, zone: tzinfo) -> dict[str, Any]:
    return {
        "createdOn": local_iso(record.created_ms, zone),
        "lastUpdatedOn": local_iso(record.updated_ms, zone),
        "createdOnISO": iso(record.created_ms),
        "lastUpdatedOnISO": iso(record.updated_ms),
        "createdBy": _person(record.config.created_by),
        "lastUpdatedBy": _person(record.config.updated_by),
    }


def _person(credential: str) -> dict[str, Any]:
    return {
        "id": credential,
        "code": credential,
        "description": "",
        "name": credential,
        "type": "ADMIN_USER",
    }
