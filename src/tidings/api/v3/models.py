"""The shapes of `/v3` for the OpenAPI description: webhooks, and what is seen of them."""

from typing import Any

from pydantic import Field

from tidings.api.description import Model
from tidings.api.field_schemas import KEY
from tidings.api.models import new_body
from tidings.api.route import AnswerForm, ok
from tidings.core.overlap import ONE_NAME
from tidings.core.webhooks.fields import SETTABLE
from tidings.core.webhooks.key_rotation import KeyRotation
from tidings.schema.answers import answer_model
from tidings.schema.bodies import CLOSED

WebhookFields: Any = answer_model(Model, "WebhookFields", SETTABLE, "What a webhook is set to.")


class Person(Model):
    """The author of a change."""

    id: int = Field(description="Stands for the code; the same one for good.")
    code: str = Field(description="The credential's id, a person's e-mail, or what the call named.")
    description: str
    name: str
    type: str = Field(description="TILL or ADMIN_USER.")


class Attribution(Model):
    """Author and time of a webhook's creation and of its last change."""

    createdOn: str
    lastUpdatedOn: str
    createdOnISO: str
    lastUpdatedOnISO: str
    createdBy: Person
    lastUpdatedBy: Person


class Health(Model):
    """Describe what is wrong with a webhook, whatever it is set to."""

    state: str = Field(
        description="failing: nothing gets through; degraded: a share of its attempts fails; "
        "unread: messages wait, and nobody fetches them."
    )
    since: str | None = Field(None, description="Since when it is so, where that is known.")
    failingSince: str | None
    failures: int
    cause: str | None
    leftAlone: bool
    nextTryAt: str | None
    attempts: int | None = None
    failedAttempts: int | None = None
    failedPercent: float | None = None


class Missed(Model):
    """The body to post to `/v1/replays` for all that a webhook has missed."""

    webHookId: str
    missedSince: str


class WebhookIncident(Model):
    """The open incident of a webhook, in short."""

    id: str = Field(description="inc_…, as `GET /v1/incidents/{id}` has it.")
    kind: str = Field(description="failing, degraded, unread or backlog.")
    since: str = Field(description="The first failure, or the accept of what has waited longest.")
    acknowledgedAt: str | None = Field(description="Null where nobody has acknowledged it.")


class WebhookWarning(Model):
    """Something that the owner of a webhook should know of it as it stands."""

    code: str
    message: str


class PublicKey(Model):
    """A public key by which the messages of a webhook verify now."""

    scheme: str = Field(description="What signatures by it begin with, before a comma.")
    key: str = Field(description="As it is handed to the receiver, such as whpk_…")
    until: str | None = Field(description="When it stops to sign; null for the newest one.")


class Webhook(WebhookFields):  # type: ignore[misc]
    """A webhook as it is answered."""

    webHookId: str = Field(description="24 hex digits.")
    consumerGroupId: str = Field(description="UUID; the key of log and metrics calls.")
    noOfRetryAttempts: int = Field(0, description="Always 0.")
    attribution: Attribution
    standing: str = Field(description="active, paused, inactive, disabled or deleted.")
    disabledReason: str | None = None
    version: int = Field(description="Counts the changes.")
    signingSecret: str | None = Field(
        None, description="whsec_…; of the answer that makes or changes it alone."
    )
    signingSecretHint: str | None = Field(None, description="The secret's last four characters.")
    signatures: list[str] | None = Field(
        None, description="The schemes that sign its messages, where not v1 alone."
    )
    publicKeys: list[PublicKey] | None = Field(
        None, description="By which its messages verify, where it signs by key pairs."
    )
    warning: WebhookWarning | None = Field(
        None, description="flow_unknown, queue_not_served, own_path …; null where there is none."
    )
    condition: str | None = Field(
        None,
        description="GET alone; how it does, in one word: well, failing, unread, held up "
        "(by its connection), not called, or what somebody has made of it: paused, disabled, "
        "inactive, deleted.",
    )
    health: Health | None = Field(
        None,
        description="GET alone; null where nothing is wrong. That of a webhook which is paused or "
        "disabled says what was wrong when it was.",
    )
    activity: str | None = Field(
        None,
        description="GET alone; idle: there is nothing to send; waiting: what there is may not be "
        "sent now. Null where it is sent, and where health is not null; nothing to alarm at.",
    )
    incident: WebhookIncident | None = Field(
        None,
        description="GET alone; its open incident, the worst where there are several. "
        "`GET /v1/incidents` has all.",
    )
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


class Metadata(Model):
    """An event type's name."""

    active: bool = True
    eventName: str


class SchemaOfType(Metadata):
    """An event type with its schema."""

    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema of a whole event.")


class ConsumerResponse(Model):
    """The receiver's last answer."""

    webhookHttpStatus: int
    time_taken: int | None = Field(description="Milliseconds of the attempt.")


class EventLog(Model):
    """An event at one webhook, as the original shows it."""

    refId: str | None
    requestId: str | None
    eventName: str
    eventId: str
    consumerGroupId: str | None = Field(description="Null where no webhook wanted the event.")
    eventIngestionTimestamp: str = Field(description="When the event was accepted.")
    eventStartTimestamp: str | None = Field(description="When the first attempt began.")
    eventEndTimestamp: str | None = Field(description="Null while it is not finished.")
    slaBreachTimestamp: str | None = Field(description="Null while it is, or was, in time.")
    consumerResponse: ConsumerResponse | None


class DeliveryWarning(Model):
    """Something that a delivery lacks, or has too much."""

    code: str
    message: str
    leftOut: list[str]


class LogRow(EventLog):
    """A row of a webhook's log."""

    eventType: str = Field(description="The same as eventName.")
    deliveryId: str = Field(description="To ask for at GET /v1/deliveries/{id}.")
    status: str = Field(description="Pending, Delivered, Retrying or Failed.")
    state: str = Field(description="The same, as finely as /v1 tells it.")
    attempts: int
    webhookDuration: int | None = Field(description="Milliseconds of the last attempt.")
    warning: DeliveryWarning | None = Field(
        None, description="Only where it was sent thin, or whole: as on /v1."
    )


class Paging(Model):
    """The cursor of the next page."""

    limit: int
    next: str | None = Field(description="The next page's `cursor`; null at the end.")


class Log(Model):
    """A page of a webhook's log."""

    consumerGroupId: str
    events: list[LogRow]
    paging: Paging


class Metrics(Model):
    """Figures of how a webhook fared. The sum of the four kinds is the total."""

    totalEvents: int
    deliveredEvents: int
    failedEvents: int = Field(
        description="Failed or cancelled, or parked and delivered by a replay since."
    )
    pendingEvents: int = Field(
        description="Pending, held, or parked and not delivered by a replay since."
    )
    retryingEvents: int
    averageDeliveryTime: float | None = Field(
        description="Milliseconds from accept to delivered; null where nothing was delivered."
    )
    startDate: int
    endDate: int


def _envelope(data: type[Model], name: str, several: bool = False) -> type[Model]:
    hints: dict[str, Any] = {
        "data": list[data] | None if several else data | None,  # type: ignore[valid-type]
        "errors": list[Fault] | None,
        "warnings": list[Fault] | None,
    }
    doc = f"The envelope of {name}."
    return type(name, (Model,), {"__annotations__": hints, "__doc__": doc})


def _answers(data: type[Model], name: str, text: str, several: bool = False) -> list[AnswerForm]:
    return ok(text, _envelope(data, name, several))


def _header(name: str, description: str, pattern: str | None = None) -> dict[str, Any]:
    schema = {"type": "string"} | ({} if pattern is None else {"pattern": pattern})
    return {"name": name, "in": "header", "description": description, "schema": schema}


ONE = ok("The webhook", OneWebhook)
SEVERAL = ok("All webhooks of the org", SeveralWebhooks)
ERRORS = {
    400: "The body is refused, or the webhook is unknown",
    401: "No known credential",
    403: "The credential lacks the scope",
    503: "The store takes no writes now",
}
METADATA = _answers(Metadata, "EventTypeList", "The event types", several=True)
ONE_METADATA = _answers(SchemaOfType, "OneEventType", "The event type")
EVENT_LOG = _answers(EventLog, "OneEventLog", "The event at its newest delivery")
EVENT_LOGS = _answers(EventLog, "SeveralEventLogs", "One row for each delivery", several=True)
LOG = _answers(Log, "WebhookLog", "A page of the log")
METRICS = _answers(Metrics, "WebhookMetrics", "The totals")

CHANGE_ERRORS = ERRORS | {
    408: "The body came too slowly",
    409: "It does not go with what is there: a name that is taken, another standing",
    412: "If-Match names another version than the newest",
    413: "The body is too large",
    422: "The Idempotency-Key came with another body",
}
_IF_MATCH = _header("If-Match", "The ETag that the change is made on; another is 412.")
_IDEMPOTENCY_KEY = _header(
    "Idempotency-Key", "The same call with the same key is answered the same for 24 h.", KEY
)
_DRY_RUN: dict[str, Any] = {
    "name": "dryRun",
    "in": "query",
    "description": "true: check all, answer what the webhook would be, and write nothing. Of a new "
    "one the ids are empty; no answer holds a secret or an ETag.",
    "schema": {"enum": ["true", "false", ""]},
}
_IF_CHANGED: dict[str, Any] = {
    "name": "ifChanged",
    "in": "query",
    "description": "true: a body that changes nothing makes no version; the answer is the one "
    "that is there. A dry run does not tell.",
    "schema": {"enum": ["true", "false", ""]},
}
CONDITIONAL = [_IF_MATCH]
CREATING = [_DRY_RUN, _IDEMPOTENCY_KEY]
CHANGING = [_DRY_RUN, _IF_MATCH]
REPLACING = [_DRY_RUN, _IF_CHANGED, _IF_MATCH]
ROTATE_BODY = new_body(
    "How a secret is rotated.", KeyRotation, more=CLOSED | ONE_NAME, required=False
)
