"""What the form of a webhook asks by its type: which connection, and where over it. Pure.

The fields are those that the type declares; a list is written a line each, an object as JSON.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.console.json_fields import json_text, read_json
from tidings.core.declaration import DeclaredField, declared
from tidings.core.field_types import ObjectField
from tidings.core.webhooks.fields import FIELD_OF, WebhookSettings
from tidings.core.webhooks.webhook_types import FIELDS, KINDS
from tidings.errors import FieldRefusal
from tidings.schema.forms import number_in

TYPE, CONNECTION = "webHookType", "connection"
LONG = 200
"""What may be longer has several lines."""
AREA_TYPES = {"array", "object"}


class OwnField(msgspec.Struct, frozen=True):
    """One field that only a type has."""

    place: str  # in the body, and on the page
    one: DeclaredField

    @property
    def label(self) -> str:
        """Return the label."""
        return self.one.field.label or self.one.name.capitalize()

    @property
    def hint(self) -> str:
        """Below it."""
        hint = (self.one.field.hint or self.one.field.about).replace("`", "")  # a page, no Markdown
        if "object" in self.types:
            return f"{hint} As JSON."
        return f"{hint} One a line." if "array" in self.types else hint

    @property
    def types(self) -> set[str]:
        """The types of JSON that it may be."""
        shown = self.one.field.kind.shown()
        return {str(schema.get("type")) for schema in shown.get("anyOf", (shown,))}

    @property
    def is_area(self) -> bool:
        """Return whether it has several lines."""
        most = self.one.field.kind.taken(new=True).get("maxLength", 0)
        return bool(AREA_TYPES & self.types) or most > LONG


def _own_fields(kind: str) -> list[OwnField]:
    field = KINDS[kind].field
    if field is None:
        return []
    whole = FIELD_OF[field].field.kind
    assert isinstance(whole, ObjectField)  # every type declares its own so
    return [
        OwnField(f"{field}.{own_field.name}", own_field) for own_field in declared(whole.resource)
    ]


OWN = {kind: _own_fields(kind) for kind in KINDS}
TEXTS = (TYPE, CONNECTION, *(field.place for own in OWN.values() for field in own))


def texts_of(settings: WebhookSettings) -> dict[str, str]:
    """Collect the page's texts for a webhook that is there."""
    field = KINDS[settings.kind].field
    value = None if field is None else FIELD_OF[field].show(settings)
    found = {TYPE: settings.kind, CONNECTION: settings.connection or ""}
    for own in OWN[settings.kind]:
        found[own.place] = _text((value or {}).get(own.one.name))
    return found


def body_of(texts: Mapping[str, str], refusals: list[FieldRefusal]) -> dict[str, Any]:
    """Build the body of what the page says of the type, and of what only one type has; nothing of
    an unknown one."""
    kind = texts[TYPE]
    if kind not in KINDS:
        return {}
    body: dict[str, Any] = {TYPE: kind, **dict.fromkeys(FIELDS)}
    body[CONNECTION] = texts[CONNECTION] or None if KINDS[kind].connection else None
    if (field := KINDS[kind].field) is not None:
        fields = {
            own.one.name: _value(own, texts[own.place], refusals)
            for own in OWN[kind]
            if texts[own.place]
        }
        body[field] = fields
    if not KINDS[kind].has_url:
        body |= {"webHookUrl": "", "webHookHeaders": {}, "authentication": None}
    return body


def _text(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(element, str) for element in value):
        return "\n".join(value)
    if isinstance(value, str) or value is None:
        return value or ""
    return json_text(value)


def _value(own: OwnField, text: str, refusals: list[FieldRefusal]) -> Any:
    types = own.types
    if "object" in types and (text.startswith(("{", "[")) or "string" not in types):
        return read_json(own.place, text, refusals)
    if "array" in types and ("string" not in types or "\n" in text):
        return [line.strip() for line in text.splitlines() if line.strip()]
    return number_in(text) if types & {"integer", "number"} else text
