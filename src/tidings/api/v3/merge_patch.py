"""JSON Merge Patch (RFC 7396): what a document becomes when a patch is laid over it.

A member that is null in the patch is taken away, an object is merged member by member, anything
else replaces what was there; a list is replaced whole.
"""

from typing import Any


def merge(target: Any, patch: Any) -> Any:
    """The patched document. Neither argument is changed; the patch's depth is the caller's care."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
