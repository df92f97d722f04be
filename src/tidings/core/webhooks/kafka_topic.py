"""Where on a Kafka cluster the messages of a webhook go: the declaration of its fields. Pure."""

import re
from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.kinds import named, whole

TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")


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


KAFKA_TOPIC = whole(KafkaTopic, '{"topic": "crm.loyalty"}')
