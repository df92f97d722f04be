"""Each adapter in its real framework, behind a real server: the same promises for all."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.consumer.applications import APPLICATIONS, PATH
from tests.consumer.receiving import NAME, Handled, request
from tidings_consumer import RetryLater, Router
from tidings_consumer.testing import SECRET, Request, example, forged, repeated, signed

BODY_MAX = 100_000


class Receiver(Handled):
    """A router behind a server."""

    port = 0

    def send(
        self, sent: Request, method: str = "POST", *, chunked: bool = False
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        body: Any = iter([sent.body[:7], sent.body[7:]]) if chunked else sent.body
        connection.request(method, PATH, body, sent.headers, encode_chunked=chunked)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, read


Application = Callable[[Router], AbstractContextManager[int]]


@pytest.fixture(params=APPLICATIONS, scope="module")
def application(request: pytest.FixtureRequest) -> Application:
    return APPLICATIONS[request.param]


@pytest.fixture(params=[False, True], ids=["function", "coroutine"], scope="module")
def served(request: pytest.FixtureRequest, application: Application) -> Iterator[Receiver]:
    receiver = Receiver(coroutine=request.param, body_max=BODY_MAX)
    with application(receiver.router) as receiver.port:
        yield receiver


@pytest.fixture
def receiver(served: Receiver) -> Receiver:
    served.events.clear()
    served.fault = None
    return served


NUMBERS = iter(range(1, 10_000))


def fresh() -> Request:
    number = next(NUMBERS)
    return request(number, number)


def test_an_event_is_handled_once(receiver: Receiver) -> None:
    first = fresh()
    for sent in (first, repeated(first)):
        status, headers, body = receiver.send(sent)
        assert (status, body) == (204, b"")
        assert "content-type" not in headers
    assert receiver.ids == [first.headers["webhook-id"]]


def test_the_body_comes_as_it_was_sent_byte_for_byte(receiver: Receiver) -> None:
    text = '{"eventName" :"pointsIssued",\r\n "data":{"name":"Zoë 🎉","points":10.10},"a":1e2}'
    sent = signed(text.encode(), id="evt_bytes")
    assert receiver.send(sent, "PUT")[0] == 204
    assert receiver.events[0].body == text.encode()


def test_what_is_not_believed_is_refused(receiver: Receiver) -> None:
    status, headers, body = receiver.send(forged(fresh()))
    assert status == 401 and body and headers["content-type"].startswith("text/plain")
    assert receiver.send(Request({"content-type": "application/json"}, b"{}"))[0] == 401
    assert receiver.events == []


def test_a_handler_that_cannot_now_has_it_sent_later(receiver: Receiver) -> None:
    receiver.fault = RetryLater(120)
    sent = fresh()
    status, headers, _ = receiver.send(sent)
    assert status == 503 and headers["retry-after"] == "120"
    receiver.fault = ValueError("of ours")
    status, _, body = receiver.send(sent)
    assert status == 500 and b"of ours" not in body
    receiver.fault = None
    assert receiver.send(sent)[0] == 204


def test_a_body_beyond_the_bound_is_refused(receiver: Receiver) -> None:
    payload = example(NAME) | {"padding": "x" * BODY_MAX}
    assert receiver.send(signed(payload))[0] == 413
    assert receiver.events == []


def test_another_method_brings_no_event(receiver: Receiver) -> None:
    assert receiver.send(Request({}, b""), "GET")[0] == 405
    assert receiver.events == []


# API Gateway gives whole bodies, and under WSGI Django reads none that has no length.
WHOLE = ("AWS Lambda, REST API", "AWS Lambda, HTTP API", "Django")
CHUNKED = {name: APPLICATIONS[name] for name in APPLICATIONS if name not in WHOLE}


@pytest.mark.parametrize("name", CHUNKED)
def test_a_body_without_a_length_is_read_and_bounded(name: str) -> None:
    receiver = Receiver(body_max=BODY_MAX)
    with CHUNKED[name](receiver.router) as receiver.port:
        assert receiver.send(fresh(), chunked=True)[0] == 204
        large = signed(example(NAME) | {"padding": "x" * BODY_MAX}, SECRET)
        assert receiver.send(large, chunked=True)[0] == 413
    assert len(receiver.events) == 1
