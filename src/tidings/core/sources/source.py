"""What a source is: the declaration of its fields, and how a body is read against it. Pure."""

import re
from typing import Annotated, Any

import msgspec

from tidings.core.declaration import (
    Choice,
    Declared,
    Field,
    Flag,
    Nested,
    Part,
    declared,
    read_resource,
    show_resource,
)
from tidings.core.form import Form, came
from tidings.core.ids import OrgId
from tidings.core.sources import picks
from tidings.core.sources.mapping import Mapping, mapping_schema
from tidings.core.sources.picks import Pick
from tidings.core.sources.verification import ANSWER_SCHEMA, SCHEMA, VERIFICATION, Verification

WEBHOOK = "webhook"
KINDS = (WEBHOOK,)
OWN, NAMED = "own", "named"
NAME_MAX = 63
NAME = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{NAME_MAX - 2}}}[a-z0-9])?")
_EXAMPLE = '{"type": "standardWebhooks", "secret": "whsec_…"}'


def _name(form: Form, field: Declared, standing: Any) -> str:
    value = form.body.get(field.name)
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    form.refuse(
        "bad_name",
        field.name,
        f"name must be 1 to {NAME_MAX} of a-z, 0-9 and -, with a letter or digit at both ends; got "
        f"{came(value)}. It becomes part of the address: orders, shop-eu.",
    )
    return ""


def _mapping(form: Form, field: Declared, standing: Mapping | None) -> Mapping | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else standing
    made: Mapping = _MAPPING.read(form, field, Mapping())
    return made


_MAPPING = Nested(
    Mapping,
    "bad_mapping",
    'Write {"eventName": {"path": "type"}, "data": {"path": "payload"}}.',
    in_full=True,
)


def _message_id(form: Form, field: Declared, standing: Pick | None) -> Pick | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else standing
    return picks.read_pick(form, field.name, value)


def _verification(form: Form, field: Declared, standing: Verification | None) -> Any:
    if form.body.get(field.name) is None:
        if standing is None or field.name in form.body:
            form.refuse(
                "bad_verification",
                field.name,
                f"verification must say how the sender is known; got {came(None)}. Write "
                f"{_EXAMPLE}.",
            )
        return standing
    return VERIFICATION.read(form, standing).value


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that its owner decides. It is stored so: fields are only ever added, with a default."""

    name: Annotated[
        str,
        Field(
            "name",
            Part(
                _name,
                {"type": "string", "pattern": f"^{NAME.pattern}$"},
                answers={"type": "string"},
                null=False,
            ),
            "Unique in the org, a part of the address. It stays for good.",
            bodies="new",
        ),
    ]
    kind: Annotated[
        str,
        Field("type", Choice(KINDS, "bad_type"), "Where messages come from.", bodies="new"),
    ] = WEBHOOK
    verification: Annotated[
        Verification | None,
        Field(
            "verification",
            Part(_verification, SCHEMA, VERIFICATION.show, answers=ANSWER_SCHEMA, null=False),
            "How the sender is known. Secrets are shown by their end.",
        ),
    ] = None
    message_id: Annotated[
        Pick | None,
        Field(
            "messageId",
            Part(_message_id, picks.PICK, Pick.show),
            "What a repeat is known by, where the event has no eventId. Left out it is webhook-id.",
        ),
    ] = None
    mapping: Annotated[
        Mapping | None,
        Field(
            "mapping",
            Part(
                _mapping,
                mapping_schema(),
                lambda mapping: dict(show_resource(mapping)),
                answers={"type": "object"},
            ),
            "How a message becomes an event. Left out it must be one: of Tidings, or a CloudEvent.",
        ),
    ] = None
    orgs: Annotated[
        str,
        Field(
            "orgs",
            Choice((OWN, NAMED), "bad_orgs"),
            "Whose events it brings: `own`, the org's own; `named`, of whichever org the event "
            "names, which the platform's credential alone may say.",
        ),
    ] = OWN
    paused: Annotated[
        bool, Field("paused", Flag(), "While it is paused its senders are told to come again.")
    ] = False


FIELDS = declared(Source)
_NAMES = frozenset(one.name for one in FIELDS)


def read_source(body: dict[str, Any], old: Source | None = None) -> Source | Form:
    """The source that a body makes, or makes of `old`; the form with all that is wrong."""
    form = Form(body, strict=True)
    form.refuse_unknown(_NAMES if old is None else _NAMES - {"name", "type"})
    made = read_resource(Source, form, old)
    return form if form.refusals else made


def address(org: OrgId, name: str) -> str:
    """The path of an inbound webhook, on the service's public URL."""
    return f"/in/{org}/{name}"
