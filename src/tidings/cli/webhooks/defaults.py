"""What a webhook is where nobody says otherwise, and its fields as a file holds them."""

from collections.abc import Mapping
from typing import Any

from tidings.core.webhooks.fields import SECRET, SETTABLE

Body = dict[str, Any]

_FIELDS = [field for field in SETTABLE if field.name != "name" and field is not SECRET]
DEFAULTS: Body = {field.name: field.usual() for field in _FIELDS}
"""What a webhook has where nothing is said."""
ORDER = ("name", *DEFAULTS)
HEADERS, AUTHENTICATION = "webHookHeaders", "authentication"


def settled(webhook: Mapping[str, Any]) -> Body:
    """Return the fields of a webhook that can be set, as GET shows it."""
    shown = {field: webhook.get(field, default) for field, default in DEFAULTS.items()}
    shown[HEADERS] = shown[HEADERS] or {}
    neo = shown["neoEnrichment"]
    if isinstance(neo, Mapping):
        kept = {name: neo.get(name) for name in ("label", "value")}
        whole = {"sendWhole": True} if neo.get("sendWhole") else {}
        shown["neoEnrichment"] = kept | whole if any(kept.values()) else None
    return shown
