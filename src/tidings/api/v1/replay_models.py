"""What a replay or a cancel may be asked for, for the OpenAPI description: the rules of
`core/replay_rules.py` as JSON Schema."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tidings.api.described import Model
from tidings.api.models import body_of
from tidings.api.said import DeliveryId, EventId, Instant

Id = Annotated[str, Field(min_length=1, max_length=64)]
Listed = Field(min_length=1, max_length=100_000)
Names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=128)]], Field(min_length=1, max_length=200)
]


_NARROWS = ("webHookId", "eventNames", "from", "to", "search", "deliveryIds", "eventIds")


class _Filter(Model):
    model_config = ConfigDict(extra="forbid")

    webHookId: Id | None = Field(None, description="Left out: of every webhook of the org.")
    eventNames: Names | None = None
    since: Instant | None = Field(None, alias="from", description="Accepted then or later.")
    to: Instant | None = Field(None, description="Accepted before.")
    search: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        None, description="A value that the event is found by."
    )
    deliveryIds: Annotated[list[DeliveryId], Listed] | None = None
    eventIds: Annotated[list[EventId], Listed] | None = None
    dryRun: bool | None = Field(False, description="Only count, and say what it would do.")


class CancelBody(_Filter):
    """Which unfinished deliveries are taken back. At least one filter must be given."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                for name in _NARROWS
            ]
        }
    )

    states: Annotated[list[Literal["pending", "held", "retrying"]], Field(min_length=1)] | None = (
        Field(None, description="All of them by default.")
    )


class ReplayBody(_Filter):
    """What is sent again, to whom, and how fast."""

    webHookId: Id = Field(description="The webhook whose deliveries are looked at.")
    toWebHookId: Id | None = Field(None, description="Send to this webhook instead.")
    missedSince: Instant | None = Field(
        None, description="Everything that the webhook has missed since this time."
    )
    states: (
        Annotated[
            list[Literal["failed", "parked", "cancelled", "delivered", "unmatched"]],
            Field(min_length=1),
        ]
        | None
    ) = Field(None, description="failed and parked by default.")
    again: bool | None = Field(
        False, description="Also what was delivered, under another webhook-id."
    )
    ratePerSecond: Annotated[float, Field(ge=0.1, le=5000)] | None = Field(
        20, description="Deliveries made a second."
    )
    start: bool | None = Field(True, description="false: wait, once counted, for a resume.")


REPLAY_BODY = body_of(ReplayBody)
CANCEL_BODY = body_of(CancelBody)
