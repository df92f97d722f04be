"""How the messages of a source become events: what a mapping is. Pure.

Without a mapping a message is taken as it is: an event of ours, or a CloudEvent. With one it is put
together anew (`message_plan.py`): the envelope by its picks, `data` by its pick or as the whole
body, and `fields` put into the event after that, deepest last.

Add a field here; the rest follows.
"""

import re
from typing import Annotated

import msgspec

from tidings.core import picks
from tidings.core.declaration import DeclaredField, Field, Json, declared
from tidings.core.field_types import CustomField, ParsedField
from tidings.core.form import Form
from tidings.core.picks import Pick
from tidings.values import describe_value

FIELDS_MAX = 100
TARGET_STEPS_MAX = 8
_TARGET = re.compile(rf"data(?:\.[^.\[\]\x00-\x1f]{{1,128}}){{1,{TARGET_STEPS_MAX - 1}}}")


def _pick(form: Form, field: DeclaredField, previous: Pick | None) -> Pick | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else previous
    return picks.read_pick(form, field.name, value)


_PICK = CustomField(_pick, schema=picks.PICK, shows=Pick.show, answers=picks.PICK)
_EACH = ParsedField(
    lambda text: text if isinstance(text, str) and picks.is_path(text) else None,
    "the path of a list in the body, such as records",
    "bad_path",
    advice="Leave it out if a message is one event.",
    clears=True,
    schema={
        "type": "string",
        "maxLength": picks.PATH_MAX,
        "pattern": f"^{picks.PATH.pattern}$",
    },
)


def _fields(form: Form, field: DeclaredField, previous: dict[str, Pick]) -> dict[str, Pick]:
    value = form.body.get(field.name)
    if value is None:
        return {} if field.name in form.body else previous
    if not isinstance(value, dict) or len(value) > FIELDS_MAX:
        got = describe_value(value) if not isinstance(value, dict) else f"{len(value)} fields"
        form.refuse(
            "bad_fields",
            field.name,
            f"{form.called(field.name)} must be an object of at most {FIELDS_MAX} picks, each "
            f"under the field that it fills; got {got}. "
            'Write {"data.amount": {"path": "order.total"}}.',
        )
        return previous
    found: dict[str, Pick] = {}
    for target, raw_pick in value.items():
        if not _TARGET.fullmatch(target):
            form.refuse(
                "bad_fields",
                field.name,
                f"A place of {form.called(field.name)} must be a path in data of at most "
                f"{TARGET_STEPS_MAX} names, such as data.customer.id; got "
                f"{describe_value(target)}. "
                "Correct it.",
            )
        elif (pick := picks.read_pick(form, f"fields.{target[:64]}", raw_pick)) is not None:
            found[target] = pick
    return found


class Mapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rules for making an event of a message."""

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
            CustomField(
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


def mapping_schema() -> Json:
    """Build the JSON Schema of a mapping."""
    properties = {field.name: field.taken(new=False) for field in declared(Mapping)}
    return {"type": "object", "properties": properties, "additionalProperties": False}
