"""The drivers that the suite runs for: the one place in it that names any."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from tests.destinations.action.on_trial import ActionsOver
from tests.destinations.conformance.subject import SECRET, Bench, Driver, Got, Says
from tests.destinations.email.mail_server import MailServer, mail_server
from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.destinations.kafka.bench import KafkaOnTrial
from tests.destinations.messages import hook
from tests.destinations.sql.bench import Sql
from tests.egress.support import DEV, Names, at
from tidings.core.connections.connection import Connections
from tidings.core.delivery.exchange import AttemptResult
from tidings.core.delivery.waits import NotYet
from tidings.core.webhooks.authentication import ApiKey
from tidings.core.webhooks.targets.mailing import Mailing, ShapedMail
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import EMAIL, HTTP
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.http.driver import HttpDestination
from tidings.destinations.port import Channel, Destination, Headers, Message, MessagePreview
from tidings.egress.address import parse_target
from tidings.egress.port import ReceiverAddress
from tidings.egress.sender import HttpSender

STATUSES = {Says.TAKES: 200, Says.BUSY: 503, Says.REFUSES: 400, Says.LEFT: 410, Says.NOTHING: 0}


class HttpBench:
    """Over a real sender, to a receiver on loopback."""

    def __init__(self, receiver: HttpReceiver, destination: HttpDestination) -> None:
        self.destination: Destination = DriverDispatch({HTTP: destination}, Connections())
        self.got: list[Got] = []
        self._receiver = receiver
        self._said = [Says.TAKES]
        self._mute = socket.socket()  # nobody listens at it
        self._mute.bind(("127.0.0.1", 0))
        receiver.answer = self._answer

    def webhook(self, **fields: Any) -> Webhook:
        return hook(self._receiver.url("/hook"), **fields)

    def nowhere(self) -> Webhook:
        return hook(f"http://127.0.0.1:{self._mute.getsockname()[1]}/")

    def close(self) -> None:
        self._mute.close()

    def says(self, *said: Says) -> None:
        self._said = list(said)

    def _answer(self, exchange: Exchange) -> None:
        self.got.append(Got(exchange.headers, exchange.body))
        said = self._said.pop(0) if len(self._said) > 1 else self._said[0]
        exchange.status = STATUSES[said]
        exchange.says(str(exchange.headers).encode())  # whatever was sent comes back
        exchange.more["x-echo"] = str(exchange.headers)


class Http:
    """The driver of HTTP."""

    says = tuple(Says)
    secrets = (
        {"headers": (("X-Key", SECRET),)},
        {"headers": (("Authorization", f"Bearer {SECRET}"),)},
    )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        sender = HttpSender(DEV, Names(at("127.0.0.1")))
        with HttpReceiver() as receiver:
            bench = HttpBench(receiver, HttpDestination(sender, _target, lambda: 0.0))
            yield bench
            bench.close()
        await sender.close()


class EmailBench:
    """Over a real mail server. A message is what shaping makes of an event: an e-mail."""

    def __init__(self, server: MailServer) -> None:
        self.plain: Destination = server.destination()
        self.destination: Destination = AsEmails(self.plain)
        self._server = server
        self._said = [Says.TAKES]
        self._ended = asyncio.Event()
        server.says, server.stays = self._answer, self._stay

    @property
    def got(self) -> list[Got]:
        """The e-mails that have arrived."""
        return [
            Got(
                {name.lower(): str(value) for name, value in pair.message.items()},
                pair.text.encode(),
            )
            for pair in self._server.came
        ]

    def webhook(self, **fields: Any) -> Webhook:
        return self._leads("mail", **fields)

    def nowhere(self) -> Webhook:
        return self._leads("mute")

    def says(self, *said: Says) -> None:
        self._said = list(said)

    def close(self) -> None:
        self._ended.set()

    def _leads(self, connection: str, **fields: Any) -> Webhook:
        mailing = Mailing(("ops@brand.example",))
        return hook(
            f"email://{connection}/", kind=EMAIL, connection=connection, email=mailing, **fields
        )

    async def _stay(self) -> None:
        if self._said[0] is Says.NOTHING:
            self._next()
            await self._ended.wait()

    def _answer(self, command: str, about: str) -> str | None:
        if command != "DATA":
            return None
        said = self._next()
        return CODES.get(said)

    def _next(self) -> Says:
        return self._said.pop(0) if len(self._said) > 1 else self._said[0]


class AsEmails:
    """A destination that makes e-mails of its messages, as shaping does: their bytes as text."""

    def __init__(self, inner: Destination) -> None:
        self._inner = inner

    def open(self, webhook: Webhook) -> Channel:
        return AsEmail(self._inner.open(webhook))

    def carried(self, webhook: Webhook) -> Headers:
        return self._inner.carried(webhook)

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return self._inner.show(webhook, headers, body, key)


class AsEmail:
    """One of its channels."""

    def __init__(self, inner: Channel) -> None:
        self.close = inner.close
        self.follow = inner.follow
        self._inner = inner

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        mail = ShapedMail(("ops@brand.example",), "pointsIssued", message.body.decode())
        made: Any = Mailed(message, msgspec.json.encode(mail))
        return await self._inner.send(made)


class Mailed:
    """A message with other bytes."""

    def __init__(self, message: Message, body: bytes) -> None:
        self.body = body
        self._message = message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


CODES = {Says.BUSY: "451 4.3.0 later", Says.REFUSES: "554 5.6.0 never"}


class Email:
    """The driver of EMAIL. SMTP has no answer that means: nor any other."""

    says = (Says.TAKES, Says.BUSY, Says.REFUSES, Says.NOTHING)
    secrets: tuple[dict[str, Any], ...] = ()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Bench]:
        async with mail_server() as server:
            bench = EmailBench(server)
            yield bench
            bench.close()


def _target(url: str) -> ReceiverAddress:
    return parse_target(url, allow_http=True)


DRIVERS: dict[str, Driver] = {
    "http": Http(),
    "kafka": KafkaOnTrial(),
    "sql": Sql(),
    "email": Email(),
    "call": ActionsOver(Http(), {"authentication": ApiKey("X-Api-Key", SECRET)}),
    "record": ActionsOver(KafkaOnTrial()),
    "row": ActionsOver(Sql()),
    "mail": ActionsOver(Email()),
}
MARKS = {"kafka": pytest.mark.systems, "record": pytest.mark.systems}
"""Of those whose server is more than Python packages."""


def served(driver: Driver, request: pytest.FixtureRequest) -> Driver:
    """Give it the server that all its tests share, where it needs one."""
    inner = driver.inner if isinstance(driver, ActionsOver) else driver
    if isinstance(inner, KafkaOnTrial):
        inner.server = request.getfixturevalue("broker")
    return driver


def on_trial(name: str, *more: Any) -> Any:
    """A driver, and what a test tries with it, as the parameters of that test."""
    label = "-".join((name, *(row.name for row in more)))
    return pytest.param(DRIVERS[name], *more, id=label, marks=MARKS.get(name, ()))
