"""The API's shapes for its OpenAPI description. The code reads and writes with msgspec."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Responses = dict[int | str, dict[str, Any]]


class RetryPolicy(BaseModel):
    """How a webhook retries."""

    delaysInSeconds: list[float] = Field(
        [5, 30, 120, 600], description="After attempt 1, 2, 3 …; the last one repeats."
    )
    windowInHours: float = Field(168, description="The last attempt starts at its end.")
    retryStatuses: list[int] = Field([], description="Refusals to try again.")
    failStatuses: list[int] = Field([], description="Answers that end a delivery at once.")


class WebhookBody(BaseModel):
    """What creates or replaces a webhook."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
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
        }
    )

    name: str = Field(description="Unique in the org. It stays for good.")
    active: bool = True
    eventNames: list[str] = Field(description="At least one. A list replaces the old one.")
    webHookType: str = Field("HTTP", description="HTTP or QUEUE_INT.")
    webHookUrl: str
    methodType: str = Field("POST", description="POST, PUT, GET or DELETE; all carry the body.")
    webHookHeaders: dict[str, str] = {}
    maxAllowedConnections: int = Field(description="Parallel calls to the URL, from 1 to 1000.")
    slaInSeconds: int | None = Field(None, description="Wanted delivery time.")
    customerIdentifiersToBeEnriched: list[str] = []
    tillDetailsEnrichmentEnabled: bool = False
    storeDetailsEnrichmentEnabled: bool = False
    awardedReferenceEnrichmentEnabled: bool = False
    availablePointsBalanceEnrichmentEnabled: bool = False
    cardNumberEnrichmentEnabled: bool = False
    listenToChildEvents: bool = Field(False, description="Also events of orgs below this one.")
    neoEnrichment: dict[str, Any] | None = None
    signingSecret: str | None = Field(None, description="whsec_…; made where it is absent.")
    retryPolicy: RetryPolicy | None = None
    ordering: str = Field("none", description="none, key or strict.")
    rateLimit: float | None = Field(None, description="Deliveries per second.")
    deadlineInSeconds: float = Field(30, description="For one attempt, from 1 to 30.")
    keepResponses: bool = Field(False, description="Keep the answer's body also after a 2xx.")


class Person(BaseModel):
    """Who did it."""

    id: str
    code: str
    description: str
    name: str
    type: str = Field(description="TILL or ADMIN_USER.")


class Attribution(BaseModel):
    """Who made and changed it, and when."""

    createdOn: str
    lastUpdatedOn: str
    createdOnISO: str
    lastUpdatedOnISO: str
    createdBy: Person
    lastUpdatedBy: Person


class Webhook(WebhookBody):
    """A webhook as it is answered."""

    webHookId: str = Field(description="24 hex digits.")
    consumerGroupId: str = Field(description="UUID; the key of log and metrics calls.")
    noOfRetryAttempts: int = Field(0, description="Always 0.")
    attribution: Attribution
    standing: str = Field(description="active, paused, inactive, disabled or deleted.")
    disabledReason: str | None = None
    version: int = Field(description="Counts the changes.")
    signingSecretHint: str | None = Field(None, description="The secret's last four characters.")


class Fault(BaseModel):
    """One error or warning."""

    code: int | str
    message: str
    field: str


class OneWebhook(BaseModel):
    """The envelope of one webhook."""

    data: Webhook | None
    errors: list[Fault] | None
    warnings: list[Fault] | None


class SeveralWebhooks(BaseModel):
    """The envelope of all webhooks."""

    data: list[Webhook] | None
    errors: list[Fault] | None
    warnings: list[Fault] | None


class Problem(BaseModel):
    """Why a call was refused."""

    code: str
    message: str
    path: str


class Error(BaseModel):
    """The shape of every refusal of `/v1`."""

    error: Problem


class OrgBody(BaseModel):
    """What creates an org."""

    name: str
    id: int | None = Field(None, description="From 1; the next one where it is absent.")
    parent: int | None = Field(None, description="The org above it.")


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


BODY = _body(WebhookBody)
ORG_BODY = _body(OrgBody)
ONE: Responses = {200: {"model": OneWebhook, "description": "The webhook"}}
SEVERAL: Responses = {200: {"model": SeveralWebhooks, "description": "All webhooks of the org"}}
ERRORS: Responses = {
    status: {"model": OneWebhook, "description": text}
    for status, text in {
        400: "The body is refused, or the webhook is unknown",
        401: "No known credential",
        403: "The credential lacks the scope",
        503: "The store takes no writes now",
    }.items()
}
V1_ERRORS: Responses = {
    status: {"model": Error, "description": text}
    for status, text in {
        401: "No known credential",
        403: "The credential lacks the scope",
        404: "Unknown, or of another org",
        503: "The store is not there now",
    }.items()
}
