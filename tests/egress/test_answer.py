"""The reader of answers: strict about a head, sure about an end, whatever the pieces it gets."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.egress.answer import (
    HEADERS_MAX,
    INTERIM_MAX,
    KEEP_BYTES,
    AnswerReader,
    NotHttp,
)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def read(data: bytes, keep: bool = True, sizes: tuple[int, ...] = ()) -> AnswerReader:
    """Everything, in pieces of these sizes and the rest at once."""
    reader = AnswerReader()
    reader.begin(keep)
    feed(reader, data, sizes)
    return reader


def feed(reader: AnswerReader, data: bytes, sizes: Sequence[int]) -> None:
    """Feed all of it, in pieces of these sizes and the rest at once."""
    for size in sizes:
        if data[:size]:
            reader.feed(data[:size])
        data = data[size:]
    if data:
        reader.feed(data)


def told(reader: AnswerReader) -> tuple[object, ...]:
    return (
        reader.head,
        bytes(reader.kept),
        reader.seen,
        reader.complete,
        reader.broken,
        reader.reusable,
    )


ENDS: dict[str, tuple[bytes, bytes, bool]] = {
    "length": (HEAD + b"Content-Length: 2\r\n\r\nok", b"ok", True),
    "length 0": (HEAD + b"content-length:0\r\n\r\n", b"", True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "204 with a length": (b"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", b"", True),
    "304": (b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", b"", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", True),
    "chunked": (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"ok", True),
    "chunk extension": (CHUNKED + b"2;a=b\r\nok\r\n0\r\n\r\n", b"ok", True),
    "trailers": (CHUNKED + b"1\r\na\r\n0\r\nX: y\r\nZ: \r\n\r\n", b"a", True),
    "after an interim one": (
        b"HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
        + HEAD
        + b"Content-Length: 1\r\n\r\na",
        b"a",
        True,
    ),
    "wishes to close": (HEAD + b"Connection: Close\r\nContent-Length: 1\r\n\r\na", b"a", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", b"a", False),
    "the length twice": (HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", b"a", False),
    "length and chunked": (
        HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"a",
        False,
    ),
    "line ends without CR": (b"HTTP/1.1 200 OK\nContent-Length: 1\n\na", b"a", True),
    "a second answer": (HEAD + b"Content-Length: 1\r\n\r\na" + HEAD, b"a", False),
    "a second answer after chunks": (CHUNKED + b"0\r\n\r\n" + HEAD, b"", False),
    "more than a 204": (b"HTTP/1.1 204 x\r\n\r\nbody", b"", False),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_an_answer(name: str) -> None:
    """Where it is, what was in it, and whether the connection is fit for another one."""
    data, body, reusable = ENDS[name]
    reader = read(data)
    assert (bytes(reader.kept), reader.complete, reader.reusable) == (body, True, reusable)
    assert not reader.broken


@given(
    data=st.sampled_from([data for data, _, _ in ENDS.values()]),
    sizes=st.lists(st.integers(1, 9), max_size=40),
    keep=st.booleans(),
)
def test_pieces_do_not_matter(data: bytes, sizes: list[int], keep: bool) -> None:
    """However the network cuts it, it reads the same."""
    assert told(read(data, keep, tuple(sizes))) == told(read(data, keep))


@given(
    answers=st.lists(st.sampled_from([data for data, _, _ in ENDS.values()]), max_size=4),
    data=st.sampled_from([data for data, _, _ in ENDS.values()]),
    sizes=st.lists(st.integers(1, 60), max_size=6),
    keep=st.booleans(),
)
def test_what_was_read_before_does_not_matter(
    answers: list[bytes], data: bytes, sizes: list[int], keep: bool
) -> None:
    """A reader remembers its last head: an answer that begins alike is read as ever."""
    reader = AnswerReader()
    for answer in (*answers, data[:-1] if answers else data, data):  # the last but one is cut
        reader.begin(keep)
        reader.feed(answer)
    assert told(reader) == told(read(data, keep))
    reader.begin(keep)
    feed(reader, data, sizes)
    assert told(reader) == told(read(data, keep))


def test_a_head_that_differs_is_read_anew() -> None:
    reader = read(HEAD + b"Content-Length: 2\r\n\r\nok")
    for data, body in (
        (HEAD + b"Content-Length: 3\r\n\r\nyes", b"yes"),
        (b"HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\nno", b"no"),
        (HEAD + b"Content-Length: 2\r\n\r\nok", b"ok"),
    ):
        reader.begin(True)
        reader.feed(data)
        assert (bytes(reader.kept), reader.complete, reader.reusable) == (body, True, True)
    assert reader.head is not None and reader.head.status == 200


NO_HEADS = [
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.2 200 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\n\r\n",
    b"HTTP/1.1 1000 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1  200 OK\r\n\r\n",
    b"http/1.1 200 OK\r\n\r\n",
    b" HTTP/1.1 200 OK\r\n\r\n",
    HEAD + b"a b: c\r\n\r\n",
    HEAD + b"a : c\r\n\r\n",
    HEAD + b": c\r\n\r\n",
    HEAD + b"a: b\r\n folded\r\n\r\n",
    HEAD + b"a: \0\r\n\r\n",
    HEAD + b"a: b\rc: d\r\n\r\n",
    HEAD + b"Content-Length: +1\r\n\r\n",
    HEAD + b"Content-Length: 1, 1\r\n\r\n",
    HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    HEAD + b"".join(b"h%d: v\r\n" % number for number in range(101)) + b"\r\n",
    HEAD + b"a: " + b"x" * 33_000,
    b"HTTP/1.1 100 Continue\r\n\r\n" * 6,
    b"SSH-2.0\r\n",
]


@pytest.mark.parametrize("data", NO_HEADS, ids=lambda data: repr(data[:40]))
def test_what_is_no_head(data: bytes) -> None:
    """Strict, because it decides whether an event was delivered."""
    with pytest.raises(NotHttp):
        read(data)
    with pytest.raises(NotHttp):
        read(data, sizes=(1,) * 60)


BROKEN = [
    CHUNKED + b"zz\r\n",
    CHUNKED + b"-1\r\n",
    CHUNKED + b"0x2\r\nok\r\n",
    CHUNKED + b"2\r\nokay\r\n",
    CHUNKED + b"1" * 20 + b"\r\n",
    CHUNKED + b"1;" + b"x" * 2000,
    CHUNKED + b"0\r\n" + b"A: b\r\n" * 4000,
]


@pytest.mark.parametrize("data", BROKEN, ids=lambda data: repr(data[len(CHUNKED) :][:20]))
def test_a_broken_body_does_not_change_its_head(data: bytes) -> None:
    """The status stands; the connection does not."""
    reader = read(data)
    assert reader.head is not None and reader.head.status == 200
    assert reader.broken and not reader.reusable


def test_what_is_kept_is_bounded() -> None:
    """The first 16 KiB, and nothing of a 2xx body that nobody asked for."""
    body = HEAD + b"Content-Length: 99999\r\n\r\n" + b"x" * 50_000
    assert len(read(body).kept) == KEEP_BYTES
    assert read(body).seen == 50_000
    assert not read(body, keep=False).kept
    pieces = read(body, sizes=(len(body) - 50_000 + KEEP_BYTES - 5, 10_000, 10_000))
    assert len(pieces.kept) == KEEP_BYTES and pieces.seen == 50_000


def test_of_a_2xx_as_much_is_kept_as_is_asked_for_and_of_all_else_no_more_than_ever() -> None:
    for status, most in ((b"200 OK", 50_000), (b"500 Oh", KEEP_BYTES), (b"302 No", KEEP_BYTES)):
        reader = AnswerReader()
        for _ in range(2):  # what was asked for holds for one answer
            reader.begin(True, 50_000)
            reader.feed(b"HTTP/1.1 " + status + b"\r\nContent-Length: 60000\r\n\r\n")
            reader.feed(b"x" * 60_000)
            assert (len(reader.kept), reader.seen, reader.complete) == (most, 60_000, True)
        reader.begin(True)
        reader.feed(b"HTTP/1.1 " + status + b"\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000)
        assert len(reader.kept) == KEEP_BYTES


def test_a_head_is_taken_up_to_its_bounds() -> None:
    """Those of `test_what_is_no_head` lie one beyond."""
    headers = b"".join(b"h%d: v\r\n" % number for number in range(HEADERS_MAX))
    found = read(HEAD + headers + b"\r\n")
    assert found.head is not None and len(found.head.headers) == HEADERS_MAX
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" * INTERIM_MAX
    for sizes in ((), (1,) * 200):
        found = read(interim + HEAD + b"content-length:0\r\n\r\n", sizes=sizes)
        assert found.head is not None and found.head.status == 200


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes(data: bytes, headed: bool) -> None:
    """Nothing but NotHttp is raised, and after a head nothing at all."""
    reader = AnswerReader()
    if headed:
        reader.feed(CHUNKED)
        reader.feed(data)
        return
    try:
        reader.feed(data)
    except NotHttp:
        assert reader.head is None
