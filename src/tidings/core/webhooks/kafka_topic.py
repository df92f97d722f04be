"""Where on a Kafka cluster the messages of a webhook go: the declaration of its fields. Pure."""

import re
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.declaration import Field
from tidings.core.ids import OrgId, WebhookId
from tidings.core.kinds import named, whole

TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
# Fields of a connection: the topics that webhooks may write to, and that of the platform's queue.
PUBLISHES, QUEUE_TOPIC = "publishes", "topic"


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
        """See `Place`."""
        return self.topic

    def outside(self, connection: Connection) -> str | None:
        """See `Place`."""
        return not_published(connection, self.topic)


KAFKA_TOPIC = whole(KafkaTopic, '{"topic": "crm.loyalty"}')


def queue_topic(connection: Connection, org: OrgId, webhook: WebhookId) -> str:
    """The topic of a webhook of the platform's own queue, over the default connection."""
    return _named(str(connection.fields.get(QUEUE_TOPIC, "")), org, webhook)


def is_queue_topic(said: object) -> bool:
    """Whether it names a topic for each webhook of the platform's own queue."""
    longest = OrgId(2**53), WebhookId("0" * 24)
    return isinstance(said, str) and TOPIC.fullmatch(_named(said, *longest)) is not None


def not_published(connection: Connection, topic: str) -> str | None:
    """Why no webhook may write to the topic over the connection; None if it may. The topic of the
    platform's own queue is the operator's choice."""
    allowed = connection.fields.get(PUBLISHES)
    if allowed is None:
        return None
    patterns = allowed if isinstance(allowed, list) else []
    if any(isinstance(one, str) and fnmatchcase(topic, one) for one in patterns):
        return None
    return (
        f"The topic must be one that the connection {connection.name} is for; got {topic}. Name "
        f"another one, or ask the operator to add it to {PUBLISHES} of the connection."
    )


def _named(topic: str, org: OrgId, webhook: WebhookId) -> str:
    return topic.replace("{org}", str(org)).replace("{webhook}", webhook)
