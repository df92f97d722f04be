"""What a sender has signed arrives bit by bit, and nginx writes headers as the guide says."""

import gzip
import random

import pytest

from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.nginx import HOST, Nginx
from tests.e2e.harness.service import ORG
from tests.e2e.harness.store.books import ask
from tidings.api.v1.inbound import BODY_BYTES_MAX

from .conftest import Brand, request
from .recorder import Recorder, Request

pytestmark = pytest.mark.systems

ALL_BYTES = bytes(range(256)) * 5
EVENT_BYTES_MAX = 262_144
BODIES = {
    "every byte there is": ALL_BYTES,
    "random": random.Random(7).randbytes(100_003),
    "line ends": b'\xef\xbb\xbf{"a" : 1.50,\r\n\t"a":\n1e2 }\r\n\r\n',
    "compressed": gzip.compress(b'{"a":1}' * 2000),
    "one byte": b"\x00",
    "none": b"",
    "a megabyte": random.Random(8).randbytes(BODY_BYTES_MAX),
    "as much as nginx takes": random.Random(9).randbytes(8 << 20),
}
# Within the quotes of a note: what JSON libraries write in another way.
NOTES = ("ü and \\u00fc", "\\/ and /", "\\ud83d\\ude00 and 😀", "\\u0000", "é\u2028", "\\t", " ")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_passes_bit_by_bit(
    front: Nginx, recorder: Recorder, name: str, chunked: bool
) -> None:
    body, path = BODIES[name], f"/bytes/{name.replace(' ', '-')}/{chunked}"
    coding = {"Content-Encoding": "gzip"} if name == "compressed" else {}
    answer = front.raw(request(path, body, coding, chunked))
    assert (answer.status, answer.body) == (200, b"ok")
    [came] = recorder.of(path)
    assert came.body == body
    assert came.values("content-encoding") == list(coding.values())
    assert came.values("transfer-encoding") == []  # nginx has read all of it, and says its length


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize("note", NOTES)
def test_a_signature_holds_and_the_event_is_kept_as_it_was_sent(
    brand: Brand, note: str, chunked: bool
) -> None:
    id = new_id()
    body = event(id, ORG, note="NOTE").replace(b"NOTE", note.encode()) + b"\r\n"
    taken = brand.send(id, body, chunked)
    assert taken.must(202)["accepted"] == 1, taken.body
    assert kept_of(brand, id) == body


def test_a_body_that_is_not_what_was_signed_is_refused(brand: Brand) -> None:
    """The proof that the tests above can fail."""
    id = new_id()
    body = event(id, ORG)
    assert brand.send(id, body, signed=body + b"\n").status == 401
    assert brand.api.get(f"/v1/events/{id}").status == 404


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_the_largest_event_passes_and_never_lies_on_the_disk_of_nginx(
    brand: Brand, chunked: bool
) -> None:
    before, id = brand.nginx.errors().count("temporary file"), new_id()
    largest = event(id, ORG).ljust(EVENT_BYTES_MAX)
    assert brand.send(id, largest, chunked).must(202)["accepted"] == 1
    assert kept_of(brand, id) == largest
    assert brand.nginx.errors().count("temporary file") == before


def test_a_source_says_itself_what_is_too_large_and_nginx_only_beyond_its_own_bound(
    brand: Brand,
) -> None:
    whole = event(new_id(), ORG).ljust(BODY_BYTES_MAX)
    assert brand.send(new_id(), whole).must(202)["aside"] is True  # too large an event
    refused = brand.send(new_id(), whole + b" ")
    assert refused.status == 413 and refused.headers["content-type"] == "application/json"
    id = new_id()
    own = brand.send(id, b" " * ((8 << 20) + 1))
    assert own.status == 413 and b"<center>nginx</center>" in own.body
    assert '" 413 answered=- ' in brand.nginx.logged(id)[-1]


@pytest.mark.parametrize("codings", [["gzip"], ["identity", "gzip"]])
def test_a_compressed_message_is_refused_by_the_source_and_not_unpacked_on_the_way(
    brand: Brand, codings: list[str]
) -> None:
    body = gzip.compress(event(new_id(), ORG))
    said = "\r\nContent-Encoding: ".join(codings)
    answer = brand.nginx.raw(request(f"/in/{ORG}/shop", body, {"Content-Encoding": said}))
    assert answer.status == 415 and b"content_encoding" in answer.body


def test_headers_keep_their_case_their_order_and_their_repeats(
    front: Nginx, recorder: Recorder
) -> None:
    lines = ["X-Shop-Topic: a", "x-shop-topic: b", "Webhook-ID: msg_1", "X-Blank:   a  b  ", "X-E:"]
    got = sent(front, recorder, "/headers", *lines)
    own = [(name, value) for name, value in got.headers if name.lower()[:2] in ("x-", "we")]
    own = [(name, value) for name, value in own if not name.startswith("X-Forwarded")]
    assert own == [
        ("X-Shop-Topic", "a"),
        ("x-shop-topic", "b"),
        ("Webhook-ID", "msg_1"),
        ("X-Blank", "a  b"),
        ("X-E", ""),
    ]


def test_headers_with_an_underscore_are_dropped_without_a_word(
    front: Nginx, recorder: Recorder
) -> None:
    got = sent(front, recorder, "/underscore", "X_Shop_Key: secret", "X-Kept: 1", "X.Dot: 2")
    assert got.values("x_shop_key") == [] and got.values("x.dot") == []
    assert got.values("x-kept") == ["1"]


def test_what_is_of_one_connection_goes_no_further(front: Nginx, recorder: Recorder) -> None:
    lines = ["Connection: close, X-Hop", "X-Hop: stays", "Keep-Alive: timeout=5", "TE: trailers"]
    lines += ["Upgrade: h2c", "Expect: 100-continue", "Proxy-Connection: keep-alive"]
    got = sent(front, recorder, "/hops", *lines)
    for name in ("connection", "keep-alive", "te", "upgrade", "expect", "transfer-encoding"):
        assert got.values(name) == [], name
    # These two are not known to nginx as such; Tidings heeds neither.
    assert got.values("x-hop") == ["stays"] and got.values("proxy-connection") == ["keep-alive"]


def test_what_a_caller_says_of_its_way_is_replaced_or_stands_left_of_what_is_true(
    front: Nginx, recorder: Recorder
) -> None:
    lines = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil"]
    got = sent(front, recorder, "/way", *lines, "Forwarded: for=203.0.113.9;proto=http")
    assert got.values("x-forwarded-for") == ["203.0.113.9, 127.0.0.1"]
    assert got.values("x-forwarded-proto") == ["https"]
    assert got.values("x-forwarded-host") == got.values("host") == [HOST]
    assert got.values("forwarded") == []


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: other.example"],
        ["Content-Length: 0", "Content-Length: 5"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: gzip"],
    ],
    ids=["two hosts", "two lengths", "a length beside chunks", "another coding"],
)
def test_what_two_servers_could_read_in_two_ways_comes_to_nobody(
    front: Nginx, recorder: Recorder, lines: list[str]
) -> None:
    head = "\r\n".join(["POST /smuggled HTTP/1.1", f"Host: {HOST}", *lines, "", "hello"])
    assert front.raw(head.encode()).status in (400, 501)
    assert recorder.of("/smuggled") == []


def kept_of(brand: Brand, id: str) -> bytes:
    """The bytes of an event, from the store's file."""
    query = "SELECT b.bytes FROM event e JOIN body b USING (seq) WHERE e.id = ?"
    [(kept,)] = ask(brand.service.data, query, id)
    return bytes(kept)


def sent(front: Nginx, recorder: Recorder, path: str, *lines: str) -> Request:
    """The one request that comes out of these lines."""
    head = "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {HOST}", *lines, "", ""])
    assert front.raw(head.encode()).status == 200
    [came] = recorder.of(path)
    return came
