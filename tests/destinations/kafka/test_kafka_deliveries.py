"""From accepted events to the records of a real Kafka, by a service as an operator runs it."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.trials.kafka import KafkaTrial, records_of
from tests.destinations.trials.ledger import restarted_on_the_way
from tests.e2e.harness import fixtures
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.loops.given_time import given_time
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject

own_service, receiver = fixtures.own_service, fixtures.receiver
pytestmark = pytest.mark.systems
EVENTS = 2000
# As the original lists them.
LISTED = {
    "orgId": ORG,
    "active": True,
    "eventNames": ["pointsIssued"],
    "webHookType": "QUEUE_INT",
    "webHookUrl": "",
    "methodType": "POST",
    "webHookHeaders": {},
    "maxAllowedConnections": 10,
    "slaInSeconds": 0,
    "noOfRetryAttempts": 0,
}
NewService = Callable[..., ServiceProcess]


@pytest.fixture
def subject(broker: KafkaServer) -> KafkaSubject:
    made = KafkaSubject(broker)
    asyncio.run(made.make_topic())
    return made


@pytest.fixture
def api(own_service: NewService, subject: KafkaSubject, tmp_path: Path) -> Iterator[Api]:
    """A service whose default connection has the topic."""
    file = tmp_path / "connections.toml"
    file.write_text(
        f'[main]\ntype = "kafka"\norgs = "all"\nservers = "{subject.server.servers}"\n'
        f'default = true\ntopic = "{subject.topic}"\npublishes = ["events.*"]\n'
    )
    with own_service(connections=file).start().api(ORG) as made:
        yield made


def records(subject: KafkaSubject) -> list[Any]:
    return asyncio.run(records_of(subject.server, subject.topic))


def _arrived(receiver: Receiver, path: str, id: str) -> bool:
    return id in receiver.known_ids(path)


def headers_of(record: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def test_nothing_is_lost_and_each_key_keeps_its_order_whatever_is_killed(
    own_service: NewService, broker: KafkaServer, tmp_path: Path
) -> None:
    """The broker is killed and started again, and the service is."""
    trial = KafkaTrial(broker)
    ledger = restarted_on_the_way(own_service, trial, tmp_path, EVENTS, kills=True)
    assert (ledger.lost, ledger.out_of_order) == (0, 0)
    assert ledger.repeats < EVENTS / 2, "most come once"


def test_the_originals_queue_webhooks_are_told_by_the_default_connection(
    api: Api, subject: KafkaSubject
) -> None:
    hooks = [
        api.send("POST", "/v3/webHooks", LISTED | {"name": name}).must(200)["data"]
        for name in ("engage", "coupons")
    ]
    assert all(hook["warning"] is None and hook["webHookUrl"] == "" for hook in hooks)
    sent = new_id()
    api.accept(event(sent, ORG))
    for hook in hooks:
        settled = api.settled(sent, hook)
        assert settled["state"] == "delivered" and "accepted it" in settled["advice"]
    found = records(subject)
    assert [json.loads(row.value)["eventId"] for row in found] == [sent, sent]
    assert headers_of(found[0])["tidings-event"] == "pointsIssued"
    shown = api.settled(sent, hooks[0])["attemptList"][0]["request"]
    assert shown["method"] == "PRODUCE"
    names = {row["name"] if isinstance(row, dict) else row[0] for row in shown["headers"]}
    assert set(headers_of(found[0])) == {name.lower() for name in names}


def test_the_key_of_a_record_is_shown_as_it_went(api: Api, subject: KafkaSubject) -> None:
    place: dict[str, Any] = {"webHookType": "KAFKA", "connection": "main"}
    place["kafka"] = {"topic": subject.topic}
    hook, sent = api.webhook("", ordering="key", **place), new_id()
    api.accept(event(sent, ORG))
    request = api.settled(sent, hook)["attemptList"][0]["request"]
    [record] = records(subject)
    assert len(record.key) == 16
    assert {"name": "kafka-key", "value": record.key.decode()} in request["headers"]


def test_what_a_webhook_asks_for_holds_over_kafka_too(api: Api, subject: KafkaSubject) -> None:
    """A test message, a filter, fewer fields, a preview and a replay."""
    place: dict[str, Any] = {"webHookType": "KAFKA", "connection": "main"}
    place["kafka"] = {"topic": subject.topic}
    hook = api.webhook(
        "",
        filter={"path": "data.totalPointsIssued", "gte": 50},
        fields={"drop": ["data.programLifetimePoints"]},
        ordering="key",
        **place,
    )
    assert hook["kafka"] == {"topic": subject.topic}
    tested = api.send("POST", f"/v1/webHooks/{hook['webHookId']}/test", {}).must(200)
    assert tested["delivered"] and tested["request"]["method"] == "PRODUCE"
    assert tested["advice"].startswith("The receiver accepted it")
    few, many = new_id(), new_id()
    api.accept(event(few, ORG, points="5.0"))
    api.accept(event(many, ORG, points="66.0"))
    assert api.settled(many)["state"] == "delivered"
    assert api.event(few)["deliveries"] == []
    replay = {"webHookId": hook["webHookId"], "eventIds": [many], "states": ["delivered"]} | {
        "again": True
    }
    api.send("POST", "/v1/replays", replay).must(201)
    until(lambda: len(records(subject)) == 3, "a test, an event, and its replay")
    test, first, again = sorted(records(subject), key=lambda one: one.timestamp)
    assert headers_of(test)["tidings-test"] == "true"
    assert first.value == again.value and json.loads(first.value)["eventId"] == many
    assert first.key is not None and len(first.key) == 16 and first.key == again.key
    assert "tidings-replay" in headers_of(again)
    preview = api.send("POST", "/v1/webHooks/preview", {"webHookId": hook["webHookId"]}).must(200)
    assert preview["received"] == 1


def test_a_topic_that_the_connection_is_not_for_is_refused(api: Api) -> None:
    body = {"webHookType": "KAFKA", "connection": "main", "kafka": {"topic": "secrets"}}
    made = LISTED | {"name": "crm", "webHookUrl": None} | body
    refused = api.send("POST", "/v3/webHooks", made)
    assert refused.status == 400 and "outside_connection" in str(refused.json)


def test_a_broker_that_is_down_is_left_alone_and_delays_nobody_else(
    api: Api, subject: KafkaSubject, receiver: Receiver
) -> None:
    hook = api.webhook("", "queue", webHookType="QUEUE_INT", ordering="key")
    path = receiver.path()
    beside = api.webhook(receiver.url(path), "beside")
    first = [new_id() for _ in range(20)]
    for text in first:
        api.accept(event(text, ORG))
    api.drained()
    subject.server.kill()
    try:
        waiting = [new_id() for _ in range(60)]
        taken = []
        with given_time() as given:
            for text in waiting:
                began = time.monotonic()
                api.accept(event(text, ORG))
                until(partial(_arrived, receiver, path, text), "it at the receiver")
                taken.append(given.since(began))
        assert statistics.median(taken) < 1.0
        shown = f"/v3/webHooks/{hook['webHookId']}"
        until(
            lambda: api.get(shown).must(200)["data"]["condition"] == "held up",
            "a webhook that waits for its connection",
        )
        [delivery] = [
            row
            for row in api.event(waiting[0])["deliveries"]
            if row["webHookId"] == hook["webHookId"]
        ]
        advice = api.delivery(delivery["id"])["advice"]
        assert "cannot be used now" in advice and "127.0.0.1" not in advice
    finally:
        subject.server.start()
    until(
        lambda: (
            {json.loads(record.value)["eventId"] for record in records(subject)}
            >= {*first, *waiting}
        ),
        "all that waited",
    )
    assert beside
