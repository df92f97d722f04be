"""How the messages of a source become events: the declaration, and what is made by it. Pure.

Without a mapping a message is taken as it is: an event of ours, or a CloudEvent. With one it is put
together anew: the envelope by its picks, `data` by its pick or as the whole body, and `fields` put
into the event after that, deepest last.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from tidings.core import picks
from tidings.core.declaration import Declared, Field, Json, declared
from tidings.core.exact_json import fields_of, write_exactly
from tidings.core.form import Form, came
from tidings.core.kinds import Part, Value
from tidings.core.picks import MessageFault, Pick
from tidings.core.sources.message import ForeignMessage

FIELDS_MAX = 100
ITEMS_MAX = 1000
TARGET_STEPS_MAX = 8
_TARGET = re.compile(rf"data(?:\.[^.\[\]\x00-\x1f]{{1,128}}){{1,{TARGET_STEPS_MAX - 1}}}")
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _pick(form: Form, field: Declared, standing: Pick | None) -> Pick | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else standing
    return picks.read_pick(form, field.name, value)


_PICK = Part(_pick, schema=picks.PICK, shows=Pick.show, answers=picks.PICK)
_EACH = Value(
    lambda said: said if isinstance(said, str) and picks.is_path(said) else None,
    "the path of a list in the body, such as records",
    "bad_path",
    "Leave it out if a message is one event.",
    clears=True,
    schema={
        "type": "string",
        "maxLength": picks.PATH_MAX,
        "pattern": f"^{picks.PATH.pattern}$",
    },
)


def _fields(form: Form, field: Declared, standing: dict[str, Pick]) -> dict[str, Pick]:
    value = form.body.get(field.name)
    if value is None:
        return {} if field.name in form.body else standing
    if not isinstance(value, dict) or len(value) > FIELDS_MAX:
        got = came(value) if not isinstance(value, dict) else f"{len(value)} fields"
        form.refuse(
            "bad_fields",
            field.name,
            f"{form.called(field.name)} must be an object of at most {FIELDS_MAX} picks by the "
            f"place that each goes to; got {got}. "
            'Write {"data.amount": {"path": "order.total"}}.',
        )
        return standing
    found: dict[str, Pick] = {}
    for target, said in value.items():
        if not _TARGET.fullmatch(target):
            form.refuse(
                "bad_fields",
                field.name,
                f"A place of {form.called(field.name)} must be a path in data of at most "
                f"{TARGET_STEPS_MAX} names, such as data.customer.id; got {came(target)}. "
                "Correct it.",
            )
        elif (pick := picks.read_pick(form, f"fields.{target[:64]}", said)) is not None:
            found[target] = pick
    return found


class Mapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an event is made of a message."""

    event_name: Annotated[Pick | None, Field("eventName", _PICK, "The type of the event.")] = None
    event_id: Annotated[
        Pick | None,
        Field("eventId", _PICK, "Left out it is made of the message's place, the same each time."),
    ] = None
    org_id: Annotated[
        Pick | None, Field("orgId", _PICK, "Of a source for all orgs; else its own org.")
    ] = None
    created_at: Annotated[
        Pick | None, Field("createdAt", _PICK, "Milliseconds since 1970; `as` converts.")
    ] = None
    data: Annotated[
        Pick | None, Field("data", _PICK, "Left out it is the whole body, or empty beside fields.")
    ] = None
    fields: Annotated[
        dict[str, Pick],
        Field(
            "fields",
            Part(
                _fields,
                schema={
                    "type": "object",
                    "maxProperties": FIELDS_MAX,
                    "propertyNames": {"pattern": f"^{_TARGET.pattern}$"},
                    "additionalProperties": picks.PICK,
                },
                shows=lambda fields: {target: pick.show() for target, pick in fields.items()},
            ),
            "Picks by the place in the event that each goes to.",
        ),
    ] = {}
    each: Annotated[
        str | None,
        Field(
            "each",
            _EACH,
            "The path of a list of which every item is an event; paths begin at the item then.",
        ),
    ] = None


_ENVELOPE = tuple(
    (one.name, one.attribute)
    for one in declared(Mapping)
    if one.attribute in ("event_name", "event_id", "org_id", "created_at")
)


def events_of(mapping: Mapping, message: ForeignMessage) -> Iterator[bytes | None]:
    """The flat events of a message, None for an item that the mapping passes over.

    MessageFault: nothing of the message can be taken as it is.
    """
    for body in _bodies(mapping, message):
        try:
            yield _event(mapping, message, body)
        except picks.PassedOver:
            yield None


def _bodies(mapping: Mapping, message: ForeignMessage) -> list[msgspec.Raw]:
    body = message.body.strip()
    try:
        msgspec.json.decode(body)  # all of it, and no duplicate of what is read from it below
        whole = msgspec.Raw(body)
        if mapping.each is None:
            return [whole]
        found = picks.find(whole, picks.steps_of(mapping.each))
        items = None if found is None else _items(found)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        if mapping.each is None or not _is_json(body):
            raise MessageFault(
                "not_json",
                "The body must be JSON in UTF-8, since the mapping takes values out of it; it is "
                "not. Correct the sender, or take values of headers alone.",
            ) from None
        items = None
    if items is None or len(items) > ITEMS_MAX:
        got = "nothing of that kind" if items is None else f"{len(items)} items"
        raise MessageFault(
            "no_list",
            f"A list of at most {ITEMS_MAX} items must stand at {mapping.each} of the body; got "
            f"{got}. Correct mapping.each, or the sender.",
            "mapping.each",
        )
    return items


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _event(mapping: Mapping, message: ForeignMessage, body: msgspec.Raw) -> bytes:
    event: dict[str, Any] = {}
    for name, attribute in _ENVELOPE:
        pick: Pick | None = getattr(mapping, attribute)
        if pick is None:
            continue
        value = pick.take(message, body, name)
        if value is not None:
            event[name] = value
        elif attribute in ("event_name", "event_id"):
            raise MessageFault(
                "no_value",
                f"{name} must stand {pick.where()}; there is nothing. Correct the mapping, or the "
                "sender.",
                name,
            )
    if mapping.data is not None:
        data: Any = mapping.data.take(message, body, "data")
        event["data"] = {} if data is None else data
    else:
        event["data"] = {} if mapping.fields else body
    for target in sorted(mapping.fields, key=lambda one: one.count(".")):
        value = mapping.fields[target].take(message, body, target)
        if value is not None:
            _put(event, target.split("."), value, target)
    return write_exactly(event)


def _put(event: dict[str, Any], steps: list[str], value: msgspec.Raw, target: str) -> None:
    """Into the event, below what is there; the objects on the way are opened, or made."""
    here = event
    for step in steps[:-1]:
        inner = here.get(step)
        if isinstance(inner, msgspec.Raw):
            if bytes(inner).lstrip()[:1] != b"{":
                raise MessageFault(
                    "no_object",
                    f"{target} must lead through objects; {step} is none. Correct mapping.fields.",
                    target,
                )
            inner = dict(fields_of(inner))
        here[step] = inner = {} if inner is None else inner
        here = inner
    here[steps[-1]] = value


def mapping_schema() -> Json:
    """Of a mapping, as JSON Schema."""
    properties = {one.name: one.taken(new=False) for one in declared(Mapping)}
    return {"type": "object", "properties": properties, "additionalProperties": False}
