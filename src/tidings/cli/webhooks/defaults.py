"""What a webhook is where nobody says otherwise, and its fields as a file holds them."""

from collections.abc import Mapping
from typing import Any

from tidings.core.delivery.outcome import DEFAULT_POLICY
from tidings.core.webhooks.retry_policy_body import show_retry

Body = dict[str, Any]

# What a webhook has where nothing is said. Tests hold it against the service.
DEFAULTS: Body = {
    "active": True,
    "eventNames": [],
    "eventVersions": {},
    "filter": None,
    "fields": None,
    "rename": {},
    "transformation": None,
    "webHookType": "HTTP",
    "webHookUrl": "",
    "methodType": "POST",
    "webHookHeaders": {},
    "maxAllowedConnections": 10,
    "slaInSeconds": None,
    "customerIdentifiersToBeEnriched": [],
    "tillDetailsEnrichmentEnabled": False,
    "storeDetailsEnrichmentEnabled": False,
    "awardedReferenceEnrichmentEnabled": False,
    "availablePointsBalanceEnrichmentEnabled": False,
    "cardNumberEnrichmentEnabled": False,
    "enrichmentWhenDown": "thin",
    "listenToChildEvents": False,
    "neoEnrichment": None,
    "ordering": "none",
    "holdOnFailure": False,
    "rateLimit": None,
    "deadlineInSeconds": 30.0,
    "keepResponses": False,
    "retryPolicy": show_retry(DEFAULT_POLICY),
}
ORDER = ("name", *DEFAULTS)
# What the original knows: an import of its answer says nothing about the rest.
ORIGINAL = (
    "active eventNames webHookType webHookUrl methodType webHookHeaders maxAllowedConnections "
    "slaInSeconds customerIdentifiersToBeEnriched tillDetailsEnrichmentEnabled "
    "storeDetailsEnrichmentEnabled awardedReferenceEnrichmentEnabled "
    "availablePointsBalanceEnrichmentEnabled listenToChildEvents neoEnrichment"
).split()
HEADERS = "webHookHeaders"


def settled(webhook: Mapping[str, Any]) -> Body:
    """The fields of a webhook that can be set, as GET shows it."""
    shown = {field: webhook.get(field, default) for field, default in DEFAULTS.items()}
    shown[HEADERS] = shown[HEADERS] or {}
    neo = shown["neoEnrichment"]
    if isinstance(neo, Mapping):
        kept = {name: neo.get(name) for name in ("label", "value")}
        whole = {"sendWhole": True} if neo.get("sendWhole") else {}
        shown["neoEnrichment"] = kept | whole if any(kept.values()) else None
    return shown
