"""The form of a source: fields of a page to a body of `/v1/sources` and back, and which field a
refusal belongs to. Pure; what a body may say is judged by `core/sources` alone.

A field of the declaration that has no place of its own here is asked for by what it may be: a text,
a choice, or JSON. So a further type of source needs nothing of this page.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.console.json_fields import json_text, read_json
from tidings.core.declaration import DeclaredField, declared
from tidings.core.field_types import BooleanType, Choice
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import (
    FIELDS,
    NAMED,
    OWN,
    Source,
)
from tidings.core.sources.source_types import KIND_LABELS, KINDS, WEBHOOK
from tidings.core.sources.verification import LABELS, VERIFICATION, Verification
from tidings.core.webhooks.variants import TYPE
from tidings.errors import FieldRefusal
from tidings.schema.forms import text_of
from tidings.values import describe_value

ORGS = ((OWN, "of this org alone"), (NAMED, "of whichever org each of them names"))
SCHEME = "verification"
SCHEMES = tuple(LABELS.items())
# By the scheme, so that two schemes with a field of the same name do not share one of the page.
PARTS = {
    scheme: [(f"{SCHEME}.{scheme}.{field.name}", field) for field in declared(kind)]
    for scheme, kind in VERIFICATION.kinds.items()
}
WORDS = {
    place: [(word, word) for word in getattr(part.field.kind, "words", ())]
    for parts in PARTS.values()
    for place, part in parts
}
MAPPING, MESSAGE_ID = "mapping", "messageId"
SAMPLE_HEADERS, SAMPLE_BODY = "sampleHeaders", "sampleBody"
EXAMPLE = """{
  "eventName": {"header": "X-Shop-Topic", "names": {"orders/paid": "transactionAdded", "*": null}},
  "data": {"path": "order"},
  "fields": {"data.customerIdentifiers.customerId": {"path": "customer.id"}}
}"""
# Placed on the page by hand, or asked for elsewhere: `paused` by a button.
_PLACED = frozenset(("name", "type", SCHEME, MESSAGE_ID, MAPPING, "orgs", "paused"))
_JSON = (MAPPING, MESSAGE_ID)


def kind_label(kind: str) -> str:
    """Name a type of source as people call it."""
    return KIND_LABELS.get(kind, kind)


def extras(
    kind: str, *, new: bool, fields: Sequence[DeclaredField] = FIELDS
) -> list[DeclaredField]:
    """List the fields that a source of this type is asked for beside those with a place of their
    own. One that is called as a type is of that type alone; an inbound webhook has none."""
    if kind == WEBHOOK:
        return []
    others = {other for other in KINDS if other != kind}
    return [
        field
        for field in fields
        if field.name not in _PLACED and field.name not in others and field.is_settable(new=new)
    ]


def control(one: DeclaredField) -> str:
    """Choose the control of a field: a choice, a tick, a text, or an area of JSON."""
    kind = one.field.kind
    if isinstance(kind, Choice):
        return "choice"
    if isinstance(kind, BooleanType):
        return "tick"
    return "text" if kind.taken(new=True).get("type") == "string" else "json"


def label(one: DeclaredField) -> str:
    """Return the label of a field."""
    return one.field.label or kind_label(one.name)


def hint(one: DeclaredField) -> str:
    """Return the hint below a field: what it is for, and of an object what it may hold."""
    about = one.field.hint or one.field.about
    properties = one.field.kind.taken(new=True).get("properties")
    if not properties:
        return about
    such = {name: _such(subschema) for name, subschema in properties.items()}
    inner = [
        f"{name}: {subschema.get('description', '')}" for name, subschema in properties.items()
    ]
    return " ".join((f"Such as {json.dumps(such, ensure_ascii=False)}.", about, *inner))


def _such(schema: Mapping[str, Any]) -> Any:
    """Build a value that may stand where a schema is, to show its form."""
    schema = schema.get("anyOf", [schema])[0]
    if "enum" in schema:
        return schema["enum"][0]
    return ["…"] if schema.get("type") == "array" else "…"


def part_hint(one: DeclaredField) -> str:
    """Return the hint below a text of a scheme: what it must be, and whether it is required."""
    must = str(getattr(one.field.kind, "must", ""))
    return f"{must[:1].upper()}{must[1:]}.{'' if one.required else ' May be empty.'}"


class SourceFormState(msgspec.Struct):
    """The values of the page's fields, by their names."""

    kind: str
    texts: dict[str, str]


def fresh(kind: str) -> SourceFormState:
    """Fill the page of a new source as it is first seen."""
    texts = {"name": "", SCHEME: SCHEMES[0][0], "orgs": OWN, SAMPLE_HEADERS: "", SAMPLE_BODY: ""}
    texts |= {place: _usual(part) or "" for parts in PARTS.values() for place, part in parts}
    texts |= {extra.name: _text(extra, extra.usual()) for extra in extras(kind, new=True)}
    return SourceFormState(kind, texts | dict.fromkeys(_JSON, ""))


def of_source(source: Source) -> SourceFormState:
    """Fill the page of a source that is there; secrets are shown by their end."""
    shown = fresh(source.kind)
    texts = shown.texts
    texts |= {"name": source.name, "orgs": source.orgs}
    if source.verification is not None:
        texts |= _verification_texts(source.verification)
    asked = extras(source.kind, new=False)
    texts |= {field.name: _text(field, field.show(source)) for field in asked}
    for field in FIELDS:
        if field.name in _JSON:
            value = field.show(source)
            texts[field.name] = "" if value is None else pretty(value)
    return shown


def of_form(form: Mapping[str, str], kind: str) -> SourceFormState:
    """Read the page as somebody has filled it in."""
    shown = fresh(kind)
    for name in shown.texts:
        text = form.get(name, "")
        shown.texts[name] = text if name in _AS_TYPED else text.strip()
    shown.texts["orgs"] = shown.texts["orgs"] or OWN
    return shown


def body_of(shown: SourceFormState, *, new: bool) -> tuple[dict[str, Any], list[FieldRefusal]]:
    """Build the body that the page says, and list what cannot be read as a body at all."""
    texts, refusals = shown.texts, list[FieldRefusal]()
    body: dict[str, Any] = {"name": texts["name"], "type": shown.kind} if new else {}
    if shown.kind == WEBHOOK:
        body[SCHEME] = _verification(texts)
    for extra in extras(shown.kind, new=new):
        body[extra.name] = _value(extra, texts[extra.name], refusals)
    body |= {name: _read_json(name, texts[name], refusals) for name in _JSON}
    return body | ({"orgs": NAMED} if texts["orgs"] == NAMED else {"orgs": OWN}), refusals


def sample_of(shown: SourceFormState) -> tuple[ForeignMessage, str]:
    """Read the message that is to be tried, and say what is wrong with a line of its headers, if
    anything is. A browser ends the lines of what is typed by CR and LF; a sender that has lines at
    all ends them by LF."""
    headers = []
    for line in filter(None, map(str.strip, shown.texts[SAMPLE_HEADERS].split("\n"))):
        name, colon, value = line.partition(":")
        if not colon:
            message = (
                f"Each line must be a header, as X-Topic: orders/paid; got {describe_value(line)}."
            )
            return ForeignMessage("", (), b""), f"{message} Add its value."
        headers.append((name.strip(), value.strip()))
    body = shown.texts[SAMPLE_BODY].replace("\r\n", "\n")
    return ForeignMessage("", headers, body.encode()), ""


def placed(refusals: Sequence[FieldRefusal], shown: SourceFormState) -> dict[str, str]:
    """Place the refusals beside the fields of the page; under "" those that belong to none."""
    found: dict[str, list[str]] = {}
    for refusal in refusals:
        found.setdefault(_place(refusal.field, shown), []).append(refusal.message)
    return {place: " ".join(sentences[:5]) for place, sentences in found.items()}


def pretty(value: object) -> str:
    """Write a value as JSON that people read; of an object without what it does not say."""
    if isinstance(value, Mapping):
        value = {name: value for name, value in value.items() if value not in (None, "", {}, [])}
    return json_text(value)


def _usual(one: DeclaredField) -> str | None:
    """Return the default of a part of a scheme; None where it is required, or absent."""
    return None if one.required else one.default


# A blank at the end of these means something.
_AS_TYPED = frozenset(
    place for parts in PARTS.values() for place, part in parts if _usual(part) is not None
) | {SAMPLE_BODY}


def _place(field: str, shown: SourceFormState) -> str:
    stem, _, rest = field.partition(".")
    if stem == SCHEME:
        place = f"{SCHEME}.{shown.texts[SCHEME]}.{rest}"
        return place if place in shown.texts else SCHEME
    return stem if stem in shown.texts else ""


def _verification_texts(verification: Verification) -> dict[str, str]:
    fields = VERIFICATION.show(verification)
    scheme = str(fields.pop(TYPE))
    places = {f"{SCHEME}.{scheme}.{name}": value or "" for name, value in fields.items()}
    return {SCHEME: scheme} | places


def _verification(texts: Mapping[str, str]) -> dict[str, str | None]:
    scheme = texts[SCHEME]
    fields: dict[str, str | None] = {TYPE: scheme}
    for place, part in PARTS.get(scheme, ()):
        fields[part.name] = texts[place] if _usual(part) is not None else texts[place] or None
    return fields


def _text(one: DeclaredField, value: Any) -> str:
    if control(one) == "json":
        return "" if value is None else pretty(value)
    return text_of(value)


def _value(one: DeclaredField, text: str, refusals: list[FieldRefusal]) -> Any:
    match control(one):
        case "json":
            return _read_json(one.name, text, refusals)
        case "tick":
            return bool(text)
        case _:
            return text or None


def _read_json(name: str, text: str, refusals: list[FieldRefusal]) -> Any:
    """None where it is empty, or refused."""
    return read_json(name, text, refusals) if text else None
