"""What a caller may do: a level for each resource, and the roles of people as sets of them.

In the store scopes are words, `events:write logs:read`; `*` is everything. In the API they are an
object with a level for each resource: `{"webhooks": "none", "events": "write", …}`.
"""

from tidings.core.declaration import REQUIRED, Json
from tidings.core.field_types import CustomField
from tidings.core.form import Form
from tidings.values import describe_value

RESOURCES = ("webhooks", "sources", "events", "messages", "logs", "reference", "replay", "admin")
LEVELS = ("none", "read", "write")
EVERYTHING = "*"

OWNER = "owner"
ROLES = {
    OWNER: EVERYTHING,
    "admin": EVERYTHING,  # but an owner is changed by owners alone
    "operator": (
        "webhooks:write sources:write events:write messages:write logs:read reference:write "
        "replay:write"
    ),
    "reader": "webhooks:read sources:read events:read logs:read reference:read replay:read",
}


def grants_of(scopes: str) -> frozenset[str]:
    """Expand scopes to what they allow: `*` is everything; a word such as `events:write` includes
    reading."""
    if scopes.strip() == EVERYTHING:
        scopes = " ".join(f"{resource}:write" for resource in RESOURCES)
    granted = set()
    for word in scopes.split():
        resource, _, level = word.partition(":")
        if level in ("read", "write"):
            granted.add(f"{resource}:read")
        if level == "write":
            granted.add(word)
    return frozenset(granted)


def show_scopes(scopes: str) -> dict[str, str]:
    """Return the level of each resource: none, read or write."""
    grants = grants_of(scopes)
    levels = {}
    for resource in RESOURCES:
        levels[resource] = "none"
        for level in ("read", "write"):
            if f"{resource}:{level}" in grants:
                levels[resource] = level
    return levels


def read_scopes(form: Form, _: object, old: str) -> str:
    """Read the field `scopes` as words; `old` if it is missing, or no object of known resources.
    What is wrong, and a missing one where `old` is REQUIRED, is refused in the form."""
    if "scopes" not in form.body:
        if old is REQUIRED:
            form.refuse(
                "bad_scopes",
                "scopes",
                "scopes must say what the credential may do; got nothing. Write "
                '{"events": "write", "logs": "read"}.',
            )
        return old
    value = form.body["scopes"]
    if not isinstance(value, dict):
        form.refuse(
            "bad_scopes",
            "scopes",
            "scopes must be an object with a level for each resource; got "
            f"{describe_value(value)}. Write "
            '{"events": "write", "logs": "read"}.',
        )
        return old
    inner = Form(value)
    inner.refuse_unknown(RESOURCES)
    if inner.refusals:
        form.take_in(inner, "scopes.")
        return old
    words = []
    for resource, level in value.items():
        if level not in LEVELS:
            form.refuse(
                "bad_scopes",
                f"scopes.{resource}",
                f"scopes.{resource} must be none, read or write; got {describe_value(level)}. "
                "Leave it out "
                "for none.",
            )
        elif level != "none":
            words.append(f"{resource}:{level}")
    return " ".join(words)


def _schema(level: Json, **more: object) -> Json:
    levels = {resource: {"type": "string", "enum": list(LEVELS), **level} for resource in RESOURCES}
    return {"type": "object", "properties": levels, "additionalProperties": False, **more}


SCOPES = CustomField(
    read_scopes,
    schema=_schema({}),
    making=_schema({"default": "none"}),
    answers=_schema({}, required=list(RESOURCES)),
    shows=show_scopes,
    null=False,
)
"""The kind of a field that holds scopes."""
