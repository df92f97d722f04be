"""Tokens that are had by posting JSON: from a real endpoint, renewed in time, never told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.destinations.http.exchanges import Exchange, HttpReceiver
from tests.egress.support import DEV, Names, at
from tidings.core.actions.action import TokenCall
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.webhooks.authentication import ApiKey
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import Proofs, proof_of
from tidings.destinations.http.authentication.token_call import TokenCallProof
from tidings.egress.address import parse_target
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender

SECRET = "top-secret-0123456789"
BODY = {"key": "brand", "secret": SECRET}


class Endpoint:
    """A server that gives tokens with numbers, each for a life that can be set."""

    def __init__(self) -> None:
        self.given = 0
        self.lives: Any = 60
        self.asked: list[Exchange] = []
        self.does: Callable[[Exchange], Any] | None = None
        self.http = HttpReceiver(self._answer)

    def _answer(self, exchange: Exchange) -> Any:
        self.asked.append(exchange)
        if self.does is not None:
            return self.does(exchange)
        if json.loads(exchange.body) != BODY:
            exchange.status = 401
            exchange.says(exchange.body)
            return None
        self.given += 1
        said = {"accessToken": f"token-{self.given}-0123456789", "ttlSeconds": self.lives}
        exchange.says(json.dumps({"data": said}).encode())
        return None

    def call(self, **more: Any) -> TokenCall:
        fields = {
            "url": self.http.url("/v3/oauth/token/generate"),
            "body": BODY,
            "token": "data.accessToken",
            "lives": "data.ttlSeconds",
            "header": "X-CAP-API-OAUTH-TOKEN",
        }
        return TokenCall(**(fields | more))


class Passing:
    """A clock that passes as it is told."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def endpoint() -> Any:
    made = Endpoint()
    with made.http:
        yield made


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    made = HttpSender(DEV, Names(at("127.0.0.1")))
    yield made
    await made.close()


def proof(sender: HttpSender, call: TokenCall, passed_s: Callable[[], float]) -> TokenCallProof:
    ask = asking_over(sender, lambda url: parse_target(url, allow_http=True))
    return TokenCallProof(call, ask, lambda: 0.0, passed_s=passed_s, jitter=lambda: 0.0)


async def test_a_token_is_asked_for_once_and_sent_in_its_header(
    endpoint: Endpoint, sender: HttpSender
) -> None:
    made = proof(sender, endpoint.call(prefix="Bearer "), Passing())
    assert made.at_hand() is None
    headers = await asyncio.gather(*(made.fetched(5) for _ in range(20)))
    assert set(headers) == {("X-CAP-API-OAUTH-TOKEN", "Bearer token-1-0123456789")}
    assert made.at_hand() == headers[0] and len(endpoint.asked) == 1
    [asked] = endpoint.asked
    assert asked.method == "POST" and json.loads(asked.body) == BODY
    assert asked.headers["content-type"] == "application/json"


async def test_a_token_is_renewed_before_its_end_and_not_sent_after_it(
    endpoint: Endpoint, sender: HttpSender
) -> None:
    passed = Passing()
    made = proof(sender, endpoint.call(), passed)
    await made.fetched(5)
    passed.s += 60 * 0.8
    assert made.at_hand() == ("X-CAP-API-OAUTH-TOKEN", "token-1-0123456789"), "nobody waits"
    while endpoint.given < 2:
        await asyncio.sleep(0.01)
    while made.at_hand() != ("X-CAP-API-OAUTH-TOKEN", "token-2-0123456789"):
        await asyncio.sleep(0.01)
    passed.s += 600
    assert made.at_hand() is None
    assert await made.fetched(5) == ("X-CAP-API-OAUTH-TOKEN", "token-3-0123456789")


@pytest.mark.parametrize(("lives", "good_s"), [(60, 50), ("60", 50), (None, 590)])
async def test_its_life_is_a_number_or_a_text_or_ten_minutes(
    endpoint: Endpoint, sender: HttpSender, lives: Any, good_s: float
) -> None:
    endpoint.lives, passed = lives, Passing()
    made = proof(sender, endpoint.call(), passed)
    await made.fetched(5)
    passed.s += good_s - 1
    assert made.at_hand() is not None
    passed.s += 11
    assert made.at_hand() is None
    await made.close()


async def test_a_token_that_was_refused_is_replaced_once(
    endpoint: Endpoint, sender: HttpSender
) -> None:
    made = proof(sender, endpoint.call(), Passing())
    first = await made.fetched(5)
    assert not isinstance(first, TransportFault) and made.another(first, 401)
    second = await made.fetched(5)
    assert not isinstance(second, TransportFault) and second != first
    assert not made.another(second, 401), "no loop"
    assert made.another(first, 401), "another one is at hand already"


def says(body: bytes, status: int = 200) -> Callable[[Exchange], None]:
    def does(exchange: Exchange) -> None:
        exchange.status = status
        exchange.says(body)

    return does


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "without a token at data.accessToken"),
        (b'{"data": {"accessToken": "a\\r\\nb", "ttlSeconds": 60}}', "that a header can hold"),
        (b'{"data": {"accessToken": {"a": 1}, "ttlSeconds": 60}}', "that a header can hold"),
        (b'{"data": {"accessToken": "abc", "ttlSeconds": -1}}', "no number of seconds above 0"),
        (b'{"data": {"accessToken": "abc", "ttlSeconds": 1e999}}', "something else than JSON"),
        (b'{"data": {"accessToken": "abc", "ttlSeconds": true}}', "no number of seconds above 0"),
        (
            b'{"data": {"accessToken": "abc", "ttlSeconds": ' + b"9" * 400 + b"}}",
            "no number of seconds above 0",
        ),
        (b'{"data": ' * 1700, "something else than JSON"),
        (b"[" * 5000, "something else than JSON"),
        (b'"\xff"', "something else than JSON"),
        (b"<html>" + SECRET.encode(), "something else than JSON"),
        (b"{" + b" " * 2**20 + b"}", "more than a token needs"),
    ],
    ids=lambda one: str(one)[:30],
)
async def test_an_answer_without_a_token_is_told_in_words_and_not_repeated(
    endpoint: Endpoint, sender: HttpSender, body: bytes, words: str
) -> None:
    endpoint.does = says(body)
    fault = await proof(sender, endpoint.call(), Passing()).fetched(5)
    assert isinstance(fault, TransportFault) and fault.kind is FaultKind.TOKEN and not fault.sent
    assert words in fault.detail and SECRET not in repr(fault) and fault.detail.endswith(".")


async def test_an_endpoint_that_sends_back_what_it_was_sent_tells_nobody_a_secret(
    endpoint: Endpoint, sender: HttpSender
) -> None:
    made = proof(sender, endpoint.call(body={"secret": SECRET}), Passing())
    fault = await made.fetched(5)
    assert isinstance(fault, TransportFault) and "answered 401" in fault.detail
    assert "Check the credential's body." in fault.detail and SECRET not in fault.detail
    assert SECRET not in repr(endpoint.call()) and SECRET not in repr(made)


async def test_a_private_address_is_not_asked(endpoint: Endpoint) -> None:
    sender = HttpSender(Policy(), Names(at("127.0.0.1")))
    fault = await proof(sender, endpoint.call(), Passing()).fetched(5)
    await sender.close()
    assert isinstance(fault, TransportFault) and "blocked by policy" in fault.detail
    assert endpoint.asked == []


async def test_one_credential_has_one_token_whoever_shows_it(
    endpoint: Endpoint, sender: HttpSender
) -> None:
    ask = asking_over(sender, lambda url: parse_target(url, allow_http=True))
    proofs = Proofs(ask, lambda: 0.0)
    one, same = proofs.of(endpoint.call()), proofs.of(endpoint.call())
    other = proofs.of(endpoint.call(prefix="Bearer "))
    assert one is same and one is not other
    assert proofs.of(ApiKey("X-Key", "abc")).at_hand() == ("X-Key", "abc")
    assert isinstance(proof_of(endpoint.call(), ask, lambda: 0.0), TokenCallProof)
    await asyncio.gather(one.fetched(5), same.fetched(5))
    assert endpoint.given == 1
    await proofs.close()
