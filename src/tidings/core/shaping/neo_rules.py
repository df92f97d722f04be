"""`neoEnrichment` of a webhook: which stored transformation shapes its payload.

`{label, value}`, as the original has it: `value` names the transformation, `label` is what people
call it. An answer to GET adds `possibleValues`, which may be sent back and means nothing then; a
webhook without one is answered with nulls, and may be sent so too.

A brand may have cut personal data by such a flow. Where nobody here knows it the whole payload
would go out, so that a webhook is not taken with it. `sendWhole` (ours) says that it is to be taken
all the same; then, and where it was stored before that was asked, everybody is told.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from tidings.core.field_types import OBJECT, CustomField
from tidings.core.form import Form
from tidings.values import describe_value

NEO = "neoEnrichment"
SEND_WHOLE = "sendWhole"
FLOW_UNKNOWN = "flow_unknown"
TEXT_MAX = 255
_PARTS = ("label", "value")
_PART = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": TEXT_MAX},
        {"type": "number"},
        {"type": "null"},
    ]
}
_SCHEMA = {
    "type": "object",
    "description": "`value` names a stored transformation.",
    "properties": {
        "label": _PART,
        "value": _PART,
        SEND_WHOLE: {
            "anyOf": [{"type": "boolean"}, {"type": "null"}],
            "description": "Take it though nobody here knows the flow: events go out whole.",
        },
        "possibleValues": {"description": "As GET answers it; it means nothing here."},
    },
}


def read_neo(form: Form, _: object, old: msgspec.Raw | None) -> msgspec.Raw | None:
    """Read what a body says; `old` where it does not say, None where it takes the enrichment
    away."""
    if NEO not in form.body:
        return old
    given = form.body[NEO]
    if given is None:
        return None
    if not isinstance(given, dict):
        form.refuse(
            "bad_type",
            NEO,
            f"{NEO} must be an object of label and value; got {describe_value(given)}. Leave it "
            "out if in "
            "doubt.",
        )
        return old
    form.warn_of_unknown(given, frozenset((*_PARTS, SEND_WHOLE, "possibleValues")), f"{NEO}.")
    parts = {part: given[part] for part in _PARTS if given.get(part) is not None}
    for part, value in parts.items():
        if not _fits(value):
            form.refuse(
                "bad_type",
                f"{NEO}.{part}",
                f"{NEO}.{part} must be text of 1 to {TEXT_MAX} characters, or a number; got "
                f"{describe_value(value)}. GET lists the accepted values as possibleValues.",
            )
    whole = given.get(SEND_WHOLE)
    if whole is not None and not isinstance(whole, bool):
        form.refuse(
            "bad_type",
            f"{NEO}.{SEND_WHOLE}",
            f"{NEO}.{SEND_WHOLE} must be true or false; got {describe_value(whole)}. Leave it out "
            "if in "
            "doubt.",
        )
    if parts and whole is True:
        parts[SEND_WHOLE] = True
    return msgspec.Raw(msgspec.json.encode(parts)) if parts else None


NEO_PART = CustomField(read_neo, schema=_SCHEMA, answers=OBJECT)


def judge_neo(
    form: Form, neo: msgspec.Raw | None, known: Collection[str], *, stood: msgspec.Raw | None
) -> None:
    """Refuse a flow that nobody knows, or warn of it: where `sendWhole` asks for it, and where it
    is the one that `stood` and had its effect before."""
    if (flow := unknown_flow(neo, known)) is None:
        return
    message = warn_of_unknown_flow(flow, known)
    if _parts(neo).get(SEND_WHOLE) is True or (stood is not None and _named(stood) == _named(neo)):
        form.warn(FLOW_UNKNOWN, f"{NEO}.value", message)
        return
    form.refuse(
        "unknown_flow",
        f"{NEO}.value",
        f"{NEO}.value must name one of the org's transformations ({_listed(known)}); got {flow}. "
        "Without it the whole event would go out, and what the flow cuts with it: create it with "
        f"POST /v1/transformations first, or send {NEO}.{SEND_WHOLE} true.",
    )


def unknown_flow(neo: msgspec.Raw | None, known: Collection[str]) -> str | None:
    """Describe the flow that is asked for and that nobody knows; return None if there is none."""
    parts = _parts(neo)
    value = parts.get("value")
    if not parts or (isinstance(value, str) and value in known):
        return None
    return describe_value(value if value is not None else parts.get("label"))


def warn_of_unknown_flow(flow: str, known: Collection[str]) -> str:
    """Say what a flow that nobody knows means for a webhook."""
    return (
        f"{NEO}.value should name one of the org's transformations ({_listed(known)}); got {flow}, "
        "which does not exist here. Events go out whole, with what the flow may have cut: create "
        "it with POST /v1/transformations."
    )


def neo_value(neo: msgspec.Raw | None) -> str | None:
    """Return the name of the transformation that is asked for; None if it names none."""
    value = _parts(neo).get("value")
    return value if isinstance(value, str) else None


def _parts(neo: msgspec.Raw | None) -> dict[str, Any]:
    return {} if neo is None else msgspec.json.decode(neo)


def _named(neo: msgspec.Raw | None) -> tuple[Any, ...]:
    return tuple(_parts(neo).get(part) for part in _PARTS)


def _listed(known: Collection[str]) -> str:
    return ", ".join(sorted(known)[:5]) or "none yet"


def _fits(value: object) -> bool:
    if isinstance(value, str):
        return 1 <= len(value) <= TEXT_MAX
    return isinstance(value, int | float) and not isinstance(value, bool)
