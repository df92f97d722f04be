"""`neoEnrichment` of a webhook: which stored transformation shapes its payload.

`{label, value}`, as the original has it: `value` names the transformation, `label` is what people
call it. An answer to GET adds `possibleValues`, which may be sent back and means nothing then; a
webhook without one is answered with nulls, and may be sent so too.
"""

import msgspec

from tidings.core.form import Form, came

NEO = "neoEnrichment"
TEXT_MAX = 255
_PARTS = ("label", "value")


def read_neo(form: Form, old: msgspec.Raw | None) -> msgspec.Raw | None:
    """What a body says; `old` where it does not say, None where it takes the enrichment away."""
    if NEO not in form.body:
        return old
    given = form.body[NEO]
    if given is None:
        return None
    if not isinstance(given, dict):
        form.refuse(
            "bad_type",
            NEO,
            f"{NEO} must be an object of label and value; got {came(given)}. Leave it out if in "
            "doubt.",
        )
        return old
    form.warn_of_unknown(given, frozenset((*_PARTS, "possibleValues")), f"{NEO}.")
    parts = {part: given[part] for part in _PARTS if given.get(part) is not None}
    for part, said in parts.items():
        if not _fits(said):
            form.refuse(
                "bad_type",
                f"{NEO}.{part}",
                f"{NEO}.{part} must be text of 1 to {TEXT_MAX} characters, or a number; got "
                f"{came(said)}. GET answers what may stand here as possibleValues.",
            )
    return msgspec.Raw(msgspec.json.encode(parts)) if parts else None


def neo_value(neo: msgspec.Raw | None) -> str | None:
    """The transformation that it names, if it can be the name of one at all."""
    value = None if neo is None else msgspec.json.decode(neo).get("value")
    return value if isinstance(value, str) else None


def _fits(said: object) -> bool:
    if isinstance(said, str):
        return 1 <= len(said) <= TEXT_MAX
    return isinstance(said, int | float) and not isinstance(said, bool)
