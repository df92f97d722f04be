"""A scripted broker for the programs that a test starts."""

import asyncio
import json
import threading

from tests.sources.kafka.scripted import ScriptedBroker

TOPIC = "loyalty.events"


class BrokerThread:
    """A scripted broker with one topic, in a loop of its own."""

    def __init__(self) -> None:
        self.broker = ScriptedBroker()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.broker.start(), self._loop).result(10)
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
        asyncio.run_coroutine_threadsafe(self.broker.die(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
