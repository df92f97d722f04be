"""Who calls is known behind nginx, over TLS alone, and what happens is told at once."""

import base64
import ssl
import time
import warnings
from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.nginx import HOST, Nginx
from tests.e2e.harness.service import KEY, ORG, SECRET
from tests.loops.given_time import given_time

from .conftest import Brand, request
from .recorder import Recorder

pytestmark = pytest.mark.systems

TRIES_MAX = 400
# What a caller may say of its way, the proxy's own address among it.
LIES = [
    {"X-Forwarded-For": "198.51.100.7"},
    {"X-Forwarded-For": "198.51.100.8, 127.0.0.1"},
    {"Forwarded": "for=198.51.100.9"},
    {"X-Real-IP": "198.51.100.10", "X-Forwarded-For": "unknown"},
]


def test_a_caller_is_who_it_is_whatever_it_says_of_itself(brand: Brand) -> None:
    wrong = "Basic " + base64.b64encode(b"nobody:knows").decode()
    answers: list[Any] = []
    while len(answers) < TRIES_MAX and (not answers or answers[-1].status == 401):
        head = {"Authorization": wrong} | LIES[len(answers) % len(LIES)]
        answers.append(brand.nginx.raw(request("/v1/events", b"[]", head), "127.0.0.66"))
    # On a machine that stalls the first ones are a minute old by then, and count no more.
    assert len(answers) > 60 and answers[-1].status == 429
    assert b"others from 127.0.0.66 within" in answers[-1].body
    assert '"address": "127.0.0.66"' in brand.service.words()
    # Another one is not held up, nor is the proxy itself.
    for address in ("127.0.0.67", "127.0.0.1"):
        told = brand.nginx.raw(request("/v1/events", b"[]", {"Authorization": wrong}), address)
        assert told.status == 401, address


def test_plain_http_leads_to_https_and_nothing_of_it_comes_to_the_service(
    front: Nginx, recorder: Recorder
) -> None:
    with Api(front.plain_port) as plain:
        for method in ("GET", "POST", "PUT"):
            answer = plain.call(method, "/in/1/plain?a=1", b"{}", {"host": HOST})
            assert answer.status == 301
            assert answer.headers["location"] == f"https://{HOST}/in/1/plain?a=1"
    assert recorder.of("/in/1/plain?a=1") == []


def test_tls_before_1_2_is_refused(front: Nginx) -> None:
    old = front.context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="(?i)alert protocol version"):
        front.dial(context=old)


def test_a_stream_tells_at_once_and_outlives_a_reload(brand: Brand) -> None:
    login = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    headers = {"authorization": f"Basic {login}", "x-tidings-org": str(ORG)}
    line = brand.nginx.line()
    line.request("GET", "/v1/stream", headers=headers)
    stream = line.getresponse()
    assert stream.status == 200 and stream.headers["content-type"].startswith("text/event-stream")
    for reload in (False, True):
        if reload:
            brand.nginx.reload()
        id = new_id()
        with given_time(brand.service.pid) as given:
            began = time.monotonic()
            brand.api.accept(event(id, ORG))
            while id.encode() not in stream.readline():
                pass
            assert given.since(began) < 2, "nothing is held back on the way"
    line.close()


def test_a_caller_is_known_and_answered_by_what_it_is_named_at(brand: Brand) -> None:
    """Its links begin with the public address, and browsers are told to stay with https."""
    answer = brand.nginx.raw(request("/console", b"", {}, method="GET"))
    assert answer.status in (302, 303)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "server" not in answer.headers or answer.headers["server"] == "nginx"


def test_the_log_tells_no_query_and_that_the_service_has_answered(brand: Brand) -> None:
    for n, path in enumerate(("/livez?secret=1", "/in/9/none?secret=2")):
        brand.nginx.raw(request(path, b"", {"webhook-id": f"msg_log_{n}"}, method="GET"))
        [line] = brand.nginx.logged(f"msg_log_{n}")
        assert "secret" not in line and "answered=0." in line
