"""From a real Kafka to accepted events, with everything killed on the way."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as PlainBatchBuilder

from tests.e2e.events.org_log import log_of, stopped
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until
from tests.sources.kafka.cluster import KafkaCluster
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tests.sources.trials.books import data_of
from tests.sources.trials.kafka import kafka_trial, served

__all__ = ["own_service"]
pytestmark = pytest.mark.systems
MESSAGES = 5000


async def test_each_message_is_accepted_once_in_the_order_of_its_key_whatever_is_killed(
    server: KafkaServer, own_service: NewService, tmp_path: Path
) -> None:
    """The service is killed twice, and the broker is killed and started again. The long form is a
    figure."""
    books = await asyncio.to_thread(kafka_trial, own_service, server, tmp_path, MESSAGES)
    assert books.events == MESSAGES
    assert books.accepted == books.due


async def test_of_three_brokers_one_is_killed_and_another_takes_over(
    own_service: NewService, tmp_path: Path
) -> None:
    """It led a third of the partitions, and does not come again; the service is killed twice."""
    directory = tmp_path / "brokers"
    directory.mkdir()
    cluster = await asyncio.to_thread(KafkaCluster, directory)
    try:
        await asyncio.to_thread(cluster.start)
        books = await asyncio.to_thread(kafka_trial, own_service, cluster, tmp_path, MESSAGES)
    finally:
        cluster.end()
    assert books.events == MESSAGES
    assert books.accepted == books.due


class RawName(str):
    """A header's name that goes to the broker as other bytes."""

    raw: bytes = b"\xff\xfe"

    def encode(self, *_: str) -> bytes:
        return self.raw


async def test_a_header_name_that_is_not_utf8_puts_its_message_aside_and_the_rest_goes_on(
    server: KafkaServer,
    own_service: NewService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As another client writes it: the broker takes any bytes for a name."""
    subject = KafkaSubject(server, partitions=1)
    await subject.make_topic()
    service = await asyncio.to_thread(served, own_service, subject, tmp_path)
    for module in (message_accumulator, producer):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", PlainBatchBuilder)
    body = json.dumps({"eventName": "pointsIssued", "data": data_of(7, 1)}).encode()
    odd = (RawName("odd"), "1")
    await subject.produce_all(
        [("k", (), body), ("k", [odd], body), ("k", [("fine", "1"), odd], body), ("k", (), body)]
    )
    await subject.produce_all([("k", (), body)], compression_type="gzip")

    def look() -> None:
        with service.api(ORG) as api:
            of_ours = "/v1/events?eventName=pointsIssued"
            until(lambda: len(api.get(of_ours).must(200)["events"]) == 3, "what is well")
            shown = partial(api.get, "/v1/sources/loyalty")
            until(lambda: shown().must(200)["asideMessages"] == 2, "what is set aside, counted")
            assert shown().must(200)["trouble"] is None
            aside = api.get("/v1/sources/loyalty/aside").must(200)["messages"]
            assert all("UTF-8" in json.dumps(message) for message in aside)
            assert {message["place"].rpartition("/")[2] for message in aside} == {"1", "2"}

    await asyncio.to_thread(look)


async def test_a_webhook_that_writes_to_the_topic_of_a_source_ends_by_itself(
    server: KafkaServer, own_service: NewService, tmp_path: Path
) -> None:
    """What comes back from the broker is an event for the third time, and goes nowhere."""
    subject = KafkaSubject(server, partitions=1)
    await subject.make_topic()
    mapping = {"eventName": {"constant": "pointsIssued"}, "data": {"path": "data"}}
    service = await asyncio.to_thread(served, own_service, subject, tmp_path, mapping=mapping)
    body = json.dumps({"eventName": "pointsIssued", "data": data_of(7, 1)}).encode()

    def follow() -> list[dict[str, Any]]:
        with service.api(ORG) as api:
            for number in range(3):
                api.webhook(
                    "",
                    f"loop-{number}",
                    webHookType="KAFKA",
                    connection="main",
                    kafka={"topic": subject.topic},
                )
            asyncio.run(subject.produce_all([("k", (), body)]))
            until(lambda: len(stopped(log_of(api))) >= 9, "the end of the loop")
            api.drained()
            return log_of(api)

    rows = await asyncio.to_thread(follow)
    assert len(rows) == 1 + 3 + 9 and len(stopped(rows)) == 9
