"""What a stored transformation is made of: its name, and its template. Pure.

That the template can be read is asked elsewhere: it is run apart (`transform/`).

Add a field here; the rest follows.
"""

from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.field_types import ParsedField
from tidings.core.shaping.shape_rules import NAME_RULE, TRANSFORMATION_NAME
from tidings.values import describe_value

TEMPLATE_MAX = 32 * 1024  # characters

_NAME = ParsedField(
    lambda value: (
        value if isinstance(value, str) and TRANSFORMATION_NAME.fullmatch(value) else None
    ),
    NAME_RULE,
    "bad_name",
    advice="Say what the payload is for.",
    schema={"type": "string", "pattern": f"^{TRANSFORMATION_NAME.pattern}$"},
)
_TEMPLATE = ParsedField(
    lambda value: value if isinstance(value, str) and 0 < len(value) <= TEMPLATE_MAX else None,
    f"a text of 1 to {TEMPLATE_MAX} characters in MiniJinja",
    "bad_template",
    advice='Start with {"id": {{ event.eventId }}}.',
    got=lambda value: (
        f"{len(value)} characters" if isinstance(value, str) else describe_value(value)
    ),
    schema={"type": "string", "minLength": 1, "maxLength": TEMPLATE_MAX},
)


class Template(msgspec.Struct, frozen=True):
    """The body that replaces the template of a name."""

    template: Annotated[str, Field("template", _TEMPLATE, "MiniJinja; prints one object.")]


class NewTransformation(Template, frozen=True):
    """A template by its name."""

    name: Annotated[str, Field("name", _NAME, "By which webhooks name it.")]
