"""Events of the family operational.

Made from the catalogue (`make models`): change the event type's file, not this one.
"""

from typing import Literal, Optional, TypedDict

from tidings_consumer.events.common import Envelope, ToldAction
from tidings_consumer.newer_typing import Required


class TidingsConnectionFailingData(TypedDict, total=False):
    """What happened."""

    # Connection, as the operator has named it.
    connection: Required[str]
    # Names of webhooks of the org that wait for it, ten at most.
    webHooks: Required[list[str]]
    # How many webhooks of the org wait for it.
    webHooksWaiting: Required[int]
    # Since when nothing goes over it (epoch milliseconds).
    failingSince: Required[int]
    # What is wrong and what to do, as the page of the connection says it.
    cause: Required[str]


class TidingsConnectionFailing(Envelope):
    """Nothing could be handed over by a connection of the operator's for a minute, for a reason
    that no message is the cause of.
    """

    eventName: Required[Literal["tidings.connection.failing"]]
    data: Required[TidingsConnectionFailingData]


# What happened.
TidingsDeliveryExhaustedData = TypedDict(
    "TidingsDeliveryExhaustedData",
    {
        # Webhook.
        "webHookId": Required[str],
        # Its name.
        "webHookName": str,
        # Its version at that time.
        "webHookVersion": int,
        # Host of its receiver; path and query are left out, as they may hold credentials.
        "host": str,
        # How many, since the webhook was told of last.
        "count": Required[int],
        # Of these, refused for good or out of tries.
        "failed": Required[int],
        # Of these, parked because their time ended behind an open breaker.
        "parked": Required[int],
        # The first of them ended (epoch milliseconds).
        "from": int,
        # The last of them ended (epoch milliseconds).
        "to": int,
        # How the last attempt ended: its status, or its fault; may be empty.
        "cause": str,
        # The first ten.
        "deliveryIds": list[str],
        # The events of these ten.
        "eventIds": list[str],
        "action": Optional[ToldAction],
    },
    total=False,
)


class TidingsDeliveryExhausted(Envelope):
    """Deliveries of a webhook have ended without success: failed for good, or parked when their
    time was over.
    """

    eventName: Required[Literal["tidings.delivery.exhausted"]]
    data: Required[TidingsDeliveryExhaustedData]


class TidingsLookupFailingData(TypedDict, total=False):
    """What happened."""

    # Look-up, as the file of actions names it.
    lookUp: Required[str]
    # The actions that need it.
    actions: Required[list[str]]
    # Whether what they would do waits for it; else it is done without.
    waits: Required[bool]
    # First question without an answer (epoch milliseconds).
    failingSince: Required[int]
    # Questions without an answer since then.
    failures: int
    # What came of the last question, and what to do, as the page of the action says it.
    cause: Required[str]


class TidingsLookupFailing(Envelope):
    """A look-up of actions has had no answer for 15 minutes (a setting of the service)."""

    eventName: Required[Literal["tidings.lookup.failing"]]
    data: Required[TidingsLookupFailingData]


class TidingsReplayFinishedData(TypedDict, total=False):
    """What happened."""

    # Replay.
    replayId: Required[str]
    # What it did.
    kind: str
    # How it ended.
    state: Required[str]
    # Why it ended early.
    reason: Optional[str]
    # Deliveries that were asked for, once counted.
    matched: Optional[int]
    # Deliveries made, or cancelled.
    made: int
    # Left out: under way, delivered already, or without payload.
    skipped: int
    # Of those made, delivered.
    delivered: int
    # Of those made, failed.
    failed: int
    # Of those made, parked.
    parked: int
    # Of those made, cancelled.
    cancelled: int


class TidingsReplayFinished(Envelope):
    """A replay has come to its end: finished, cancelled or failed."""

    eventName: Required[Literal["tidings.replay.finished"]]
    data: Required[TidingsReplayFinishedData]


class TidingsSourceAsideData(TypedDict, total=False):
    """What happened."""

    # Source.
    sourceId: Required[str]
    # Its name.
    sourceName: str
    # Where its messages come from: webhook, kafka, outbox.
    sourceType: str
    # When it was set aside (epoch milliseconds).
    asideAt: Required[int]
    # Why, in one word.
    code: Required[str]
    # Why, in a sentence, which may repeat what came.
    reason: str
    # Of those with the id of another event: how many are set aside.
    count: int
    # Of these: the field in which the newest differs.
    field: str


class TidingsSourceAside(Envelope):
    """A source has set aside a message of which no event could be made, and had set nothing aside
    before.
    """

    eventName: Required[Literal["tidings.source.aside"]]
    data: Required[TidingsSourceAsideData]


class TidingsSourceFailingData(TypedDict, total=False):
    """What happened."""

    # Source.
    sourceId: Required[str]
    # Its name.
    sourceName: str
    # Where its messages come from: webhook, kafka, outbox.
    sourceType: str
    # When its trouble began (epoch milliseconds).
    failingSince: Required[int]
    # What is wrong and what to do, as the source's page says it.
    cause: Required[str]


class TidingsSourceFailing(Envelope):
    """Nothing could be fetched or kept for a source for 15 minutes (a setting of the service)."""

    eventName: Required[Literal["tidings.source.failing"]]
    data: Required[TidingsSourceFailingData]


class TidingsWebhookDisabledData(TypedDict, total=False):
    """What happened."""

    # Webhook.
    webHookId: Required[str]
    # Its name.
    webHookName: str
    # Its version at that time.
    webHookVersion: int
    # Host of its receiver; path and query are left out, as they may hold credentials.
    host: str
    # Why, in words.
    reason: Required[str]
    # Deliveries that were unfinished and are parked; new ones are parked too.
    parked: Required[int]
    # First failure after its last success, where it was disabled for that (epoch milliseconds).
    failingSince: Optional[int]
    action: Optional[ToldAction]


class TidingsWebhookDisabled(Envelope):
    """A webhook is disabled: by eight days without a success, by an answer 410, or by its owner."""

    eventName: Required[Literal["tidings.webhook.disabled"]]
    data: Required[TidingsWebhookDisabledData]


class TidingsWebhookFailingData(TypedDict, total=False):
    """What happened."""

    # Webhook.
    webHookId: Required[str]
    # Its name.
    webHookName: str
    # Its version at that time.
    webHookVersion: int
    # Host of its receiver; path and query are left out, as they may hold credentials.
    host: str
    # How far it is on its way to being disabled: 0 when it is told first, then 50, 70 or 90.
    percent: Required[int]
    # First failure after its last success (epoch milliseconds).
    failingSince: Required[int]
    # When it is disabled if nothing succeeds (epoch milliseconds).
    disabledAt: Required[int]
    # Failed attempts since then.
    failures: int
    # How the last attempt ended: its status, or its fault.
    cause: str
    action: Optional[ToldAction]


class TidingsWebhookFailing(Envelope):
    """A webhook has had no success for 15 minutes (a setting of the service), or for 50, 70 or 90
    % of the time after which it is disabled.
    """

    eventName: Required[Literal["tidings.webhook.failing"]]
    data: Required[TidingsWebhookFailingData]


class TidingsWebhookRecoveredData(TypedDict, total=False):
    """What happened."""

    # Webhook.
    webHookId: Required[str]
    # Its name.
    webHookName: str
    # Its version at that time.
    webHookVersion: int
    # Host of its receiver; path and query are left out, as they may hold credentials.
    host: str
    # First failure of that time (epoch milliseconds).
    failingSince: Required[int]
    # The success (epoch milliseconds).
    recoveredAt: Required[int]
    # How long it failed, in seconds.
    failedForInSeconds: int
    action: Optional[ToldAction]


class TidingsWebhookRecovered(Envelope):
    """A webhook succeeds again after its owner was told that it fails."""

    eventName: Required[Literal["tidings.webhook.recovered"]]
    data: Required[TidingsWebhookRecoveredData]
