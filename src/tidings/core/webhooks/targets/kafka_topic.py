"""Where on a Kafka cluster the messages of a webhook go: the declaration of its fields. Pure.

Add a field here; the rest follows.
"""

import re
from typing import Annotated

import msgspec

from tidings.core.connections.admitted import ORG, admits_one
from tidings.core.connections.connection import Connection
from tidings.core.declaration import Field
from tidings.core.field_types import named, whole
from tidings.core.ids import OrgId, WebhookId

TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
# Fields of a connection: the topics that webhooks may write to, and that of the platform's queue.
PUBLISHES, QUEUE_TOPIC = "publishes", "topic"
_WEBHOOK = "{webhook}"


class KafkaTopic(msgspec.Struct, frozen=True, omit_defaults=True):
    """A topic of the cluster that the connection leads to."""

    topic: Annotated[
        str,
        Field(
            "topic",
            named(TOPIC, "1 to 249 of a-z A-Z 0-9 . _ -", "Write crm.loyalty.", null=False),
            "Each message is one record of it.",
        ),
    ]

    @property
    def place(self) -> str:
        """See `TypeSettings`."""
        return self.topic

    def outside(self, connection: Connection, org: OrgId) -> str | None:
        """See `TypeSettings`."""
        return not_published(connection, self.topic, org)

    def trespass(self, connection: Connection, org: OrgId) -> str | None:
        """See `TypeSettings`."""
        return _queue_of_another(connection, self.topic, org)


KAFKA_TOPIC = whole(KafkaTopic, '{"topic": "crm.loyalty"}')


def queue_topic(connection: Connection, org: OrgId, webhook: WebhookId) -> str:
    """Name the topic of a webhook of the platform's own queue, over the default connection."""
    return _named(str(connection.fields.get(QUEUE_TOPIC, "")), org, webhook)


def is_queue_topic(value: object) -> bool:
    """Return whether it names a topic for each webhook of the platform's own queue."""
    longest = OrgId(2**53), WebhookId("0" * 24)
    return isinstance(value, str) and TOPIC.fullmatch(_named(value, *longest)) is not None


def not_published(connection: Connection, topic: str, org: OrgId) -> str | None:
    """Say why no webhook of the org may write to the topic over the connection; None if it may."""
    allowed = connection.fields.get(PUBLISHES)
    if allowed is None or admits_one(allowed, topic, org):
        return None
    return (
        f"The topic must be one that the connection {connection.name} is for; got {topic}. Name "
        f"another one, or ask the operator to add it to {PUBLISHES} of the connection."
    )


def _queue_of_another(connection: Connection, topic: str, org: OrgId) -> str | None:
    """Say that a topic is where the platform's own queue tells another org; None if it is not."""
    queue = connection.fields.get(QUEUE_TOPIC)
    if not isinstance(queue, str) or ORG not in queue:
        return None
    first, *others = queue.split(ORG)
    pattern = re.escape(first) + "([0-9]+)" + r"\1".join(map(re.escape, others))
    found = re.fullmatch(pattern.replace(re.escape(_WEBHOOK), "[0-9a-f]+"), topic)
    if found is None or found[1] == str(org):
        return None
    return (
        f"The topic must be none that the connection {connection.name} has for the queue of "
        f"another org; got {topic}. Name another one."
    )


def _named(topic: str, org: OrgId, webhook: WebhookId) -> str:
    return topic.replace(ORG, str(org)).replace(_WEBHOOK, webhook)
