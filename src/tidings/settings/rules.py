"""What a setting must be, and what it is for: the rules of which `settings.py` is made."""

from typing import Any

from msgspec import Meta


def rule(must: str, doc: str, **bounds: Any) -> Meta:
    """Build the rule of a setting. `must` is read after "must be"; `bounds`: those of msgspec."""
    return Meta(description=doc, extra={"must": must}, **bounds)


def number_from(low: float, high: int, doc: str) -> Meta:
    """Build the rule of a number between two bounds, both included."""
    return rule(f"a number from {low:,} to {high:,}", doc, ge=low, le=high)


def port_number(doc: str) -> Meta:
    """Build the rule of a port."""
    return rule("a number from 1 to 65535", doc, ge=1, le=65535)


def path_template(what: str) -> Meta:
    """Build the rule of a path of the platform's API, with a place for an id."""
    return rule(
        "a path with {id}, such as /v1/{orgId}/items/{id}",
        f"Where the platform's API has {what}; not asked where it is absent.",
        pattern=r"^/\S{1,1024}$",
    )
