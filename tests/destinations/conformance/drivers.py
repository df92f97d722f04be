"""The drivers that the suite runs for: the one place in it that names any."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.destinations.conformance.subject import SECRET, Bench, Driver, Got, Says
from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.destinations.kafka.bench import KafkaOnTrial
from tests.destinations.messages import hook
from tests.destinations.sql.bench import Sql
from tests.egress.support import DEV, Names, at
from tidings.core.connections import Connections
from tidings.core.webhooks.kinds import HTTP
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.http.driver import HttpDestination
from tidings.destinations.port import Destination
from tidings.destinations.registry import ByKind
from tidings.egress.address import parse_target
from tidings.egress.port import Target
from tidings.egress.sender import HttpSender

STATUSES = {Says.TAKES: 200, Says.BUSY: 503, Says.REFUSES: 400, Says.LEFT: 410, Says.NOTHING: 0}


class HttpBench:
    """Over a real sender, to a receiver on loopback."""

    def __init__(self, receiver: HttpReceiver, destination: HttpDestination) -> None:
        self.destination: Destination = ByKind({HTTP: destination}, Connections())
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


def _target(url: str) -> Target:
    return parse_target(url, allow_http=True)


DRIVERS: dict[str, Driver] = {"http": Http(), "kafka": KafkaOnTrial(), "sql": Sql()}
MARKS = {"kafka": pytest.mark.systems}
"""Of those whose server is more than Python packages."""


def served(driver: Driver, request: pytest.FixtureRequest) -> Driver:
    """Give it the server that all its tests share, where it needs one."""
    if isinstance(driver, KafkaOnTrial):
        driver.server = request.getfixturevalue("broker")
    return driver


def on_trial(name: str, *more: Any) -> Any:
    """A driver, and what a test tries with it, as the parameters of that test."""
    label = "-".join((name, *(one.name for one in more)))
    return pytest.param(DRIVERS[name], *more, id=label, marks=MARKS.get(name, ()))
