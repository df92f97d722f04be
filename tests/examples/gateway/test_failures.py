"""What nginx answers itself, when, and that it sends nothing twice."""

import time
from contextlib import suppress
from itertools import pairwise

import pytest

from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.nginx import Nginx, answer_on
from tests.e2e.harness.service import ORG
from tests.loops.own_time import own_time

from .conftest import Brand, request
from .recorder import Recorder

pytestmark = pytest.mark.systems

PAUSE_MAX_S = 0.7  # between two bytes; the proxy lets a sender pause for a second here


def test_a_service_that_does_not_answer_is_a_504_in_bounded_time(
    front: Nginx, recorder: Recorder
) -> None:
    """After `proxy_read_timeout`, which is cut short to a second here."""
    with own_time() as took_s:
        answer = front.raw(request("/stall", b"{}", {"webhook-id": "msg_stall"}))
    assert answer.status == 504 and took_s() < 5
    assert len(recorder.of("/stall")) == 1
    assert '" 504 answered=- ' in front.logged("msg_stall")[-1]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_a_kept_connection_that_closes_meanwhile_sends_nothing_twice(
    front: Nginx, recorder: Recorder, method: str
) -> None:
    """nginx cannot know whether the request was taken: it says so, and the sender decides."""
    before = len(recorder.of("/drop"))
    line = front.line()
    line.request("GET", f"/warm/{method}")
    assert line.getresponse().read() == b"ok"
    line.request(method, "/drop", b"{}", {"webhook-id": f"msg_{method}"})
    answer = line.getresponse()
    assert answer.status == 502, answer.status
    line.close()
    [warm], dropped = recorder.of(f"/warm/{method}"), recorder.of("/drop")[before:]
    assert [request.connection for request in dropped] == [warm.connection]
    assert '" 502 answered=- ' in front.logged(f"msg_{method}")[-1]


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_slow_sender_is_cut_and_costs_the_service_nothing(
    front: Nginx, recorder: Recorder, part: str
) -> None:
    """Without an answer: its sender sees a connection that breaks. Cut short to a second here."""
    whole = request(f"/slow/{part}", b"0123456789", {})
    cut = whole[:30] if part == "head" else whole[:-5]
    with front.dial() as sock:
        with own_time() as took_s:
            sock.sendall(cut)
            assert sock.recv(100) == b""
        assert took_s() < 5
    assert recorder.of(f"/slow/{part}") == []


def test_a_sender_that_takes_its_time_is_handed_on_when_all_of_it_is_here(
    front: Nginx, recorder: Recorder
) -> None:
    whole = request("/patient", b"0123456789", {})
    parts = [whole[:-9], *(whole[at : at + 1] for at in range(-9, -1))]
    for _ in range(10):  # a machine that stands still for a second pauses longer than one may
        with front.dial() as sock, suppress(OSError):
            sent_s = []
            for part in parts:
                sock.sendall(part)
                sent_s.append(time.monotonic())
                time.sleep(0.15)
            assert recorder.of("/patient") == []
            if max(after - before for before, after in pairwise(sent_s)) < PAUSE_MAX_S:
                sock.sendall(whole[-1:])
                assert answer_on(sock).status == 200
                break
    assert [request.body for request in recorder.of("/patient")] == [b"0123456789"]


def test_a_head_that_is_too_large_is_refused_by_nginx(front: Nginx, recorder: Recorder) -> None:
    for path, headers, status in (
        ("/" + "a" * 17_000, {}, 414),
        ("/heads", {"X-Large": "a" * 17_000}, 400),
        ("/heads", {f"X-{n}": "a" * 15_000 for n in range(5)}, 400),
    ):
        answer = front.raw(request(path, b"", headers, method="GET"))
        assert answer.status == status and b"nginx" in answer.body
    assert recorder.of("/heads") == []


def test_a_killed_service_is_a_502_and_is_found_again_by_itself(brand: Brand) -> None:
    id = new_id()
    body = event(id, ORG)
    brand.service.kill_all()
    with own_time() as took_s:
        answer = brand.send(id, body)
    assert answer.status == 502 and took_s() < 5
    assert '" 502 answered=- ' in brand.nginx.logged(id)[-1]
    brand.service.start()
    assert brand.send(id, body).must(202)["accepted"] == 1
    assert brand.send(id, body).must(202)["duplicates"] == 1
