"""The service proves to a receiver who calls, with a token that it fetches and tells nobody."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.destinations.http.token_server import CLIENT, SECRET, TokenServer

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.store.kept import kept_in

TOKEN = "token-1-0123456789"


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


def by_token(tokens: TokenServer) -> dict[str, str]:
    return {
        "type": "oauth2ClientCredentials",
        "tokenUrl": tokens.url,
        "clientId": CLIENT,
        "clientSecret": SECRET,
    }


def test_events_are_delivered_with_a_token_that_nobody_is_shown(
    api: Api, receiver: Receiver, tokens: TokenServer, service: ServiceProcess
) -> None:
    path = receiver.path()
    hook = api.webhook(receiver.url(path), authentication=by_token(tokens), keepResponses=True)
    sent = [new_id() for _ in range(5)]
    for text in sent:
        api.accept(event(text, 0))
    for text in sent:
        api.settled(text, hook)
    arrivals = receiver.arrivals(path)
    assert [arrival.headers["authorization"] for arrival in arrivals] == [f"Bearer {TOKEN}"] * 5
    assert tokens.questions == 1
    tested = api.send("POST", f"/v1/webHooks/{hook['webHookId']}/test", {}).must(200)
    assert tested["delivered"], tested
    whole = api.get(f"/v1/deliveries/{api.delivery_of(sent[0])['id']}").must(200)
    shown = [hook, api.get(f"/v3/webHooks/{hook['webHookId']}").must(200), tested, whole]
    for text in shown:
        assert SECRET not in json.dumps(text) and "0123456789" not in json.dumps(text)
    assert hook["authentication"]["clientSecret"] == "…6789"
    request = whole["attemptList"][0]["request"]
    assert ["authorization", "…"] in [[name.lower(), value] for name, value in _pairs(request)]
    assert not _kept_in(service.data, SECRET, TOKEN)


def test_without_a_token_nothing_is_sent_until_there_is_one(
    api: Api, receiver: Receiver, tokens: TokenServer
) -> None:
    path = receiver.path()
    wrong = by_token(tokens) | {"clientSecret": "another-secret-00000"}
    hook = api.webhook(receiver.url(path), authentication=wrong)
    sent = new_id()
    api.accept(event(sent, 0))
    api.settled(sent, states=("retrying",))
    waiting = api.delivery_of(sent)
    assert "token endpoint answered 401 (invalid_client)" in waiting["advice"]
    assert "Check clientId, clientSecret" in waiting["advice"]
    assert receiver.arrivals(path) == []
    api.change(hook, authentication=by_token(tokens))
    api.settled(sent, hook)
    [arrival] = receiver.arrivals(path)
    assert arrival.headers["authorization"] == f"Bearer {TOKEN}"


def _pairs(request: dict[str, object]) -> list[tuple[str, str]]:
    headers = request["headers"]
    assert isinstance(headers, list)
    return [(header["name"], header["value"]) for header in headers]


def _kept_in(data: Path, *secrets: str) -> list[str]:
    """Which of these a service has kept in clear."""
    kept = b"".join(content for _, content in kept_in(data))
    return [secret for secret in secrets if secret.encode() in kept]
