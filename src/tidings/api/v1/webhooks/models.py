"""What a call may say of a webhook, for the OpenAPI description: the rules of
`core/webhooks/rules.py` and its neighbours as JSON Schema.

Fields that are not known are taken with a warning, as the original takes them. null means "as if
left out", but for the fields that a webhook cannot be without.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from tidings.api.description import COMPONENT, Model, whole_schema
from tidings.api.field_schemas import HEADER_VALUE, LINE, PATH, Path
from tidings.api.models import body_of
from tidings.api.v1.webhooks.filter_schema import NAME as FILTER
from tidings.core.delivery.schedule import DELAYS_S, HOUR_S, WINDOW_S

_TOKEN = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,128}$"
_BASE64 = "[A-Za-z0-9+/]"
_SECRET = (
    f"^whsec_({_BASE64}{{4}}){{8,20}}({_BASE64}{{4}}|{_BASE64}{{2}}==|{_BASE64}{{3}}="
    f"|{_BASE64}{{6}}==)?$"
)
_THOUSAND = r"^(1000|[1-9][0-9]{0,2})(\.[0-9]{1,15})?$"

_SHOWN_OR_WHOLE = r"^([\x20-\x7e\t]*|…[\x20-\x7e]{0,4})$"  # HEADER_VALUE, or what reads show of one

Count = (
    Annotated[float, Field(ge=1, lt=1001, description="10.99 is 10.")]
    | Annotated[str, Field(pattern=_THOUSAND)]
)
Seconds = (
    Annotated[float, Field(ge=0, le=2_592_000)]
    | Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,15})?$")]
)
Status = Annotated[int, Field(ge=300, le=599)]
Delay = Annotated[float, Field(ge=1, le=86_400)]
NeoPart = Annotated[str, Field(min_length=1, max_length=255)] | float | None


class Retries(Model):
    """How a webhook retries."""

    delaysInSeconds: Annotated[list[Delay], Field(min_length=1, max_length=50)] | None = Field(
        list(DELAYS_S), description="After attempt 1, 2, 3 …; the last one repeats."
    )
    windowInHours: Annotated[float, Field(ge=0, le=168)] | None = Field(
        round(WINDOW_S / HOUR_S), description="The last attempt starts at its end."
    )
    retryStatuses: list[Status] | None = Field([], description="Refusals to try again.")
    failStatuses: list[Status] | None = Field([], description="Answers that end a delivery.")


class Neo(Model):
    """`value` names a stored transformation."""

    label: NeoPart = None
    value: NeoPart = None
    sendWhole: bool | None = Field(
        False, description="Take it though nobody here knows the flow: events go out whole."
    )


class Selection(Model):
    """`keep` or `drop`, one of them."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )

    keep: Annotated[list[Path], Field(min_length=1, max_length=200)] = []
    drop: Annotated[list[Path], Field(min_length=1, max_length=200)] = []


def _headers(*values: str, pattern: str = _SHOWN_OR_WHOLE) -> dict[str, Any]:
    """An object of texts; a nameless one without a text is passed over, and so is an empty list.

    A value as GET shows it means the stored one.
    """
    kind: str | list[str] = values[0] if len(values) == 1 else list(values)
    return {
        "anyOf": [
            {
                "type": "object",
                "maxProperties": 64,
                "propertyNames": {"pattern": _TOKEN},
                "properties": {"": {"type": ["string", "null"], "maxLength": 0}},
                "additionalProperties": {"type": kind, "pattern": pattern},
            },
            {"type": "array", "maxItems": 0},
            {"type": "null"},
        ]
    }


_EXAMPLE: dict[str, Any] = {
    "name": "crm",
    "active": True,
    "eventNames": ["pointsIssued"],
    "webHookType": "HTTP",
    "webHookUrl": "https://crm.example.com/hook",
    "methodType": "POST",
    "webHookHeaders": {"Authorization": "Bearer …"},
    "maxAllowedConnections": 10,
    "slaInSeconds": 30,
    "customerIdentifiersToBeEnriched": [],
}


class WebhookChange(Model):
    """What changes a webhook: fields that are left out stay."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    name: Any = Field(None, description="It stays: another one is passed over, with a warning.")
    active: bool | None = True
    eventNames: Annotated[list[str], Field(min_length=1)] = Field(
        [], description="At least one. A list replaces the old one."
    )
    webHookType: Literal["HTTP", "QUEUE_INT", "queue"] | None = "HTTP"
    webHookUrl: Annotated[str, Field(max_length=2048)] | None = Field(
        None, description="Absolute, https (or http where it is allowed), of a public address."
    )
    methodType: Literal["POST", "PUT", "GET", "DELETE"] | None = Field(
        "POST", description="All carry the body."
    )
    webHookHeaders: dict[str, str] | None = Field({}, json_schema_extra=_headers("string"))
    maxAllowedConnections: Count = Field(10, description="Parallel calls, from 1 to 1000.")
    slaInSeconds: Seconds | None = Field(None, description="Wanted delivery time.")
    customerIdentifiersToBeEnriched: list[str] | None = []
    tillDetailsEnrichmentEnabled: bool | None = False
    storeDetailsEnrichmentEnabled: bool | None = False
    awardedReferenceEnrichmentEnabled: bool | None = False
    availablePointsBalanceEnrichmentEnabled: bool | None = False
    cardNumberEnrichmentEnabled: bool | None = False
    enrichmentWhenDown: Literal["thin", "wait"] | None = Field(
        "thin", description="What to do while the platform does not answer."
    )
    listenToChildEvents: bool | None = Field(False, description="Also events of orgs below.")
    neoEnrichment: Neo | None = None
    signingSecret: Annotated[str, Field(pattern=_SECRET)] | None = Field(
        None, description="whsec_ and 24 to 64 bytes in base64; made where it is absent."
    )
    retryPolicy: Retries | None = None
    ordering: Literal["none", "key", "strict"] | None = "none"
    holdOnFailure: bool | None = Field(
        False, description="What is behind a refused delivery in its order waits for it."
    )
    rateLimit: Annotated[float, Field(ge=0.01, le=100_000)] | None = Field(
        None, description="Deliveries per second."
    )
    filter: dict[str, Any] | None = Field(
        None,
        description="Which events of its types it wants: docs/filters.md.",
        json_schema_extra={"anyOf": [{COMPONENT: FILTER}, {"type": "null"}]},
    )
    fields: Selection | None = Field(
        None, description="keep or drop, a list of paths: docs/transformations.md."
    )
    rename: dict[str, str] | None = Field(
        None,
        description="New names of fields, by path.",
        json_schema_extra={
            "anyOf": [
                {
                    "type": "object",
                    "maxProperties": 100,
                    "propertyNames": {"pattern": PATH, "maxLength": 256},
                    "additionalProperties": {
                        "type": "string",
                        "pattern": r"^[^.\[\]\x00-\x1f]{1,64}$",
                    },
                },
                {"type": "null"},
            ]
        },
    )
    transformation: str | None = Field(
        None, description="The name of a stored transformation, which makes the payload."
    )
    deadlineInSeconds: Annotated[float, Field(ge=1, le=30)] | None = Field(
        30, description="For one attempt."
    )
    keepResponses: bool | None = Field(False, description="Keep the body also after a 2xx.")
    eventVersions: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        {}, description="Versions of event types; else 1."
    )


# One that calls nobody may be without a URL.
_CALLED: dict[str, Any] = {
    "required": ["webHookUrl"],
    "properties": {"webHookUrl": {"type": "string"}},
}
_UNCALLED: dict[str, Any] = {
    "required": ["webHookType"],
    "properties": {"webHookType": {"enum": ["QUEUE_INT", "queue"]}},
}


class NewWebhook(WebhookChange):
    """What creates a webhook."""

    model_config = ConfigDict(
        json_schema_extra={"example": _EXAMPLE, "anyOf": [_CALLED, _UNCALLED]}
    )

    name: Annotated[str, Field(pattern=LINE, max_length=255)] = Field(
        description="Unique in the org. It stays for good."
    )
    eventNames: Annotated[list[str], Field(min_length=1)]
    webHookHeaders: dict[str, str] | None = Field(
        {}, json_schema_extra=_headers("string", pattern=HEADER_VALUE)
    )
    maxAllowedConnections: Count = Field(description="Parallel calls, from 1 to 1000.")


# A call begins from a saved webhook, or names all that one cannot be without.
SAVED: dict[str, Any] = {
    "required": ["webHookId"],
    "properties": {"webHookId": {"type": "string"}},
}
UNSAVED: dict[str, Any] = {
    "required": ["name", "eventNames", "webHookUrl", "maxAllowedConnections"],
    "properties": {
        "webHookId": {"type": "null"},
        "name": {"type": "string", "pattern": LINE, "maxLength": 255},
        "webHookUrl": {"type": "string"},
    },
}


def _patch() -> dict[str, Any]:
    """A merge patch: any field may be null, and any header."""
    schema = whole_schema(WebhookChange)
    schema["properties"]["webHookHeaders"] = _headers("string", "null") | {"default": {}}
    schema["example"] = {"slaInSeconds": 60, "webHookHeaders": {"X-Old": None}}
    schema["description"] = "The fields to change; null takes a field away."
    return schema


BODY = body_of(NewWebhook)
REPLACING_BODY = body_of(WebhookChange)
PATCH_BODY = body_of(_patch, "application/merge-patch+json", "application/json")
