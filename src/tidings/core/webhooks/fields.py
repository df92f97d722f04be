"""What a webhook is set to: the declaration of its fields.

The fields and the numeric codes are the original's (docs/contract, "Webhook management API");
faults that it has no number for carry a word that never changes. It is stricter than the original
only where laxness harms: URLs, event names, headers. Numbers are read as laxly as it reads them
(10.99 is 10).

Add a field here; the rest follows.
"""

from typing import Annotated, Any

import msgspec

from tidings.core.connections.connection import NAMES_ONE
from tidings.core.declaration import Field, Keyed, declared
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.field_types import (
    OBJECT,
    TEXT,
    TEXTS,
    BooleanType,
    Choice,
    CustomField,
    Number,
    ParsedField,
    StoredField,
)
from tidings.core.form import LINE
from tidings.core.shaping import shape_rules
from tidings.core.shaping.enrichment import (
    AWARDS,
    BALANCE,
    CARDS,
    IDENTIFIERS,
    STORE,
    THIN,
    TILL,
    WAIT,
    WHEN_DOWN,
)
from tidings.core.shaping.neo_rules import NEO, NEO_PART
from tidings.core.shaping.shape import Fields
from tidings.core.shaping.signatures.schemes import DEFAULT, SCHEMES, chosen
from tidings.core.shaping.signatures.secrets import SECRET_PATTERN
from tidings.core.webhooks import authentication_body, retry_policy_body
from tidings.core.webhooks import headers as header_rules
from tidings.core.webhooks.authentication import Authentication
from tidings.core.webhooks.body_reader import CONNECTIONS_MAX, NAME_MAX, URL_MAX, WebhookForm
from tidings.core.webhooks.targets.kafka_topic import KAFKA_TOPIC, KafkaTopic
from tidings.core.webhooks.targets.mailing import MAILING, Mailing
from tidings.core.webhooks.targets.sql_table import SQL_TABLE, SqlTable
from tidings.core.webhooks.webhook import Ordering
from tidings.core.webhooks.webhook_types import HTTP, KINDS, OFFERED, QUEUE, url_of

SLA_MAX_S = 30 * 86_400
RATE_MAX_PER_S = 100_000
DEADLINE_MIN_S, DEADLINE_MAX_S = 1, 30
EXTRA_BYTES_MAX = 8192
WITHOUT_PERSONAL_DATA = "withoutPersonalData"
SIGNATURES = "signatures"
METHODS = ("POST", "PUT", "GET", "DELETE")

_NAME = CustomField(
    WebhookForm.name,
    schema={},
    making={"type": "string", "pattern": LINE, "maxLength": NAME_MAX},
    answers=TEXT,
)
_TYPE = CustomField(
    WebhookForm.kind, schema={"type": "string", "enum": [*OFFERED, "queue"]}, answers=TEXT
)
_HEADERS = CustomField(
    WebhookForm.headers,
    schema=header_rules.CHANGE_SCHEMA,
    making=header_rules.NEW_SCHEMA,
    answers=header_rules.ANSWER_SCHEMA,
    shows=header_rules.shown,
)
_CONNECTIONS = CustomField(
    WebhookForm.connections,
    schema={
        "anyOf": [
            {"type": "number", "minimum": 1, "exclusiveMaximum": CONNECTIONS_MAX + 1},
            {"type": "string", "pattern": r"^(1000|[1-9][0-9]{0,2})(\.[0-9]{1,15})?$"},
        ]
    },
    answers={"type": "integer"},
)
_AUTHENTICATION = CustomField(
    WebhookForm.authentication,
    schema=authentication_body.SCHEMA,
    answers=authentication_body.ANSWER_SCHEMA,
    shows=authentication_body.VARIANTS.show,
)
_SLA = Number(
    0, SLA_MAX_S, "Leave it out for no limit.", whole=True, text=r"^[0-9]{1,6}(\.[0-9]{1,15})?$"
)
_ORDERING = Choice(
    tuple(ordering.value for ordering in Ordering),
    "bad_ordering",
    Ordering,
    labels=(
        "None: as many at once as the connections allow",
        "By key: the events of one customer one after the other",
        "Strict: all of them one after the other",
    ),
)
_VERSIONS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
_SIGNATURES = ParsedField(
    lambda value: chosen(value) or None,
    f"a list of {' and '.join(SCHEMES)}, or of one of them",
    "bad_signatures",
    advice="Leave it out if in doubt.",
    clears=True,
    shows=list,
    schema={
        "type": "array",
        "items": {"type": "string", "enum": [*SCHEMES]},
        "minItems": 1,
        "maxItems": len(SCHEMES),
        "uniqueItems": True,
    },
)
_SECRET = CustomField(WebhookForm.secret, schema={"type": "string", "pattern": SECRET_PATTERN})

# Enrichment is asked for by these; they are kept as they came.
_FLAG = StoredField(
    lambda value: isinstance(value, bool),
    "true or false",
    {"type": "boolean"},
    bytes_max=EXTRA_BYTES_MAX,
)
_SOURCES = StoredField(
    lambda value: isinstance(value, list) and all(isinstance(element, str) for element in value),
    "a list of sources, such as WeChat, WebEngage or Instore",
    TEXTS,
    bytes_max=EXTRA_BYTES_MAX,
)
_DOWN = StoredField(
    lambda value: value in (THIN, WAIT),
    f"{THIN} or {WAIT}",
    {"type": "string", "enum": [THIN, WAIT]},
    bytes_max=EXTRA_BYTES_MAX,
)
_ADDITIONS = {
    TILL: ("Till", "Adds the till's code, name and id."),
    STORE: ("Store", "Adds the store's name, id, code and external ids."),
    AWARDS: (
        "Awarded Reference ID",
        "Adds the reference of each award of points that a behavioural event caused.",
    ),
    BALANCE: (
        "Available Points Balance",
        "Adds AvailablePointsBalance where points are issued or redeemed.",
    ),
    CARDS: ("Card Number", "Adds all card numbers; takes a source of customer identifiers."),
}
_EXTRA = Keyed(
    (
        *(
            (Field(name, _FLAG, hint, label=label, hint=hint), False)
            for name, (label, hint) in _ADDITIONS.items()
        ),
        (Field(IDENTIFIERS, _SOURCES, "Sources whose identifiers of the customer are added."), []),
        (Field(WHEN_DOWN, _DOWN, "What to do while the platform does not answer."), THIN),
        (
            Field(
                NEO,
                NEO_PART,
                "The flow of the platform that enriches the payload: its label and value.",
            ),
            None,
        ),
    )
)


class WebhookSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that the owner of a webhook decides, but for its secrets and whether it is active.

    Its versions are stored so: fields are only ever added, with a default.
    """

    name: Annotated[
        str,
        Field(
            "name",
            _NAME,
            "Unique in the org. It cannot be changed: a new one is ignored, with a warning.",
            blank="",
        ),
    ]
    event_names: Annotated[
        tuple[str, ...],
        Field(
            "eventNames",
            CustomField(WebhookForm.event_names, schema=TEXTS | {"minItems": 1}),
            "The event types that it wants, at least one; a list replaces the old one.",
            blank=[],
        ),
    ]
    kind: Annotated[
        str,
        Field(
            "webHookType",
            _TYPE,
            f"How it is called; {QUEUE} uses the operator's default connection, or none.",
            default=HTTP,
        ),
    ]
    url: Annotated[
        str,
        Field(
            "webHookUrl",
            CustomField(WebhookForm.url, schema={"type": "string", "maxLength": URL_MAX}),
            "The URL to call: absolute, https (or http where it is allowed), of a public address. "
            "Of QUEUE_INT it may be blank, and is never dialled; other types have none.",
            default="",
        ),
    ]
    method: Annotated[
        str,
        Field(
            "methodType",
            Choice(METHODS, "bad_method"),
            "The method of the calls; all carry the body.",
            label="Method",
            default=METHODS[0],
        ),
    ]
    headers: Annotated[
        tuple[tuple[str, str], ...],
        Field(
            "webHookHeaders",
            _HEADERS,
            "Of each value the last four characters are shown; of a short one none.",
            default=(),
        ),
    ]
    connections_max: Annotated[
        int,
        Field(
            "maxAllowedConnections",
            _CONNECTIONS,
            f"Parallel calls to the URL, from 1 to {CONNECTIONS_MAX}; 10.99 is 10.",
            label="Maximum parallel connections",
            hint=f"From 1 to {CONNECTIONS_MAX}.",
            blank=10,
        ),
    ]
    authentication: Annotated[
        Authentication | None,
        Field(
            authentication_body.FIELD,
            _AUTHENTICATION,
            "Who calls, to the receiver: docs/authentication.md.",
        ),
    ] = None
    connection: Annotated[
        str | None,
        Field(
            "connection",
            NAMES_ONE,
            "The operator's connection to use, for types that have one.",
        ),
    ] = None
    kafka: Annotated[
        KafkaTopic | None, Field("kafka", KAFKA_TOPIC, "Where to, of the type KAFKA.")
    ] = None
    email: Annotated[
        Mailing | None,
        Field("email", MAILING, "To whom and what, of the type EMAIL: docs/destinations.md."),
    ] = None
    sql: Annotated[
        SqlTable | None, Field("sql", SQL_TABLE, "Which table and columns, of the type SQL.")
    ] = None
    sla_s: Annotated[
        int | None,
        Field(
            "slaInSeconds",
            _SLA,
            "Wanted delivery time.",
            label="Delivery SLA, seconds",
            hint="Marks what is later. Empty: none.",
        ),
    ] = None
    retry: Annotated[
        RetryPolicy,
        Field(
            "retryPolicy",
            retry_policy_body.RETRIES,
            "When what did not arrive is tried again: docs/contract/delivery.md.",
        ),
    ] = DEFAULT_POLICY
    ordering: Annotated[
        Ordering,
        Field("ordering", _ORDERING, "Which deliveries keep their order.", label="Ordering"),
    ] = Ordering.NONE
    hold_on_failure: Annotated[
        bool,
        Field(
            "holdOnFailure",
            BooleanType(),
            "What is behind a refused delivery in its order waits for it.",
            label="What is behind a refused delivery waits for it",
            hint="With an ordering. Else the next of its key goes on.",
        ),
    ] = False
    rate_per_s: Annotated[
        float | None,
        Field(
            "rateLimit",
            Number(0.01, RATE_MAX_PER_S, "Leave it out for no limit."),
            "Deliveries per second.",
            label="Rate limit, requests a second",
            hint="Empty: none.",
        ),
    ] = None
    deadline_s: Annotated[
        float,
        Field(
            "deadlineInSeconds",
            Number(DEADLINE_MIN_S, DEADLINE_MAX_S, f"Leave it out for {DEADLINE_MAX_S}."),
            f"For one attempt, from {DEADLINE_MIN_S} to {DEADLINE_MAX_S}.",
            label="Answer within, seconds",
            hint=f"From {DEADLINE_MIN_S} to {DEADLINE_MAX_S}.",
        ),
    ] = float(DEADLINE_MAX_S)
    keep_answers: Annotated[
        bool,
        Field(
            "keepResponses",
            BooleanType(),
            "Keep the answer's body also after a 2xx.",
            label="Keep the bodies of successful answers too",
        ),
    ] = False
    listen_to_children: Annotated[
        bool,
        Field(
            "listenToChildEvents",
            BooleanType(),
            "Also events of orgs below this one.",
            label="Also events of the orgs below this one",
        ),
    ] = False
    event_versions: Annotated[
        tuple[tuple[str, int], ...],
        Field(
            "eventVersions",
            CustomField(
                WebhookForm.event_versions, schema=_VERSIONS, answers=_VERSIONS, shows=dict
            ),
            "Versions of event types; else 1.",
        ),
    ] = ()
    filter: Annotated[
        dict[str, Any] | None,
        Field(
            shape_rules.FILTER,
            CustomField(shape_rules.read_filter, schema=shape_rules.FILTER_SCHEMA, answers=OBJECT),
            "Which events of its types it wants: docs/filters.md.",
        ),
    ] = None
    without_personal_data: Annotated[
        bool,
        Field(
            WITHOUT_PERSONAL_DATA,
            BooleanType(),
            "Send it no personal data, and nothing that the event type does not describe: "
            "docs/personal-data.md.",
            label="Without personal data",
            hint="Names, contacts and card numbers are left out, and all that the event type does "
            "not describe; the customer's id stays.",
        ),
    ] = False
    fields: Annotated[
        Fields | None,
        Field(
            shape_rules.FIELDS,
            shape_rules.FIELDS_PART,
            "keep or drop, a list of paths: docs/transformations.md.",
        ),
    ] = None
    rename: Annotated[
        dict[str, str],
        Field(
            shape_rules.RENAME,
            CustomField(shape_rules.read_rename, schema=shape_rules.RENAME_SCHEMA),
            "New names of fields, by path.",
        ),
    ] = {}
    transformation: Annotated[
        str | None,
        Field(
            shape_rules.TRANSFORMATION,
            CustomField(WebhookForm.transformation, schema=TEXT),
            "The name of a stored transformation, which makes the payload.",
        ),
    ] = None
    extra: Annotated[dict[str, msgspec.Raw], _EXTRA] = {}
    signatures: Annotated[
        tuple[str, ...],
        Field(
            SIGNATURES,
            _SIGNATURES,
            "How its messages are signed, each scheme in the one header: "
            + "; ".join(f"{scheme.id}, {scheme.label}" for scheme in SCHEMES.values())
            + ". Answers show it where it is not the default.",
            answered=False,
        ),
    ] = DEFAULT

    @property
    def place(self) -> str:
        """Return where it sends, as a URL."""
        field = KINDS[self.kind].field
        own = None if field is None else getattr(self, field)
        return url_of(self.kind, self.url, self.connection or "", own)

    def __repr__(self) -> str:
        """Show it without headers: they hold credentials."""
        return f"Settings(name={self.name!r}, kind={self.kind!r})"


class WebhookBodyFields(msgspec.Struct, frozen=True):
    """The further fields of a body: the webhook's status, and a secret of the caller's own."""

    active: Annotated[
        bool | None,
        Field(
            "active",
            BooleanType(),
            "Whether new events are sent to it; else they pass it by.",
            label="Active",
            hint="Else new events pass it by.",
            blank=True,
        ),
    ] = None
    secret: Annotated[
        bytes | None,
        Field(
            "signingSecret",
            _SECRET,
            "whsec_ and 24 to 64 bytes in base64; made where it is absent.",
            answered=False,
        ),
    ] = None


SETTABLE = (*declared(WebhookSettings), *declared(WebhookBodyFields))
"""All fields that a body may set."""
ORIGINAL = (
    *"eventNames webHookType webHookUrl methodType webHookHeaders maxAllowedConnections".split(),
    *("slaInSeconds", "listenToChildEvents", *_ADDITIONS, IDENTIFIERS, NEO, "active"),
)
"""What the original has of them: an import of its answer says nothing of the others."""
FIELD_OF = {field.name: field for field in SETTABLE}
SECRET = FIELD_OF["signingSecret"]
