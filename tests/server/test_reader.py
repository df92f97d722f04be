"""Requests come out of a connection whatever way its bytes are cut, or none does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.server.bounds import Bounds
from tidings.server.reader import RequestReader
from tidings.server.refusals import RejectedRequest

BOUNDS = Bounds()
HOST = b"Host: tidings.example\r\n"

Read = tuple[str, str, bytes, tuple[tuple[bytes, bytes], ...], bytes, bool, bool]


def read(pieces: list[bytes], bounds: Bounds = BOUNDS) -> tuple[list[Read], int]:
    """The requests, each taken as soon as it is complete, and the status of a refusal, or 0."""
    reader = RequestReader(bounds)
    found: list[Read] = []

    def take() -> None:
        wrong = None
        while reader.requests and reader.requests[0].complete:
            one = reader.requests.popleft()
            headers = tuple(one.headers)
            body = one.take() if one.waiting else b""
            found.append((one.method, one.path, one.query, headers, body, one.keep, one.expects))
            try:
                reader.feed(b"")
            except RejectedRequest as refused:  # what came whole before it is answered first
                wrong = refused
        if wrong is not None:
            raise wrong

    try:
        for piece in pieces:
            try:
                reader.feed(piece)
            finally:
                take()
    except RejectedRequest as refused:
        return found, refused.status
    return found, 0


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[low:high] for low, high in zip(places, places[1:], strict=False)]


TOKENS = st.text("abcXYZ019-_", min_size=1, max_size=12).map(lambda text: "X-" + text)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
BODIES = st.binary(max_size=9000)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A valid request that keeps its connection: its bytes, its target and its body."""
    target = b"/" + draw(st.text("abc/%2Fé".replace("é", ""), max_size=20)).encode()
    headers = draw(st.lists(st.tuples(TOKENS, VALUES), max_size=5))
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)
    body = draw(st.one_of(st.just(b""), BODIES))
    if draw(st.booleans()):
        sizes = draw(st.lists(st.integers(1, 3000), max_size=4))
        chunks, left = b"", body
        for size in [*sizes, len(body)]:
            if part := left[:size]:
                chunks += b"%x\r\n%b\r\n" % (len(part), part)
                left = left[size:]
        framed = b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    else:
        framed = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    return b"POST %b HTTP/1.1\r\n%b%b%b" % (target, HOST, lines, framed), target, body


def test_a_target_is_judged_anew_where_it_or_its_host_differs() -> None:
    """The reader remembers the target and host that it judged last."""
    good = b"GET /a%20b?c=%20 HTTP/1.1\r\n" + HOST + b"\r\n"
    for data, read_back in (
        (good, ("/a b", b"c=%20")),
        (b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n", ("/a", b"")),
        (b"GET http://tidings.example/x?y HTTP/1.1\r\n" + HOST + b"\r\n", ("/x", b"y")),
        (b"GET /a%20b?c=%20 HTTP/1.1\r\nHost: other\r\n\r\n", ("/a b", b"c=%20")),
    ):
        found, status = read([good, data, data, good])
        assert status == 0
        assert [(path, query) for _, path, query, *_ in found[1:3]] == [read_back] * 2
    for refused in (
        b"GET /a%20b?c=%20 HTTP/1.1\r\n\r\n",
        b"GET /a%20b?c=%20 HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
        b"GET /a%20b?c=%20 HTTP/1.1\r\nHost: /\r\n\r\n",
        b"GET http://other/x?y HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    ):
        assert read([good, good, refused])[1] == 400, refused


@pytest.mark.parametrize(("target", "host"), [(1, 5000), (5000, 1), (600, 600)])
def test_what_a_reader_remembers_of_a_request_is_small(target: int, host: int) -> None:
    reader = RequestReader(BOUNDS)
    reader.feed(b"GET /%b HTTP/1.1\r\nHost: %b\r\n\r\n" % (b"a" * target, b"h" * host))
    reader.requests.popleft()
    reader.feed(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    held = [reader._known_target, *reader._known_hosts]
    assert sum(map(len, held)) <= 1024 and reader._known_target == b"/"
    reader.requests.popleft()
    reader.feed(b"GET /%b HTTP/1.1\r\nHost: %b\r\n\r\n" % (b"a" * target, b"h" * host))
    assert reader._known_target == b"/", "too much to be remembered"


@settings(max_examples=120)
@given(st.lists(requests(), min_size=1, max_size=6), st.lists(st.integers(0, 60_000), max_size=25))
def test_the_same_requests_come_out_whatever_way_the_bytes_are_cut(
    made: list[tuple[bytes, bytes, bytes]], at: list[int]
) -> None:
    data = b"".join(body for body, _, _ in made)
    whole, status = read([data])
    assert status == 0
    assert [body for *_, body, _, _ in whole] == [body for _, _, body in made]
    assert len(whole) == len(made)
    assert read(cut(data, at)) == (whole, 0)


@settings(max_examples=200)
@given(
    st.lists(requests(), min_size=1, max_size=2),
    st.integers(0, 60_000),
    st.binary(min_size=1, max_size=3),
    st.lists(st.integers(0, 60_000), max_size=12),
)
def test_broken_bytes_are_judged_the_same_whatever_way_they_are_cut(
    made: list[tuple[bytes, bytes, bytes]], where: int, junk: bytes, at: list[int]
) -> None:
    data = b"".join(body for body, _, _ in made)
    where %= len(data)
    broken = data[:where] + junk + data[where + len(junk) :]
    assert read([broken]) == read(cut(broken, at)) == read([bytes([number]) for number in broken])


def test_each_byte_by_itself() -> None:
    data = (
        b"\r\nPUT /a%20b?q=1 HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"
        b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    )
    found, status = read([bytes([number]) for number in data])
    assert status == 0
    assert [(pair[0], pair[1], pair[2], pair[4]) for pair in found] == [
        ("PUT", "/a b", b"q=1", b"abc"),
        ("GET", "/", b"", b""),
    ]


POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = {
    "length and chunked": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "chunked and length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
    "the same length twice": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "a signed length": (POST + b"Content-Length: +3\r\n\r\nabc", 400),
    "a negative length": (POST + b"Content-Length: -3\r\n\r\nabc", 400),
    "a hexadecimal length": (POST + b"Content-Length: 0x3\r\n\r\nabc", 400),
    "an empty length": (POST + b"Content-Length:\r\n\r\nabc", 400),
    "a length beyond numbers": (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    "another coding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "two codings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "a coding that looks like it": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked in two headers": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked in HTTP/1.0": (
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a chunk without a size": (CHUNKED + b"zz\r\n\r\n", 400),
    "a chunk's size as 0x": (CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk's size with a blank": (CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", 400),
    "a negative chunk": (CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk beyond numbers": (CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk longer than it says": (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk line ended by LF": (CHUNKED + b"3\nabc\r\n0\r\n\r\n", 400),
    "a chunk ended by LF": (CHUNKED + b"3\r\nabc\n0\r\n\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c\r\n\r\n", 400),
    "a blank before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a header without a name": (b"GET / HTTP/1.1\r\n" + HOST + b": a\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\n" + HOST + b"junk\r\n\r\n", 400),
    "LF after the request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "LF after a header": (b"GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", 400),
    "CR in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n", 400),
    "NUL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "the same host twice": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "a host with a user": (b"GET / HTTP/1.1\r\nHost: b@a\r\n\r\n", 400),
    "another host in the target": (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another scheme in the target": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a target without a slash": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a tunnel": (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a star for GET": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "an unknown method": (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another expectation": (POST + b"Expect: more\r\nContent-Length: 1\r\n\r\na", 417),
    "too many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 101 + b"\r\n", 431),
    "a head too large": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 33_000 + b"\r\n\r\n", 431),
    "a head without an end": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 99_000, 431),
    "a name without an end": (b"GET / HTTP/1.1\r\n" + HOST + b"b" * 99_000, 431),
    "a target too long": (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a target without an end": (b"GET /" + b"a" * 99_000, 414),
    "trailers without an end": (CHUNKED + b"0\r\n" + b"A: bbbbbbbbbbbbbbb\r\n" * 9000, 400),
    "one trailer without an end": (CHUNKED + b"0\r\nA: " + b"b" * 99_000, 400),
    "an extension without an end": (CHUNKED + b"3;a=" + b"b" * 99_000, 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_may_read_in_two_ways_is_refused(name: str) -> None:
    data, expected = REFUSED[name]
    for pieces in ([data], [data[at : at + 997] for at in range(0, len(data), 997)]):
        found, status = read(pieces)
        assert found == []
        assert status == expected


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"  # as Java's client does
ADMITTED = {
    "a port": b"GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n",
    "IPv6": b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "this host in the target": b"GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.0 without a host": b"GET / HTTP/1.0\r\n\r\n",
    "bytes above ASCII in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \xc3\xa4\r\n\r\n",
    "an extension of a chunk": CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n",
    "a trailer": CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    "100 headers": b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 99 + b"\r\n",
    "a wish to upgrade": b"GET / HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n",
    "a wish to upgrade, with a body": POST + UPGRADE + b"Content-Length: 3\r\n\r\nabc",
    "a wish to upgrade, with chunks": POST
    + UPGRADE
    + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", ADMITTED)
def test_what_is_plain_is_read_and_the_next_request_too(name: str) -> None:
    data = ADMITTED[name]
    data += b"" if b"1.0" in data else b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n"
    found, status = read([data])
    assert status == 0
    assert read([bytes([number]) for number in data]) == (found, 0)
    assert found[0][1] in ("/", "/x", "*")
    if b"1.0" not in data:
        assert found[1][1] == "/after"
    if data.startswith(b"POST"):
        assert found[0][4] == b"abc"
    if name == "a trailer":
        assert (b"x-sum", b"1") not in found[0][3]


def test_what_follows_a_last_request_is_not_read() -> None:
    data = b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"
    found, status = read([data])
    assert [pair[1] for pair in found] == ["/1"]
    assert status == 0


def test_who_sends_many_requests_at_once_makes_few_of_them_in_memory() -> None:
    reader = RequestReader(BOUNDS)
    reader.feed(b"GET / HTTP/1.1\r\nHost:a\r\n\r\n" * 10_000)
    assert 1 < len(reader.requests) < 300
    assert reader.kept
    seen = 0
    while reader.requests:
        reader.requests.popleft()
        seen += 1
        reader.feed(b"")
    assert seen == 10_000


def test_bytes_that_are_kept_are_not_copied_for_each_request_in_them() -> None:
    reader = RequestReader(BOUNDS)
    reader.feed(b"GET / HTTP/1.1\r\nHost:a\r\n\r\n" * 2_000)
    copied, kept = 0, reader.kept
    while reader.requests:
        reader.requests.popleft()
        reader.feed(b"")
        if reader.kept is not kept:
            kept = reader.kept
            copied += len(kept)
    assert copied < 2 * 2_000 * 26
