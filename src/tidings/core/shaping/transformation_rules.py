"""What a stored transformation is made of: its name, and its template. Pure.

That the template can be read is asked elsewhere: it is run apart (`transform/`).
"""

from typing import Annotated, TypeVar

import msgspec

from tidings.core.declaration import Declared, Field, Part, read_resource
from tidings.core.form import Form, came
from tidings.core.shaping.shape_rules import NAME_RULE, TRANSFORMATION_NAME
from tidings.errors import Refusal

TEMPLATE_MAX = 32 * 1024  # characters


TEMPLATE = Field(
    "template",
    Part(
        lambda form, field, _: _template(form, field),
        {"type": "string", "minLength": 1, "maxLength": TEMPLATE_MAX},
    ),
    "MiniJinja; prints one object.",
)


class Template(msgspec.Struct, frozen=True):
    """What replaces the template of a name."""

    template: Annotated[str, TEMPLATE]


class NewTransformation(msgspec.Struct, frozen=True):
    """A template by its name."""

    name: Annotated[
        str,
        Field(
            "name",
            Part(
                lambda form, field, _: _name(form, field),
                {"type": "string", "pattern": f"^{TRANSFORMATION_NAME.pattern}$"},
            ),
            "By which webhooks name it.",
        ),
    ]
    template: Annotated[str, TEMPLATE]


R = TypeVar("R", Template, NewTransformation)


def read_transformation(resource: type[R], body: dict[str, object]) -> R | list[Refusal]:
    """What a body says, or everything that is wrong with it."""
    form = Form(body)
    made = read_resource(resource, form, None)
    return form.refusals or made


def _name(form: Form, field: Declared) -> str:
    value = form.body.get(field.name)
    if isinstance(value, str) and TRANSFORMATION_NAME.fullmatch(value):
        return value
    form.refuse(
        "bad_name",
        "name",
        f"name must be {NAME_RULE}; got {came(value)}. Say what the payload is for.",
    )
    return ""


def _template(form: Form, field: Declared) -> str:
    value = form.body.get(field.name)
    if isinstance(value, str) and 0 < len(value) <= TEMPLATE_MAX:
        return value
    got = f"{len(value)} characters" if isinstance(value, str) else came(value)
    form.refuse(
        "bad_template",
        "template",
        f"template must be a text of 1 to {TEMPLATE_MAX} characters in MiniJinja; got {got}. Start "
        'with {"id": {{ event.eventId }}}.',
    )
    return ""
