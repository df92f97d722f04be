"""What a merge patch (RFC 7396) of a webhook says, as a body that replaces it.

The patch is laid over the webhook as GET shows it; only the fields that the patch names stand in
the body, all others stay as they are. Null takes a field away, so that its default holds again.
"""

from typing import Any

_HEADERS = "webHookHeaders"

# What a field is without a value, where reading null in a body would leave it as it was.
_WITHOUT: dict[str, Any] = {
    "active": True,
    "webHookType": "HTTP",
    "webHookUrl": "",  # refused: there is no webhook without one
    "methodType": "POST",
    _HEADERS: {},
    "customerIdentifiersToBeEnriched": [],
    "listenToChildEvents": False,
    "keepResponses": False,
    "ordering": "none",
    "holdOnFailure": False,
}


def patched_body(shown: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The body by which the shown webhook is replaced."""
    body: dict[str, Any] = {}
    for field, value in patch.items():
        if value is None:
            body[field] = _WITHOUT.get(field)
        elif field == _HEADERS and isinstance(value, dict):
            body[field] = _merged_headers(shown.get(field) or {}, value)
        else:
            body[field] = merge(shown.get(field), value)
    return body


def _merged_headers(old: dict[str, str], patch: dict[str, Any]) -> dict[str, Any]:
    """A header's name is the same in any case; the patch's way of writing it wins."""
    named = {name.lower() for name in patch}
    kept = {name: value for name, value in old.items() if name.lower() not in named}
    return kept | {name: value for name, value in patch.items() if value is not None}


def merge(target: Any, patch: Any) -> Any:
    """The patched document (RFC 7396).

    A member that is null in the patch is taken away, an object is merged member by member, anything
    else replaces what was there; a list is replaced whole. Neither argument is changed; the patch's
    depth is the caller's care.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
