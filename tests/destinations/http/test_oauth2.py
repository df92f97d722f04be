"""OAuth 2.0 client credentials, from a real token endpoint to a real receiver."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from typing import Any

import msgspec
import pytest

from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.destinations.http.token_server import CLIENT, SECRET, TokenServer
from tests.destinations.messages import TestMessage, hook
from tests.egress.support import DEV, Names, at
from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.webhooks.authentication import OAuth2ClientCredentials
from tidings.destinations.http.authentication.oauth2 import ClientCredentialsProof
from tidings.destinations.http.driver import HttpChannel, HttpDestination
from tidings.egress.address import parse_target
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


class Receiving:
    """A receiver that takes the tokens that it is told to, and what it has seen of them."""

    def __init__(self, http: HttpReceiver) -> None:
        self.http = http
        self.takes: Callable[[str], bool] = lambda _: True
        self.seen: list[str] = []
        http.answer = self._answer

    def _answer(self, exchange: Exchange) -> None:
        came = exchange.headers.get("authorization", "")
        self.seen.append(came.removeprefix("Bearer "))
        exchange.status = 200 if self.takes(self.seen[-1]) else 401
        exchange.says(b"you sent " + came.encode())

    @property
    def numbers(self) -> list[str]:
        """Which tokens have come."""
        return [text.split("-")[1] for text in self.seen]


@pytest.fixture
def receiver() -> Iterator[Receiving]:
    with HttpReceiver() as http:
        yield Receiving(http)


@pytest.fixture
async def destination() -> AsyncIterator[HttpDestination]:
    async for destination in reaching(DEV):
        yield destination


async def reaching(policy: Policy) -> AsyncIterator[HttpDestination]:
    sender = HttpSender(policy, Names(at("127.0.0.1")))
    yield HttpDestination(sender, lambda url: parse_target(url, allow_http=True), lambda: 0.0)
    await sender.close()


def credentials(url: str, **more: Any) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(url, CLIENT, SECRET, **more)


def channel_of(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer, **more: Any
) -> HttpChannel:
    webhook = hook(
        receiver.http.url("/hook"),
        authentication=credentials(tokens.url, **more),
        connections_max=20,
        keep_answers=True,
    )
    return destination.open(webhook, None)


async def sent(channel: HttpChannel, **more: Any) -> AttemptResult:
    result = await channel.send(TestMessage(**more))
    assert result is not None
    return result


def fault_of(result: AttemptResult) -> TransportFault:
    ending = result.ending
    assert (
        isinstance(ending, TransportFault)
        and result.verdict is DeliveryVerdict.AGAIN
        and not ending.sent
    )
    assert SECRET not in repr(result)
    return ending


def later(channel: HttpChannel, by_s: float) -> None:
    """The clock of its tokens goes on by so much."""
    proof = channel._proof
    assert isinstance(proof, ClientCredentialsProof)
    proof._passed_s = lambda: monotonic() + by_s


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
async def test_a_token_is_fetched_once_and_sent_with_every_message(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer, way: Any
) -> None:
    channel = channel_of(
        destination,
        receiver,
        tokens,
        scope="events",
        audience="https://crm.example",
        client_authentication=way,
    )
    for _ in range(3):
        assert (await sent(channel)).verdict is DeliveryVerdict.DELIVERED
    await channel.close()
    assert receiver.numbers == ["1", "1", "1"] and tokens.questions == 1
    assert tokens.forms[0]["scope"] == "events"
    assert tokens.forms[0]["audience"] == "https://crm.example"


async def test_however_many_attempts_wait_for_a_token_it_is_asked_for_once(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    results = await asyncio.gather(*(sent(channel) for _ in range(20)))
    await channel.close()
    assert {result.verdict for result in results} == {DeliveryVerdict.DELIVERED}
    assert receiver.numbers == ["1"] * 20 and tokens.questions == 1


async def test_a_token_is_renewed_before_it_ends_and_no_attempt_waits_for_that(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    await sent(channel)

    async def slowly(exchange: Exchange) -> None:
        await asyncio.sleep(30)

    tokens.does = slowly
    later(channel, 3600 * 0.95)
    await sent(channel)
    await until(lambda: tokens.questions == 2)
    assert receiver.numbers == ["1", "1"], "the first one is still good"
    await channel.close()  # what is asked ends with it
    tokens.does = None
    await sent(channel)
    await until(lambda: tokens.given == 2)
    await until(lambda: _number(channel) == "2")
    await sent(channel)
    await channel.close()
    assert receiver.numbers == ["1", "1", "1", "2"]


def _number(channel: HttpChannel) -> str:
    proof = channel._proof
    assert isinstance(proof, ClientCredentialsProof) and proof._token is not None
    return proof._token.value.split("-")[1]


async def test_a_token_that_has_ended_is_not_sent(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    await sent(channel)
    later(channel, 3600)
    await sent(channel)
    await channel.close()
    assert receiver.numbers == ["1", "2"] and tokens.questions == 2


async def test_a_401_renews_the_token_and_the_attempt_is_made_again_at_once(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    await sent(channel)
    receiver.takes = lambda token: not token.startswith("token-1")
    message = TestMessage()
    result = await channel.send(message)
    await channel.close()
    assert result is not None and result.verdict is DeliveryVerdict.DELIVERED
    assert receiver.numbers == ["1", "1", "2"] and tokens.questions == 2
    assert message.asked == 2, "it is asked again whether it leaves"


async def test_a_receiver_that_refuses_every_token_is_no_loop(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    receiver.takes = lambda _: False
    results = [await sent(channel) for _ in range(4)]
    assert receiver.numbers == ["1", "2", "2", "2", "2"] and tokens.questions == 2
    assert [result.verdict for result in results] == [DeliveryVerdict.AGAIN] * 4
    assert all(
        isinstance(result.ending, ReceiverAnswer) and result.ending.status == 401
        for result in results
    )
    later(channel, 61)
    await sent(channel)
    assert tokens.questions == 3, "asked again now and then, in case that it is mended"
    await channel.close()


async def test_many_attempts_with_a_token_that_was_taken_back_renew_it_once(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    await sent(channel)
    receiver.takes = lambda token: not token.startswith("token-1")
    results = await asyncio.gather(*(sent(channel) for _ in range(10)))
    await channel.close()
    assert {result.verdict for result in results} == {
        DeliveryVerdict.DELIVERED
    } and tokens.questions == 2


async def test_what_was_changed_before_the_second_try_is_not_sent_again(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    receiver.takes = lambda _: False
    may = iter([True, False])
    result = await channel.send(TestMessage(may=lambda: next(may)))
    await channel.close()
    assert result is not None and isinstance(result.ending, ReceiverAnswer), "it has left once"
    assert receiver.numbers == ["1"]


async def test_a_receiver_that_sends_the_token_back_does_not_get_it_kept(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    result = await sent(channel)
    await channel.close()
    assert isinstance(result.ending, ReceiverAnswer) and result.ending.body.startswith(b"you sent")
    assert "token-1-" not in repr(result)


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.status, exchange.more = (
            status,
            {n.replace("_", "-"): v for n, v in headers.items()},
        )
        exchange.says(body)

    return answer


@pytest.mark.parametrize(
    ("does", "words"),
    [
        (answers(401, b'{"error":"invalid_client"}'), "answered 401 (invalid_client)"),
        (answers(500), "answered 500"),
        (answers(200, b"<html>" + SECRET.encode()), "something else than JSON"),
        (answers(200, b'{"access_token":"' + b"x" * 2**20), "more than a token needs"),
        (answers(302, location="https://elsewhere.example/"), "Redirects are not followed"),
    ],
)
async def test_an_endpoint_that_gives_no_token_is_a_fault_in_words(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer, does: Any, words: str
) -> None:
    tokens.does = does
    channel = channel_of(destination, receiver, tokens)
    fault = fault_of(await sent(channel))
    await channel.close()
    assert fault.kind is FaultKind.TOKEN and words in fault.detail and receiver.seen == []


async def test_after_a_failure_the_endpoint_has_a_moment_of_rest(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    tokens.does = answers(503, retry_after="40")
    channel = channel_of(destination, receiver, tokens)
    results = [await sent(channel) for _ in range(5)]
    assert tokens.questions == 1 and {result.wait_s for result in results} == {40.0}
    tokens.does = None
    later(channel, 2)
    assert (await sent(channel)).verdict is DeliveryVerdict.DELIVERED
    await channel.close()


async def test_an_endpoint_that_is_slow_costs_an_attempt_no_more_than_its_deadline(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    tokens.does = answers(0)
    channel = channel_of(destination, receiver, tokens)
    began = monotonic()
    with own_time() as took_s:
        fault = fault_of(await sent(channel, deadline_s=0.3))
        await channel.close()
    assert fault.kind is FaultKind.TOKEN and "within 0.3 s" in fault.detail
    assert monotonic() - began > 0.2 and took_s() < 5


async def test_an_endpoint_that_is_down_is_a_fault_of_the_receivers(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    with TokenServer() as gone:
        url = gone.url
    webhook = hook(receiver.http.url("/hook"), authentication=credentials(url))
    channel = destination.open(webhook, None)
    fault = fault_of(await sent(channel))
    await channel.close()
    assert fault.kind is FaultKind.TOKEN
    assert fault.detail.startswith("Nobody listens at the token endpoint's port")


async def test_an_endpoint_at_a_private_address_is_not_asked(
    receiver: Receiving, tokens: TokenServer
) -> None:
    async for destination in reaching(Policy()):
        channel = channel_of(destination, receiver, tokens)
        fault = fault_of(await sent(channel))
        await channel.close()
        assert fault.kind is FaultKind.TOKEN and "blocked by policy" in fault.detail
    assert tokens.questions == 0 and receiver.seen == []


async def test_a_message_that_may_not_leave_is_not_sent_with_a_token_either(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    assert await channel.send(TestMessage(may=lambda: False)) is None
    assert receiver.seen == []
    await sent(channel)
    assert len(receiver.seen) == 1, "the same one, where it may"
    await channel.close()


async def test_another_version_keeps_its_token_unless_its_credentials_are_others(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    channel = channel_of(destination, receiver, tokens)
    await sent(channel)
    webhook = channel._webhook
    assert channel.follow(msgspec.structs.replace(webhook, headers=(("X-New", "1"),)))
    await sent(channel)
    other = credentials(tokens.url, scope="other")
    assert channel.follow(msgspec.structs.replace(webhook, authentication=other))
    await sent(channel)
    assert channel.follow(msgspec.structs.replace(webhook, authentication=None))
    await sent(channel)
    await channel.close()
    assert [text[:7] for text in receiver.seen] == ["token-1", "token-1", "token-2", ""]


async def test_a_token_that_ended_on_its_way_is_a_fault_of_the_endpoints(
    destination: HttpDestination, receiver: Receiving, tokens: TokenServer
) -> None:
    async def slowly(exchange: Exchange) -> None:
        await asyncio.sleep(0.05)
        exchange.says(b'{"access_token":"token-9-0123456789","expires_in":0.01}')

    tokens.does = slowly
    channel = channel_of(destination, receiver, tokens)
    fault = fault_of(await sent(channel))
    await channel.close()
    assert fault.kind is FaultKind.TOKEN and "had ended before it came" in fault.detail
    assert receiver.seen == []
