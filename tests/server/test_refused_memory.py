"""What is refused is gone with its connection: no exception keeps a frame, and with it the bytes
that were read, until the collector looks for it."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from tidings.server import connection as connections
from tidings.server import listener
from tidings.server.reader import RequestReader

from .support import GET, QUICK, Client, serving, until

BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000
CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SENT = {
    "no HTTP": b"hello\r\n\r\n",
    "a broken header": b"GET / HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n",
    "another version": b"GET / HTTP/1.9\r\nHost: a\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a bad host": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a long target": b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a large head": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    "another coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "an expectation": b"POST / HTTP/1.1\r\nHost: a\r\nExpect: much\r\n\r\n",
    "a broken chunk": CHUNKS + b"5\r\nhello\r\nnonsense\r\n",
    "chunks without data": CHUNKS + b"1;" + b"x" * 40_000,
    "no HTTP behind a call": GET + b"hello\r\n\r\n",
    "two hosts behind a call": GET + b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "half a head": b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
    "half a body": BODY,
    "a whole call": GET,
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["weakref.ref[Any]"]]:
    """All connections that are made, and what reads for them, while nothing is collected."""
    found: list[weakref.ref[Any]] = []

    class SeenReader(RequestReader):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            found.append(weakref.ref(self))

    class SeenConnection(connections.HttpConnection):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            found.append(weakref.ref(self))

    monkeypatch.setattr(connections, "RequestReader", SeenReader)
    monkeypatch.setattr(listener, "HttpConnection", SeenConnection)
    gc.collect()
    gc.disable()
    yield found
    gc.enable()


@pytest.mark.parametrize("sent", SENT)
async def test_a_connection_that_has_ended_is_kept_by_nothing(
    sent: str, made: list["weakref.ref[Any]"]
) -> None:
    async with serving(**QUICK) as server:
        client = await Client.to(server)
        client.write(SENT[sent])
        await client.ended()
        await until(lambda: not len(server.places), "the end of the connection")
        await asyncio.sleep(0.05)
        assert len(made) == 2
        await until(lambda: [ref() for ref in made] == [None, None], "its end")
