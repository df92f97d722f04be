"""The driver of actions for the suite of all drivers: its acts go to the receiver of another one.

Where a test of the suite makes a webhook, an action that leads to the same place stands for it, and
the bytes of a message are what shaping has made of an event for it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.destinations.conformance.subject import Bench, Driver, Got, Says
from tests.egress.support import DEV, Names, at
from tidings.core.actions.action import (
    Act,
    Action,
    HttpCall,
    KafkaRecordAct,
    MailAct,
    NewEvents,
    PathValue,
    Plain,
    TableRowAct,
    TemplatedText,
)
from tidings.core.actions.rendered_act import (
    Made,
    MadeCall,
    MadeEvents,
    MadeMail,
    MadeRecord,
    MadeRow,
    bytes_of,
    made_in,
)
from tidings.core.connections.connection import Connection, Connections
from tidings.core.delivery.exchange import AttemptResult
from tidings.core.delivery.waits import NotYet
from tidings.core.webhooks.targets import mailing
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import ACTION, EMAIL, KAFKA, KINDS, SQL
from tidings.destinations.action.driver import ActionDestination
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.destinations.port import Channel, Destination, Headers, Message, MessagePreview
from tidings.egress.address import parse_target
from tidings.egress.port import ReceiverAddress
from tidings.egress.sender import HttpSender

NAMES = ("mail", "mute", "crm", "nowhere", "main")  # of the connections of all benches
OPS = "ops@brand.example"


def target_of(url: str) -> ReceiverAddress:
    """As the service does in development."""
    return parse_target(url, allow_http=True)


def act_for(webhook: Webhook) -> Act:
    """What leads where the webhook does."""
    if webhook.kind == EMAIL:
        return MailAct(webhook.connection, (Plain(OPS),), TemplatedText("{{ subject }}"))
    if webhook.kind == SQL and webhook.sql is not None:
        values = {"body": PathValue("event"), "text": PathValue("event")}
        return TableRowAct(webhook.connection, webhook.sql.table, values)
    if webhook.kind == KAFKA and webhook.kafka is not None:
        return KafkaRecordAct(webhook.connection, webhook.kafka.topic)
    headers = tuple((name, Plain(value)) for name, value in webhook.headers)
    return HttpCall(
        webhook.method,
        webhook.url,
        {},
        headers=headers,
        credential=webhook.authentication,
    )


def made_for(act: Act, body: bytes, id: str) -> Made:
    """What shaping makes of bytes. `id`: of the message, by which the suite knows it."""
    match act:
        case MailAct():
            mail = mailing.ShapedMail((OPS,), "pointsIssued", body.decode())
            return Made(MadeMail(mail))
        case TableRowAct():
            return Made(MadeRow({"body": msgspec.Raw(body), "text": msgspec.Raw(body)}))
        case KafkaRecordAct():
            return Made(MadeRecord(body.decode()))
        case NewEvents():
            return Made(MadeEvents(body.decode()))
    headers = (("content-type", "application/json"), ("webhook-id", id))
    return Made(MadeCall(act.method, act.url, headers, body.decode()))


class Inner:
    """See `tidings.destinations.port.Driver`: the destination of another bench."""

    def __init__(self, destination: Destination) -> None:
        self.carried = destination.carried
        self.show = destination.show
        self._destination = destination

    def open(self, webhook: Webhook, connection: Connection | None) -> Channel:
        return self._destination.open(webhook)


class ActionBench:
    """See `Bench`; it is its own destination."""

    def __init__(self, inner: Bench, sender: HttpSender) -> None:
        self._inner = inner
        self._actions: dict[str, Action] = {}
        driver = Inner(getattr(inner, "plain", inner.destination))
        kind = KINDS[inner.webhook().kind].connection or ""
        connections = Connections(Connection(name, kind, {"recipients": "any"}) for name in NAMES)
        proofs = Proofs(asking_over(sender, target_of), lambda: 0.0)
        drivers = dict.fromkeys((EMAIL, SQL, KAFKA), driver)
        made = ActionDestination(
            self._actions, drivers, connections, sender, target_of, proofs, lambda: 0.0
        )
        self._by_kind = DriverDispatch({ACTION: made}, Connections())

    @property
    def destination(self) -> Destination:
        return self

    @property
    def got(self) -> list[Got]:
        return self._inner.got

    def webhook(self, **fields: Any) -> Webhook:
        return self._as_action(self._inner.webhook(**fields))

    def nowhere(self) -> Webhook:
        return self._as_action(self._inner.nowhere())

    def says(self, *said: Says) -> None:
        self._inner.says(*said)

    def open(self, webhook: Webhook) -> Channel:
        return AsMade(self._by_kind.open(webhook), self._actions[webhook.name].act)

    def carried(self, webhook: Webhook) -> Headers:
        return self._by_kind.carried(webhook)

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return self._by_kind.show(webhook, headers, body, key)

    def _as_action(self, webhook: Webhook) -> Webhook:
        name = f"action-{len(self._actions)}"
        self._actions[name] = Action(name, ("a",), {"": act_for(webhook)})
        bare: dict[str, Any] = {"kafka": None, "sql": None, "email": None, "authentication": None}
        return msgspec.structs.replace(
            webhook, kind=ACTION, name=name, url="", connection="", headers=(), **bare
        )


class AsMade:
    """A channel whose messages are made as shaping makes them."""

    def __init__(self, inner: Channel, act: Act) -> None:
        self.close = inner.close
        self.follow = inner.follow
        self._inner = inner
        self._act = act

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        body = bytes_of(made_for(self._act, message.body, message.id))
        assert made_in(body) is not None
        made: Any = WithBody(message, body)
        return await self._inner.send(made)


class WithBody:
    """A message with other bytes."""

    def __init__(self, message: Message, body: bytes) -> None:
        self.body = body
        self._message = message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


class ActionsOver:
    """See `Driver` of the suite."""

    def __init__(self, inner: Driver, *secrets: dict[str, Any]) -> None:
        """`inner`: the driver on trial whose receiver is acted on; `secrets` beside its own."""
        self.inner = inner
        self.says = inner.says
        self.secrets = (*inner.secrets, *secrets)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        sender = HttpSender(DEV, Names(at("127.0.0.1")))
        async with self.inner.run() as inner:
            yield ActionBench(inner, sender)
        await sender.close()
