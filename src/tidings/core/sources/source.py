"""What a source is: the declaration of its fields, and how a body is read against it. Pure.

Add a field here; the rest follows.
"""

import re
from typing import Annotated, Any

import msgspec

from tidings.core.audit.entries import MASKED
from tidings.core.connections.connection import NAMES_ONE_OR_BLANK
from tidings.core.declaration import DeclaredField, Field, declared, read_resource, show_resource
from tidings.core.field_types import (
    TEXTS,
    BooleanType,
    Choice,
    CustomField,
    Nested,
    ParsedField,
    named,
    whole,
)
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.core.sources.mapping import Mapping, mapping_schema
from tidings.core.sources.mapping_cost import ITEM_MAX_S, cost_of
from tidings.core.sources.message_id import MESSAGE_ID, MessageId
from tidings.core.sources.message_plan import ITEMS_MAX, MessagePlan
from tidings.core.sources.source_types import KAFKA, KINDS, OUTBOX, WEBHOOK
from tidings.core.sources.verification import ANSWER_SCHEMA, SCHEMA, VERIFICATION, Verification
from tidings.core.webhooks.masks import MARK
from tidings.values import describe_value

TOPICS_MAX = 20
OWN, NAMED = "own", "named"
NAME_MAX = 63
NAME = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{NAME_MAX - 2}}}[a-z0-9])?")


def _mapping(form: Form, field: DeclaredField, previous: Mapping | None) -> Mapping | None:
    value = form.body.get(field.name)
    if value is None:
        return None if field.name in form.body else previous
    made: Mapping = _MAPPING.read(form, field, Mapping())
    return made


_MAPPING = Nested(
    Mapping,
    "bad_mapping",
    'Write {"eventName": {"path": "type"}, "data": {"path": "payload"}}.',
    in_full=True,
)


def _verification(form: Form, field: DeclaredField, previous: Verification | None) -> Any:
    if form.body.get(field.name) is None:
        return None if field.name in form.body else previous
    return VERIFICATION.read(form, previous).value


TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_GROUP = re.compile(r"[a-zA-Z0-9._-]{0,200}")
_SQL_NAME = r"[a-z_][a-z0-9_]{0,62}"
_TABLE = re.compile(rf"(?:{_SQL_NAME}\.)?{_SQL_NAME}")
_CHANNEL = re.compile(_SQL_NAME)


def _topics(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= TOPICS_MAX:
        return None
    fit = all(isinstance(topic, str) and TOPIC.fullmatch(topic) for topic in value)
    return tuple(dict.fromkeys(value)) if fit else None


class KafkaTopics(msgspec.Struct, frozen=True, omit_defaults=True):
    """The topics of a Kafka cluster that a source reads."""

    topics: Annotated[
        tuple[str, ...],
        Field(
            "topics",
            ParsedField(
                _topics,
                f"a list of 1 to {TOPICS_MAX} topics, each 1 to 249 of a-z A-Z 0-9 . _ -",
                "bad_topics",
                advice='Write ["loyalty.events"].',
                null=False,
                shows=list,
                answers=TEXTS,
                schema=TEXTS
                | {
                    "items": {"type": "string", "pattern": f"^{TOPIC.pattern}$"},
                    "minItems": 1,
                    "maxItems": TOPICS_MAX,
                },
            ),
            "Where its messages are.",
        ),
    ]
    group: Annotated[
        str,
        Field(
            "group",
            named(_GROUP, "at most 200 of a-z A-Z 0-9 . _ -", "Leave it out if in doubt."),
            "The consumer group; left out it is one of the source's own.",
        ),
    ] = ""
    start_at: Annotated[
        str,
        Field(
            "startAt",
            Choice(("earliest", "latest"), "bad_start"),
            "Where the first start that reads a topic begins it; what is new later is read whole.",
        ),
    ] = "earliest"


class OutboxTable(msgspec.Struct, frozen=True, omit_defaults=True):
    """The table in which a PostgreSQL application writes what is to be told."""

    table: Annotated[
        str,
        Field(
            "table",
            named(
                _TABLE,
                "a table's name, in lower case, with its schema or not",
                "Write shop.outbox.",
            ),
            "Its rows are read in the order of their commit, and marked.",
        ),
    ] = "tidings_outbox"
    channel: Annotated[
        str,
        Field(
            "channel",
            named(_CHANNEL, "a name of PostgreSQL, in lower case", "Write tidings_outbox."),
            "What the application NOTIFYs, so that rows are read at once.",
        ),
    ] = "tidings_outbox"


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that its owner decides. It is stored so: fields are only ever added, with a default."""

    name: Annotated[
        str,
        Field(
            "name",
            named(
                NAME,
                f"1 to {NAME_MAX} of a-z, 0-9 and -, with a letter or digit at both ends",
                "It becomes part of the address: orders, shop-eu.",
                null=False,
            ),
            "Unique in the org, a part of the address. It cannot be changed.",
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
            CustomField(
                _verification, schema=SCHEMA, shows=VERIFICATION.show, answers=ANSWER_SCHEMA
            ),
            "How the sender of an inbound webhook is known. Secrets are shown by their end.",
        ),
    ] = None
    connection: Annotated[
        str,
        Field(
            "connection",
            NAMES_ONE_OR_BLANK,
            "Which of the operator's connections the messages of kafka and outbox come over.",
            bodies="new",
        ),
    ] = ""
    kafka: Annotated[
        KafkaTopics | None,
        Field("kafka", whole(KafkaTopics, '{"topics": ["loyalty.events"]}'), "Of type kafka."),
    ] = None
    outbox: Annotated[
        OutboxTable | None,
        Field("outbox", whole(OutboxTable, '{"table": "shop.outbox"}'), "Of type outbox."),
    ] = None
    message_id: Annotated[
        MessageId | None,
        Field(
            "messageId",
            MESSAGE_ID,
            "What a repeat is known by, where the event has no eventId: a pick, or the digest of "
            "the body. Left out it is webhook-id, or where the message was fetched from.",
        ),
    ] = None
    mapping: Annotated[
        Mapping | None,
        Field(
            "mapping",
            CustomField(
                _mapping,
                schema=mapping_schema(),
                shows=lambda mapping: dict(show_resource(mapping)),
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
        bool,
        Field(
            "paused", BooleanType(), "While it is paused its senders are asked to try again later."
        ),
    ] = False


FIELDS = declared(Source)


def read_source(
    body: dict[str, Any], old: Source | None = None, *, bounded: bool = True
) -> Source | Form:
    """Read the source that a body makes, or makes of `old`; return the form, with all that is
    wrong, if anything is. `bounded`: its mapping is refused if it could take too long; the
    operator's own are read as they are."""
    form = Form(body, strict=True)
    form.refuse_unknown(field.name for field in FIELDS if field.is_settable(new=old is None))
    made = read_resource(Source, form, old)
    if not form.refusals:
        _check(form, made)
        if bounded and (old is None or old.mapping != made.mapping):
            _check_cost(form, made)
    return form if form.refusals else made


AS_JSON = ("mapping", "messageId")
"""Fields that a table of a file may say as a text of JSON, which has a null."""


def body_of_table(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Convert a table of a TOML file to the body that it stands for. Beside it comes, by field, why
    a text that must be JSON is none."""
    body, wrong = dict(document), {}
    for field in AS_JSON:
        if isinstance(body.get(field), str):
            try:
                body[field] = msgspec.json.decode(body[field])
            except ValueError as error:
                wrong[field] = str(error)
    return body, wrong


# What a source of each type needs, and no other has.
NEEDS = {WEBHOOK: ("verification",), KAFKA: ("connection", "kafka"), OUTBOX: ("connection",)}
_OWN = ("verification", "connection", "kafka", "outbox")


def _check_cost(form: Form, made: Source) -> None:
    """Refuse a mapping that could not be done with the longest list in the time that it has."""
    mapping = made.mapping
    if mapping is None or mapping.each is None:
        return
    item_s = cost_of(MessagePlan(mapping)).item_s
    if item_s > ITEM_MAX_S:
        form.refuse(
            "mapping_too_costly",
            "mapping",
            f"mapping with each must take at most {ITEM_MAX_S * 1e6:.0f} µs for one item, since a "
            f"list may have {ITEMS_MAX}; got one of {item_s * 1e6:.0f} µs. Map fewer values, with "
            "shorter paths; or map an object as a whole.",
        )


def _check(form: Form, made: Source) -> None:
    """Check that it has what its type needs, and nothing of another type."""
    needs = NEEDS[made.kind]
    for name in _OWN:
        given = bool(getattr(made, name))
        if name in needs and not given:
            form.refuse(
                "field_missing",
                name,
                f"{name} must be set for a source of type {made.kind}; got {describe_value(None)}. "
                "Write it.",
            )
        elif given and name not in needs and name != made.kind:
            form.refuse(
                "field_of_other_type",
                name,
                f"{name} must be left out of a source of type {made.kind}; got it. Leave it out.",
            )


def address(org: OrgId, name: str) -> str:
    """Return the path of an inbound webhook, on the service's public URL."""
    return f"/in/{org}/{name}"


def recorded_source(source: Source, declared_in: str) -> dict[str, Any]:
    """Return what the audit log keeps of a source: no part of a secret."""
    fields = dict(show_resource(source)) | {"declaredIn": declared_in or None}
    return fields | {"verification": _without_ends(fields["verification"])}


def recorded_change(
    old: tuple[Source, str], new: tuple[Source, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of two versions, each with the file that declares it. Where secrets alone
    have been changed, the later one says that they were."""
    before, after = recorded_source(*old), recorded_source(*new)
    is_another = old[0].verification != new[0].verification
    if is_another and before["verification"] == after["verification"]:
        after["verification"] = {**after["verification"], "changed": True}
    return before, after


def _without_ends(shown: Any) -> Any:
    """Replace each value that is shown by its last characters by the mark alone."""
    if isinstance(shown, dict):
        return {name: _without_ends(value) for name, value in shown.items()}
    return MASKED if isinstance(shown, str) and shown.startswith(MARK) else shown
