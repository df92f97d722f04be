"""Mails, rows and records of actions, with real servers: what arrives, and what is shown."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import pytest

from tests.destinations.action.on_trial import target_of
from tests.destinations.email.mail_server import mail_server
from tests.destinations.kafka.bench import SETTLED_S
from tests.destinations.messages import HOPS, TestMessage, hook
from tests.destinations.trials.kafka import records_of
from tests.egress.support import DEV, Names, at
from tests.postgres_server import shared_server
from tests.sources.kafka.server import KafkaServer
from tests.sources.kafka.subject import KafkaSubject
from tidings.core.actions.action import (
    Act,
    Action,
    KafkaRecordAct,
    MailAct,
    PathValue,
    Plain,
    TableRowAct,
    TemplatedText,
)
from tidings.core.actions.rendered_act import Made, MadeMail, MadeRecord, MadeRow, bytes_of
from tidings.core.actions.rendering import made_of
from tidings.core.connections.connection import Connection, Connections
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.exact_json import read_exactly
from tidings.core.webhooks.targets import mailing
from tidings.core.webhooks.webhook_types import ACTION, EMAIL, KAFKA, SQL
from tidings.destinations.action.driver import ActionDestination
from tidings.destinations.email.driver import EmailDestination
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.destinations.kafka.driver import KafkaDestination
from tidings.destinations.port import Driver
from tidings.destinations.sql.driver import SqlDestination
from tidings.egress.sender import HttpSender

WEBHOOK = hook("", kind=ACTION, name="act")
MAIL = mailing.ShapedMail(("asha@brand.example",), "Welcome, Asha", "Hello", "<p>Hello</p>")


@asynccontextmanager
async def driving(act: Act, connections: Connections) -> Any:
    """The driver with one action, over the real drivers."""
    sender = HttpSender(DEV, Names(at("127.0.0.1")))
    drivers: Mapping[str, Driver] = {
        EMAIL: EmailDestination(connections, lambda org, address: False),
        SQL: SqlDestination(connections),
        KAFKA: KafkaDestination(time.time),
    }
    proofs = Proofs(asking_over(sender, target_of), lambda: 0.0)
    actions = {"act": Action("act", ("a",), {"": act})}
    yield ActionDestination(actions, drivers, connections, sender, target_of, proofs, lambda: 0.0)
    await sender.close()


async def sent(driver: ActionDestination, *made: Any, **more: Any) -> list[AttemptResult]:
    """What comes of messages."""
    channel = driver.open(WEBHOOK, None)
    results = []
    for number, row in enumerate(made):
        message = TestMessage(bytes_of(Made(row)), **more)
        message.id = f"msg_{number}"
        result = await channel.send(message)
        assert isinstance(result, AttemptResult)
        results.append(result)
    await channel.close()
    return results


def words(result: AttemptResult) -> str:
    return result.ending.detail


# -- mails ----------------------------------------------------------------------------------------


def mail_action(connection: str = "mail") -> MailAct:
    return MailAct(connection, (TemplatedText("{{ contact.email }}"),), TemplatedText("Welcome"))


async def test_a_mail_goes_to_whom_the_action_says() -> None:
    async with mail_server() as server:
        connections = server.connections(recipients="any")
        async with driving(mail_action(), connections) as driver:
            [result] = await sent(driver, MadeMail(MAIL))
            body = bytes_of(Made(MadeMail(MAIL)))
            left = [("webhook-id", "msg_0"), ("webhook-signature", "v1,x")]
            shown = driver.show(WEBHOOK, left, body, None)
    assert result.verdict is DeliveryVerdict.DELIVERED
    [came] = server.came
    assert came.to == ["asha@brand.example"] and came.message["Subject"] == "Welcome, Asha"
    assert came.text == "Hello" and came.message["Message-ID"] == "<msg_0.1@brand.example>"
    assert came.message["webhook-signature"] is None
    assert shown.method == "SEND" and ("To", "asha@brand.example") in shown.headers
    assert shown.body == b"Hello" and "v1,x" not in repr(shown)


async def test_a_connection_that_asks_for_consent_is_none_for_actions() -> None:
    async with mail_server() as server:
        async with driving(mail_action(), server.connections()) as driver:
            [result] = await sent(driver, MadeMail(MAIL))
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.POLICY
    assert not result.unusable and result.verdict is DeliveryVerdict.AGAIN
    assert 'recipients = "any"' in words(result)
    assert server.came == []


async def test_a_dead_mail_server_is_told() -> None:
    async with mail_server() as server:
        connections = server.connections(recipients="any")
        async with driving(mail_action("mute"), connections) as driver:
            [result] = await sent(driver, MadeMail(MAIL))
    assert isinstance(result.ending, TransportFault) and not result.ending.sent
    assert words(result).endswith(".")


@pytest.mark.parametrize(
    ("connections", "said"),
    [
        (Connections(), "The connection mail of the action act must be declared"),
        (Connections([Connection("mail", "kafka", {})]), "must be of the type smtp"),
    ],
)
async def test_a_connection_that_is_not_there_or_another_is_told(
    connections: Connections, said: str
) -> None:
    async with driving(mail_action(), connections) as driver:
        [result] = await sent(driver, MadeMail(MAIL))
    assert said in words(result) and result.verdict is DeliveryVerdict.AGAIN
    assert result.unusable is (not connections), "one of another type is no fault of that one"


async def test_what_was_made_for_something_else_is_not_done() -> None:
    async with mail_server() as server:
        connections = server.connections(recipients="any")
        async with driving(mail_action(), connections) as driver:
            [result] = await sent(driver, MadeRecord("{}"))
    assert result.verdict is DeliveryVerdict.NEVER and "Replay the event." in words(result)


# -- rows -----------------------------------------------------------------------------------------

DDL = """
CREATE TABLE points (
  customer text PRIMARY KEY, amount numeric, note text, card jsonb, plain json, at timestamptz,
  "odd.name[0]" text, kept text DEFAULT 'kept', event text)
"""
COLUMNS = ["customer", "amount", "note", "card", "plain", "at", "odd.name[0]", "kept"]
EVENT = b"""{"id": "c-1", "amount": 10.50, "huge": 123456789012345678901234567890.10,
 "card": {"no": 1.10, "tags": ["a", null]}, "at": "2026-11-28T08:00:00Z", "name": 
 "'; DROP TABLE"}"""
ROW: dict[str, Any] = {
    "customer": PathValue("event.id"),
    "amount": PathValue("event.amount"),
    "note": PathValue("event.nothing"),
    "card": PathValue("event.card"),
    "plain": PathValue("event.card"),
    "at": PathValue("event.at"),
    "odd.name[0]": PathValue("event.name"),
}


class Crm:
    """A database with a table."""

    def __init__(self) -> None:
        self.uri = shared_server().lend_database()
        self.sql(DDL)
        tables = {"points": {"columns": COLUMNS, "key": ["customer"], "id": "event"}}
        self.connections = Connections(
            [Connection("crm", "sql", {"dsn": self.uri, "tables": tables})]
        )

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.uri, autocommit=True) as line:
            cursor = line.execute(query.encode())
            return cursor.fetchall() if cursor.description else []


def row_of(row: TableRowAct, event: bytes = EVENT) -> MadeRow:
    made = made_of(row, [], {"event": read_exactly(event)})
    assert isinstance(made, MadeRow)
    return made


async def test_a_row_has_its_values_as_they_were_and_the_messages_id() -> None:
    crm, row = Crm(), TableRowAct("crm", "points", ROW)
    async with driving(row, crm.connections) as driver:
        [result] = await sent(driver, row_of(row))
        shown = driver.show(WEBHOOK, [("webhook-id", "msg_0")], bytes_of(Made(row_of(row))), None)
    assert result.verdict is DeliveryVerdict.DELIVERED
    assert crm.sql(
        "SELECT customer, amount::text, note, card::text, plain::text, at::text, "
        '"odd.name[0]", kept, event FROM points'
    ) == [
        (
            "c-1", "10.50", None, '{"no": 1.10, "tags": ["a", null]}',
            '{"no":1.10,"tags":["a",null]}', "2026-11-28 08:00:00+00", "'; DROP TABLE", "kept",
            "msg_0",
        )
    ]  # fmt: skip
    assert shown.method == "UPSERT" and msgspec.json.decode(shown.body)["event"] == "msg_0"


async def test_a_row_changes_only_the_columns_that_the_action_sets() -> None:
    crm = Crm()
    crm.sql("INSERT INTO points (customer, note, kept) VALUES ('c-1', 'old', 'mine')")
    values = {"customer": PathValue("event.id"), "amount": PathValue("event.huge")}
    row = TableRowAct("crm", "points", values)
    async with driving(row, crm.connections) as driver:
        await sent(driver, row_of(row), row_of(row))
    assert crm.sql("SELECT note, kept, amount::text FROM points") == [
        ("old", "mine", "123456789012345678901234567890.10")
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (TableRowAct("crm", "points", {"customer": Plain("c"), "strange": Plain(1)}), "strange"),
        (TableRowAct("crm", "points", {"note": Plain("c")}), "customer"),
        (TableRowAct("crm", "other", {"customer": Plain("c")}), "other"),
    ],
)
async def test_what_the_connection_does_not_declare_is_told(row: TableRowAct, said: str) -> None:
    crm = Crm()
    async with driving(row, crm.connections) as driver:
        [result] = await sent(driver, row_of(row))
    assert (
        said in words(result)
        and isinstance(result.ending, TransportFault)
        and not result.ending.sent
    )
    assert crm.sql("SELECT count(*) FROM points") == [(0,)]


async def test_a_row_without_its_key_or_of_the_wrong_kind_fails_for_good() -> None:
    crm, row = Crm(), TableRowAct("crm", "points", ROW)
    async with driving(row, crm.connections) as driver:
        results = await sent(
            driver,
            row_of(row, b'{"amount": 1}'),
            row_of(row, b'{"id": "c-2", "amount": "a lot"}'),
        )
    assert [result.verdict for result in results] == [DeliveryVerdict.NEVER, DeliveryVerdict.NEVER]
    assert "customer in values of the action" in words(results[0])
    assert crm.sql("SELECT count(*) FROM points") == [(0,)]


async def test_a_trial_leaves_no_row() -> None:
    crm, row = Crm(), TableRowAct("crm", "points", ROW)
    async with driving(row, crm.connections) as driver:
        [result] = await sent(driver, row_of(row), trial=True)
    assert result.verdict is DeliveryVerdict.DELIVERED
    assert crm.sql("SELECT count(*) FROM points") == [(0,)]


# -- records --------------------------------------------------------------------------------------


@pytest.mark.systems
async def test_a_record_has_the_actions_key_and_value_and_no_signature_of_another_body(
    broker: KafkaServer,
) -> None:
    class Signed(TestMessage):
        key = 255  # type: ignore[assignment]

        def headers_if_current(self, carried: Any) -> Any:
            headers = super().headers_if_current(carried)
            return None if headers is None else [*headers, ("webhook-signature", "v1,x")]

    async with KafkaSubject(broker) as subject:
        await asyncio.sleep(SETTLED_S)
        connections = Connections([Connection("main", "kafka", {"servers": broker.servers})])
        act = KafkaRecordAct(
            "main",
            subject.topic,
            key=TemplatedText("{{ event.id }}"),
            text=TemplatedText("{{ x }}"),
        )
        keyless = KafkaRecordAct("main", subject.topic)
        text, event = MadeRecord("Zoë,1", "c-1"), MadeRecord('{"eventName":"pointsIssued"}')
        bodies = [bytes_of(Made(record)) for record in (text, event)]
        shown = []
        for kafka_record_act, body in zip((act, keyless), bodies, strict=True):
            async with driving(kafka_record_act, connections) as driver:
                channel = driver.open(WEBHOOK, None)
                result = await channel.send(Signed(body))
                await channel.close()
                assert result is not None and result.verdict is DeliveryVerdict.DELIVERED
                assert isinstance(result.ending, ReceiverAnswer)
                left = [
                    ("content-type", "application/json"),
                    ("webhook-id", "msg_1"),
                    ("tidings-hops", HOPS),
                    ("webhook-signature", "v1,x"),
                ]
                shown.append(driver.show(WEBHOOK, left, body, 255))
        records = await records_of(broker, subject.topic)
    by_value = {record.value: record for record in records}
    first, second = by_value["Zoë,1".encode()], by_value[b'{"eventName":"pointsIssued"}']
    assert first.key == b"c-1" and second.key == b"00000000000000ff"
    assert [(name, value.decode()) for name, value in first.headers] == [
        ("content-type", "text/plain; charset=utf-8"), ("webhook-id", "msg_1"),
        ("tidings-hops", HOPS),
    ]  # fmt: skip
    assert [(name, value.decode()) for name, value in second.headers] == [
        ("content-type", "application/json"), ("tidings-event", "pointsIssued"),
        ("webhook-id", "msg_1"), ("tidings-hops", HOPS),
    ]  # fmt: skip
    for kafka_record_act, record in zip(shown, (first, second), strict=True):
        key = ("kafka-key", record.key.decode())
        sent_headers = [(name, value.decode()) for name, value in record.headers]
        assert kafka_record_act.method == "PRODUCE" and kafka_record_act.body == record.value
        assert kafka_record_act.headers == [key, *sent_headers]
