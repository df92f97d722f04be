"""Two sources of one name and one topic, of orgs in two cells: each brings all of it, whatever
becomes of the other one, and goes on at its place where its org goes."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService, own_service, receiver
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tests.sources.trials.books import data_of
from tests.systems.cells.by_hand import SECOND_CELL, owners, settings_of
from tests.systems.cells.hosted import BOTH, begin_move, moving, workers
from tests.systems.cells.served_cells import Installation
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId

__all__ = ["own_service", "receiver"]
pytestmark = pytest.mark.systems
IN_FLIGHT = 16
MESSAGES = 200  # at a time


class Topic:
    """One topic, and all that was produced to it."""

    def __init__(self, server: KafkaServer) -> None:
        self._subject = KafkaSubject(server)
        asyncio.run(self._subject.make_topic())
        self.name = self._subject.topic
        self.ids: set[str] = set()

    def produce(self) -> None:
        """Produce messages that each have an id of their own."""
        messages = []
        for number in range(MESSAGES):
            id = new_id()
            self.ids.add(id)
            event = {"eventId": id, "eventName": "pointsIssued", "data": data_of(number % 7, 1)}
            messages.append((f"k{number % 7}", (), json.dumps(event).encode()))
        asyncio.run(self._subject.produce_all(messages))


@pytest.fixture
def topic(server: KafkaServer) -> Iterator[Topic]:
    yield Topic(server)


@pytest.fixture
def installation(
    server: KafkaServer, own_service: NewService, receiver: Receiver, topic: Topic, tmp_path: Path
) -> Installation:
    """An org in each of two cells, with a source of one name and topic."""
    connections = tmp_path / "connections.toml"
    connections.write_text(f'[main]\ntype = "kafka"\nservers = "{server.servers}"\n')
    made = Installation(own_service(connections=connections), receiver)
    made.begin()
    kafka = {"topics": [topic.name]}
    body = {"name": "loyalty", "type": "kafka", "connection": "main", "kafka": kafka}
    for org in made.orgs.values():
        made.asked("POST", "/v1/sources", body, org=org, status=201)
    return made


def arrives(installation: Installation, cell: CellId, topic: Topic) -> None:
    """See that all that was produced was brought to an org, each accepted once."""
    until(lambda: {*installation.sent(cell)} >= topic.ids, "all of the topic")
    counts = Counter(installation.sent(cell))
    assert counts.keys() == topic.ids
    assert counts.total() - len(counts) <= IN_FLIGHT
    found = installation.asked("GET", "/v1/sources/loyalty", org=installation.orgs[cell])
    assert found["asideMessages"] == 0


def duplicates(installation: Installation, cell: CellId) -> int:
    """Count the messages that a source has brought again, by what its cell knows."""
    found = installation.asked("GET", "/v1/sources/loyalty", org=installation.orgs[cell])
    return int(found["lastHour"]["duplicate"])


@pytest.mark.timeout(400)
def test_two_sources_of_one_name_and_topic_each_bring_all_of_it_to_their_cell(
    installation: Installation, topic: Topic
) -> None:
    host = installation.host
    topic.produce()
    for cell in BOTH:
        arrives(installation, cell, topic)
        assert duplicates(installation, cell) == 0

    before = owners(settings_of(host))
    workers(host)[SECOND_CELL].send_signal(signal.SIGKILL)
    topic.produce()
    for cell in BOTH:
        arrives(installation, cell, topic)
    now = owners(settings_of(host))
    assert now[FIRST_CELL] == before[FIRST_CELL] and now[SECOND_CELL] != before[SECOND_CELL]
    assert duplicates(installation, FIRST_CELL) == 0, "it has noticed nothing"

    moved = OrgId(installation.orgs[SECOND_CELL])
    assert begin_move(host, moved, SECOND_CELL, FIRST_CELL)
    topic.produce()
    until(lambda: installation.placed()[moved] == FIRST_CELL, "the org in the other cell")
    topic.produce()
    until(lambda: not moving(host), "the end of the move")
    topic.produce()
    for cell in BOTH:
        arrives(installation, cell, topic)
    assert duplicates(installation, SECOND_CELL) < MESSAGES, "it has not begun anew"
    assert host.stop() == 0
