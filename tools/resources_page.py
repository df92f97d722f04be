"""Writes the page of all fields: `python -m tools.resources_page PAGE`."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tidings.core.access.credential_rules import CREDENTIAL
from tidings.core.access.portal_rules import Portal, PortalLinkFields
from tidings.core.access.user_rules import USER
from tidings.core.declaration import DeclaredField, Json, declared
from tidings.core.events.own_types import Declaration, TypeBodyFields
from tidings.core.field_types import Nested
from tidings.core.inbox_rules import InboxForm
from tidings.core.orgs.org_settings import OrgSettings
from tidings.core.replay_rules import CancelRequest, ResendRequest
from tidings.core.shaping.transformation_rules import NewTransformation
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.source import Source
from tidings.core.webhooks.fields import SETTABLE

HEAD = """\
# Resources: every field

Made from the code by `make docs`. What a body may say of each thing that is made or changed by a
call; its answer says the same fields. How calls and answers look: [api.md](api.md); what refuses a
field: [errors.md](errors.md). A field in another is written with a point between.

"Usually" is what holds where a body that makes one does not say the field, or says null where null
is taken. A body that changes one leaves what it does not say as it is; null sets the usual again.
"""
MANY = 10**12  # a bound above is no rule, but what numbers and times can hold
FOOT = """
## If it did not work

- `unknown_field`: the name is misspelt, or of another resource; each has its own above.
- A field is refused that is on this page: it may be in one kind of body alone ("In").
- A field of an answer is not here: it is told and cannot be set. `/docs` of a service has all.
"""
PORTAL = (*declared(Portal), *declared(PortalLinkFields))
TYPE = (*declared(Declaration), *declared(TypeBodyFields))
RESOURCES: tuple[tuple[str, str, tuple[DeclaredField, ...]], ...] = (
    ("Webhook", "`/v3/webHooks`: which events go where, where and how.", SETTABLE),
    ("Org settings", "`settings` of `/v1/orgs`.", declared(OrgSettings)),
    ("Credential", "`/v1/orgs/{orgId}/credentials`: who may call.", CREDENTIAL),
    ("User", "`/v1/orgs/{orgId}/users`: who may sign in.", USER),
    ("Portal link", "`/v1/orgs/{orgId}/portal-links`: a brand's console in a product.", PORTAL),
    ("Test inbox", "`/v1/inboxes`: a receiver inside the service.", declared(InboxForm)),
    ("Source", "`/v1/sources`: where events come from.", declared(Source)),
    ("Mapping", "`mapping` of a source.", declared(Mapping)),
    ("Replay", "`POST /v1/replays`: send again.", declared(ResendRequest)),
    ("Cancel", "`POST /v1/deliveries/cancel`: take back what waits.", declared(CancelRequest)),
    ("Event type", "`PUT /v1/eventTypes/{name}`: a type of the org's own.", TYPE),
    ("Transformation", "`/v1/transformations`.", declared(NewTransformation)),
)
ONLY_MADE = ("Portal link", "Replay", "Cancel", "Event type")
"""What no call changes."""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(*one) for one in RESOURCES) + FOOT


def _heads(changes: bool) -> str:
    cells = ["Field", "What it may be", "Usually", "null", *["In"] * changes, "What it is for"]
    return f"| {' | '.join(cells)} |\n{'|---' * len(cells)}|\n"


def _section(name: str, about: str, fields: Iterable[DeclaredField]) -> str:
    changes = name not in ONLY_MADE
    rows = [[*cells[:4], *cells[4 if changes else 5 :]] for cells in _rows(fields)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"\n## {name}\n\n{about}\n\n{_heads(changes)}{table}"


def _rows(fields: Iterable[DeclaredField], before: str = "") -> Iterator[tuple[str, ...]]:
    for one in fields:
        kind = one.field.kind
        if isinstance(kind, Nested):
            yield from _rows(declared(kind.resource), f"{before}{one.name}.")
            continue
        new = one.is_settable(new=True)
        bodies = {"all": "both", "new": "create", "change": "change"}[one.field.bodies]
        yield (
            f"`{before}{one.name}`",
            _cell(said(kind.taken(new=new) or kind.taken(new=not new))),
            "must be there" if one.required else _usual(one),
            "taken" if kind.null and not one.required else "refused",
            bodies,
            _cell(one.field.about or one.field.hint),
        )


def _usual(one: DeclaredField) -> str:
    value = one.usual()
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return "none" if value in (None, "", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def said(schema: Json) -> str:
    """What a value may be, in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(said, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "$ref" in schema:
        return f"a {schema['$ref'].rpartition('/')[2].lower()}"
    kind = str(schema.get("type", "any JSON"))
    if kind in ("integer", "number"):
        number = "a whole number" if kind == "integer" else "a number"
        return number + _bounds(schema)
    if kind == "string":
        return _text(schema)
    if kind == "array" and schema.get("maxItems") == 0:
        return "an empty list"
    if kind == "array":
        many = f", at most {schema['maxItems']:,}" if "maxItems" in schema else ""
        return f"a list{many}: {said(schema['items'])}" if "items" in schema else f"a list{many}"
    if kind == "object" and (names := [one for one in schema.get("properties", ()) if one]):
        return f"an object of {', '.join(f'`{name}`' for name in names)}"
    return {"object": "an object", "boolean": "`true`, `false`", "null": "null"}.get(kind, kind)


def _text(schema: Json) -> str:
    if schema.get("format") == "date-time":
        return "a time"
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if most is None:
        return "text"
    return f"text of {least} to {most:,} characters" if least else f"text, at most {most:,}"


def _bounds(schema: Json) -> str:
    low, high, below = (schema.get(one) for one in ("minimum", "maximum", "exclusiveMaximum"))
    if low is None or (high is None and (below is None or below > MANY)):
        return ""
    return f" from {low:,g} " + (f"to {high:,g}" if below is None else f"and below {below:,g}")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
