"""What every stand-in does by order: limits, misbehaviour, a record, a process of its own."""

import asyncio
import socket
import time

import pytest

from tests.stand_ins.apart import Apart
from tests.stand_ins.base import StandIn, told
from tests.stand_ins.caller import call
from tests.stand_ins.calls import Answer, Call, in_json


class Counter(StandIn):
    """Counts what it is told to count."""

    routes = (("POST", "/things/{name}", "_add"), ("GET", "/things", "_all"))
    body_max = 1000

    def __init__(self, port: int = 0, first: str = "") -> None:
        super().__init__(port=port)
        self.names = [first] if first else []

    @told
    def count(self, name: str) -> int:
        """How often it was told to count this."""
        return self.names.count(name)

    def _add(self, call: Call, name: str) -> Answer:
        if name == "bug":
            raise KeyError(name)
        self.names.append(name)
        return in_json(201, {"name": name})

    def _all(self, call: Call) -> Answer:
        return in_json(200, self.names)


def test_paths_methods_and_names_in_paths_are_told_apart() -> None:
    with Counter() as counter:
        assert call(counter, "POST", "/things/a%2Fb").status == 201
        assert call(counter, "GET", "/things/").json == ["a/b"]
        assert call(counter, "PUT", "/things/a").status == 405
        assert call(counter, "GET", "/nothing").status == 404
        seen = [(call["method"], call["path"], call["status"]) for call in counter.calls()]
    assert seen == [
        ("POST", "/things/a%2Fb", 201),
        ("GET", "/things/", 200),
        ("PUT", "/things/a", 405),
        ("GET", "/nothing", 404),
    ]


def test_a_failure_by_order_has_no_effect_unless_it_is_done_first() -> None:
    with Counter() as counter:
        counter.fails(2, status=503, headers={"retry-after": "7"}, path="^/things/", after=1)
        answers = [call(counter, "POST", f"/things/{n}") for n in range(4)]
        assert [answer.status for answer in answers] == [201, 503, 503, 201]
        assert answers[1].headers["retry-after"] == "7"
        counter.fails(status=500, done=True)
        assert call(counter, "POST", "/things/4").status == 500
        assert call(counter, "GET", "/things").json == ["0", "3", "4"]


def test_an_answer_can_be_lost_by_a_reset_after_the_effect() -> None:
    with Counter() as counter:
        counter.resets(done=True, method="POST")
        with pytest.raises(ConnectionResetError):
            call(counter, "POST", "/things/a")
        counter.resets()
        with pytest.raises(ConnectionResetError):
            call(counter, "POST", "/things/b")
        assert call(counter, "GET", "/things").json == ["a"]
        assert [call["status"] for call in counter.calls(method="POST")] == [0, 0]


def test_it_can_keep_silent_and_be_slow() -> None:
    with Counter() as counter:
        counter.keeps_silent()
        with pytest.raises(TimeoutError):
            call(counter, "GET", "/things", timeout_s=0.1)
        counter.slows(0.15, times=1)
        began = time.monotonic()
        assert call(counter, "GET", "/things").status == 200
        assert time.monotonic() - began >= 0.15


def test_misbehaviour_ends_with_its_time_or_when_it_is_healed() -> None:
    with Counter() as counter:
        counter.fails(for_s=60)
        assert [call(counter, "GET", "/things").status for _ in range(2)] == [503, 503]
        counter.passes(61)
        assert call(counter, "GET", "/things").status == 200
        counter.fails(None)
        assert call(counter, "GET", "/things").status == 503
        counter.heals()
        assert call(counter, "GET", "/things").status == 200


def test_more_than_the_limit_in_any_window_is_refused_and_counted_as_a_burst() -> None:
    with Counter() as counter:
        counter.limits(2, window_s=60)
        assert [call(counter, "GET", "/things").status for _ in range(3)] == [200, 200, 429]
        counter.passes(61)
        assert call(counter, "GET", "/things").status == 200
        assert counter.burst("things", seconds=30) == 3
        counter.limits(None)
        assert [call(counter, "GET", "/things").status for _ in range(5)] == [200] * 5


async def test_more_than_the_limit_beside_each_other_is_refused() -> None:
    with Counter() as counter:
        counter.limits(None, at_once=2)
        counter.slows(0.2)
        asked = (asyncio.to_thread(call, counter, "GET", "/things") for _ in range(4))
        statuses = sorted([pair.status for pair in await asyncio.gather(*asked)])
        assert statuses == [200, 200, 429, 429]
        assert counter.at_once("things") == 4
        assert call(counter, "GET", "/things").status == 200


def test_bodies_without_an_end_and_what_is_no_http_are_refused() -> None:
    with Counter() as counter:
        assert call(counter, "POST", "/things/a", body=b"x" * 1001).status == 413
        chunks = {"transfer-encoding": "chunked"}
        whole = call(counter, "POST", "/things/b", chunks, body=b"3\r\nabc\r\n0\r\n\r\n")
        assert (whole.status, counter.calls("/b$")[0]["body"]) == (201, "abc")
        for sent in (b"\x00\xff nothing\r\n\r\n", b"GET /" + b"a" * 70_000):
            with socket.create_connection(("127.0.0.1", counter.port), 5) as line:
                line.sendall(sent)
                assert line.recv(100).startswith(b"HTTP/1.1 400")
        assert call(counter, "GET", "/things").json == ["b"]


def test_a_fault_of_the_stand_in_itself_fails_the_test() -> None:
    counter = Counter().start()
    assert call(counter, "POST", "/things/bug").status == 500
    with pytest.raises(AssertionError, match="KeyError"):
        counter.close()


async def test_it_serves_tests_that_await_and_keeps_connections() -> None:
    with Counter() as counter:
        reader, writer = await asyncio.open_connection("127.0.0.1", counter.port)
        for name in ("a", "b"):
            writer.write(f"POST /things/{name} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 201")
        writer.write(b"GET /things HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b'["a", "b"]')
        writer.close()


def test_it_listens_at_the_port_that_is_named() -> None:
    with Counter() as counter:
        port = counter.port
    with Counter(port) as counter:
        assert (counter.port, call(counter, "GET", "/things").status) == (port, 200)
        assert counter.url("/things") == f"http://127.0.0.1:{port}/things"


def test_in_a_process_of_its_own_it_is_told_and_asked_as_here() -> None:
    with Apart(Counter, first="a") as counter:
        assert call(counter, "POST", "/things/b").status == 201
        assert (counter.count("b"), counter.count("c")) == (1, 0)
        counter.fails(1, status=500)
        assert call(counter, "GET", "/things").status == 500
        assert [call["status"] for call in counter.calls()] == [201, 500]
        assert call(counter, "GET", "/things").json == ["a", "b"]
        with pytest.raises(AttributeError):
            counter.names_of_all()
        with pytest.raises(AssertionError, match="TypeError"):
            counter.count()
        assert counter.url("/things") == f"http://127.0.0.1:{counter.port}/things"
