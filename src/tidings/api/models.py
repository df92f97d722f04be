"""The API's shapes for its OpenAPI description. The code reads and writes with msgspec."""

from typing import Any

from pydantic import Field

from tidings.api.described import Model, Said, described, schema_of

Responses = dict[int | str, dict[str, Any]]


class RetryPolicy(Model):
    """How a webhook retries."""

    delaysInSeconds: list[float] = Field(
        [5, 30, 120, 600], description="After attempt 1, 2, 3 …; the last one repeats."
    )
    windowInHours: float = Field(168, description="The last attempt starts at its end.")
    retryStatuses: list[int] = Field([], description="Refusals to try again.")
    failStatuses: list[int] = Field([], description="Answers that end a delivery at once.")


class WebhookFields(Model):
    """What a webhook is set to."""

    name: str = Field(description="Unique in the org. It stays for good.")
    active: bool = True
    eventNames: list[str] = Field(description="At least one. A list replaces the old one.")
    webHookType: str = Field("HTTP", description="HTTP or QUEUE_INT.")
    webHookUrl: str = Field(description="Of QUEUE_INT it may be blank, and is never dialled.")
    methodType: str = Field("POST", description="POST, PUT, GET or DELETE; all carry the body.")
    webHookHeaders: dict[str, str] = Field(
        {}, description="Of each value the last four characters; of a short one none."
    )
    maxAllowedConnections: int = Field(description="Parallel calls to the URL, from 1 to 1000.")
    slaInSeconds: int | None = Field(None, description="Wanted delivery time.")
    customerIdentifiersToBeEnriched: list[str] = []
    tillDetailsEnrichmentEnabled: bool = False
    storeDetailsEnrichmentEnabled: bool = False
    awardedReferenceEnrichmentEnabled: bool = False
    availablePointsBalanceEnrichmentEnabled: bool = False
    cardNumberEnrichmentEnabled: bool = False
    enrichmentWhenDown: str = Field(
        "thin", description="thin or wait: what to do while the platform does not answer."
    )
    listenToChildEvents: bool = Field(False, description="Also events of orgs below this one.")
    neoEnrichment: dict[str, Any] | None = None
    signingSecret: str | None = Field(None, description="whsec_…; made where it is absent.")
    retryPolicy: RetryPolicy | None = None
    ordering: str = Field("none", description="none, key or strict.")
    holdOnFailure: bool = Field(
        False, description="What is behind a refused delivery in its order waits for it."
    )
    rateLimit: float | None = Field(None, description="Deliveries per second.")
    filter: dict[str, Any] | None = Field(
        None, description="Which events of its types it wants: docs/filters.md."
    )
    fields: dict[str, list[str]] | None = Field(
        None, description="keep or drop, a list of paths: docs/transformations.md."
    )
    rename: dict[str, str] | None = Field(None, description="New names of fields, by path.")
    transformation: str | None = Field(
        None, description="The name of a stored transformation, which makes the payload."
    )
    deadlineInSeconds: float = Field(30, description="For one attempt, from 1 to 30.")
    keepResponses: bool = Field(False, description="Keep the answer's body also after a 2xx.")
    eventVersions: dict[str, int] = Field({}, description="Versions of event types; else 1.")


class Person(Model):
    """Who did it."""

    id: int = Field(description="Stands for the code; the same one for good.")
    code: str = Field(description="The credential's id, a person's e-mail, or what the call named.")
    description: str
    name: str
    type: str = Field(description="TILL or ADMIN_USER.")


class Attribution(Model):
    """Who made and changed it, and when."""

    createdOn: str
    lastUpdatedOn: str
    createdOnISO: str
    lastUpdatedOnISO: str
    createdBy: Person
    lastUpdatedBy: Person


class Health(Model):
    """How a receiver does that is not well."""

    failingSince: str | None
    failures: int
    cause: str | None
    leftAlone: bool
    nextTryAt: str | None
    attempts: int | None = None
    failedAttempts: int | None = None
    failedPercent: float | None = None


class Missed(Model):
    """What to post to `/v1/replays` for all that a webhook has missed."""

    webHookId: str
    missedSince: str


class WebhookWarning(Model):
    """What the owner of a webhook should know of it as it stands."""

    code: str
    message: str


class Webhook(WebhookFields):
    """A webhook as it is answered."""

    webHookId: str = Field(description="24 hex digits.")
    consumerGroupId: str = Field(description="UUID; the key of log and metrics calls.")
    noOfRetryAttempts: int = Field(0, description="Always 0.")
    attribution: Attribution
    standing: str = Field(description="active, paused, inactive, disabled or deleted.")
    disabledReason: str | None = None
    version: int = Field(description="Counts the changes.")
    signingSecretHint: str | None = Field(None, description="The secret's last four characters.")
    warning: WebhookWarning | None = Field(
        None, description="flow_unknown or queue_not_served; null where there is none."
    )
    health: Health | None = Field(None, description="GET alone; null where it is well.")
    replay: Missed | None = Field(None, description="Of the answer to enable alone.")
    signingSecretOverlapEnds: str | None = Field(
        None, description="Until when messages are signed with an older secret too."
    )


class Fault(Model):
    """One error or warning."""

    code: int | str
    message: str
    field: str


class OneWebhook(Model):
    """The envelope of one webhook."""

    data: Webhook | None
    errors: list[Fault] | None
    warnings: list[Fault] | None


class SeveralWebhooks(Model):
    """The envelope of all webhooks."""

    data: list[Webhook] | None
    errors: list[Fault] | None
    warnings: list[Fault] | None


class Problem(Model):
    """Why a call was refused."""

    code: str
    message: str
    path: str


class Error(Model):
    """The shape of every refusal of `/v1`."""

    error: Problem


def body_of(
    said: Said,
    *medias: str,
    example: Any = None,
    required: bool = True,
) -> dict[str, Any]:
    """`openapi_extra` for a body that the code reads by itself; JSON unless `medias` say."""
    content = {"schema": schema_of(said)} | ({} if example is None else {"example": example})
    medias = medias or ("application/json",)
    return {"requestBody": {"required": required, "content": dict.fromkeys(medias, content)}}


ONE: Responses = {200: described(OneWebhook, "The webhook")}
SEVERAL: Responses = {200: described(SeveralWebhooks, "All webhooks of the org")}
ERRORS: Responses = {
    status: described(OneWebhook, text)
    for status, text in {
        400: "The body is refused, or the webhook is unknown",
        401: "No known credential",
        403: "The credential lacks the scope",
        503: "The store takes no writes now",
    }.items()
}
V1_ERRORS: Responses = {
    status: described(Error, text)
    for status, text in {
        401: "No known credential",
        403: "The credential lacks the scope",
        404: "Unknown, or of another org",
        503: "The store is not there now",
    }.items()
}
