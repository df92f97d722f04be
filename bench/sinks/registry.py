"""The sinks by the type of webhook that leads there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from bench.sinks.processes import mails, reader
from bench.sinks.sink import Sink
from bench.sinks.table import table
from bench.sinks.topic import queue, topic
from tidings.core.webhooks.webhook_types import EMAIL, KAFKA, PULL, QUEUE, SQL

SINKS: dict[str, Callable[[Path], AbstractContextManager[Sink]]] = {
    QUEUE: queue,
    KAFKA: topic,
    EMAIL: mails,
    SQL: table,
    PULL: reader,
}
"""Those that are no receivers of HTTP: plain webhooks and actions that call have the bench's."""
