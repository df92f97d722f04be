"""A scripted broker for the programs that a test starts."""

import json

from tests.loops.threads import LoopThread
from tests.sources.kafka.scripted import ScriptedBroker

TOPIC = "loyalty.events"


class BrokerThread:
    """A scripted broker with one topic, in a loop of its own."""

    def __init__(self) -> None:
        self.broker = ScriptedBroker()
        self._thread = LoopThread()
        self._thread.run(self.broker.start())
        self.topic = self.broker.make_topic(TOPIC)

    @property
    def connection(self) -> str:
        """The operator's file, by which the topic is the platform's own queue."""
        return (
            f'[main]\ntype = "kafka"\norgs = "all"\nservers = "{self.broker.servers}"\n'
            f'default = true\ntopic = "{TOPIC}"\npublishes = ["loyalty.*"]\n'
        )

    def ids(self) -> list[str]:
        """Ids of the events that the topic has, in order."""
        records = self.topic.partitions[0].records()
        return [json.loads(record)["eventId"] for record in records if record]

    def stop(self) -> None:
        """End the broker and its loop."""
        self._thread.run(self.broker.die())
        self._thread.close()
