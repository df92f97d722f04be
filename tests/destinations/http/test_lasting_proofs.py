"""Authentication that needs nothing fetched: a name and a password, or a key."""

from typing import Any

import pytest

from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.destinations.messages import TestMessage, hook
from tests.egress.support import DEV, Names, at
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.webhooks.authentication import ApiKey, Authentication, Basic
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.http.driver import HttpDestination
from tidings.egress.address import parse_target
from tidings.egress.sender import HttpSender

KEY = "key-0123456789abcdef"


async def exchanged(webhook: Webhook, receiver: HttpReceiver) -> tuple[Exchange, Any]:
    sender = HttpSender(DEV, Names(at("127.0.0.1")))
    destination = HttpDestination(
        sender, lambda url: parse_target(url, allow_http=True), lambda: 0.0
    )
    channel = destination.open(webhook, None)
    result = await channel.send(TestMessage())
    await channel.close()
    await sender.close()
    return receiver.seen[-1], result


@pytest.mark.parametrize(
    ("authentication", "name", "value"),
    [
        (Basic("Aladdin", "open sesame"), "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (Basic("ü", "§"), "authorization", "Basic w7w6wqc="),
        (ApiKey("X-Api-Key", KEY), "x-api-key", KEY),
    ],
)
async def test_it_is_a_header_of_every_request_and_stands_before_a_fixed_one(
    authentication: Authentication, name: str, value: str
) -> None:
    with HttpReceiver() as receiver:
        webhook = hook(
            receiver.url("/"), authentication=authentication, headers=((name.title(), "old"),)
        )
        seen, _ = await exchanged(webhook, receiver)
    assert seen.headers[name] == value


@pytest.mark.parametrize(
    ("authentication", "secret"),
    [(Basic("Aladdin", "open sesame"), "open sesame"), (ApiKey("X-Api-Key", KEY), KEY)],
)
async def test_a_secret_that_comes_back_is_not_kept(
    authentication: Authentication, secret: str
) -> None:
    def echo(exchange: Exchange) -> None:
        exchange.status = 400
        exchange.says(f"{exchange.headers} {secret}".encode())

    with HttpReceiver(echo) as receiver:
        webhook = hook(receiver.url("/"), authentication=authentication)
        _, result = await exchanged(webhook, receiver)
    assert isinstance(result.ending, ReceiverAnswer) and len(result.ending.body) > 100
    kept = result.ending.body.decode()
    assert secret not in kept and "QWxhZGRpbjpvcGVuIHNlc2FtZQ" not in kept
    assert secret not in repr(webhook) and secret not in repr(authentication)


def test_it_is_shown_without_its_secret() -> None:
    sender: Any = None
    destination = HttpDestination(sender, lambda url: parse_target(url, allow_http=True), float)
    for authentication in (Basic("a", "open sesame"), ApiKey("X-Api-Key", KEY)):
        shown = destination.carried(hook("https://x.example/", authentication=authentication))
        assert "open sesame" not in repr(shown) and KEY not in repr(shown)
        assert "…" in repr(shown)
