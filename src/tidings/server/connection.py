"""One connection: its phases under their deadlines, and its calls, one after the other (ASGI 3).

A deadline is looked at by the server's tick, not by a timer of its own: hardly any call needs one.
"""

import asyncio
import socket
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol, cast

from tidings.server import refusals
from tidings.server.bounds import Bounds
from tidings.server.call import App, Call
from tidings.server.places import NOBODY, Places
from tidings.server.reader import Pairs, Request, RequestReader
from tidings.server.refusals import Refused
from tidings.server.writer import AnswerWriter

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_ASK_AGAIN_S = 0.02
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class Host(Protocol):
    """What a connection knows of its server."""

    app: App
    bounds: Bounds
    headers: Sequence[tuple[bytes, bytes]]
    places: "Places[Connection]"
    date: bytes
    stopping: bool
    unread: "dict[Connection, int]"

    def keeps(self, method: str, path: str) -> bool:
        """Whether a place is kept for such a call."""

    def remote(self, peer: str, headers: Pairs) -> str:
        """The address that a call came from, as far as it is known."""

    def shared(self, peer: str) -> bool:
        """Whether a peer stands for many."""

    def swollen(self) -> None:
        """One more connection's peer does not read."""

    def gone(self) -> None:
        """A connection has ended."""


class Phase(IntEnum):
    """What a connection waits for."""

    HEAD = 0  # its peer has to send a request
    BODY = 1  # its peer has to send the rest of it
    WORK = 2  # the application
    UNREAD = 3  # its peer has to read the answer
    IDLE = 4  # nothing
    ENDING = 5  # its peer has to read why, and to close
    CLOSED = 6


_UNFINISHED = (Phase.HEAD, Phase.BODY, Phase.UNREAD, Phase.ENDING)


class Connection(asyncio.Protocol):
    """See `asyncio.Protocol`."""

    def __init__(
        self,
        host: Host,
        sock: socket.socket,
        peer: tuple[str, int],
        here: tuple[str, int],
        first: bytes,
    ) -> None:
        """`first` has been read from it already."""
        self._host = host
        self._sock = sock
        self._first = first
        self._peer = peer
        self._here = here
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(host.bounds)
        self._call: Call | None = None
        self._calls = 0
        self._turn_s = 0.0  # since when the next one waits for its turn
        self._pending: Refused | None = None  # to be answered after what came before it
        self._phase = Phase.CLOSED
        self._since_s = 0.0
        self._moved = 0  # bytes that came, in this phase
        self._unread = 0  # bytes that waited for the peer, as it began
        self._heard_s = self._read_s = 0.0
        self._paused = False  # reading is paused
        self._drained: asyncio.Event | None = None  # set where the peer reads again
        self.address = peer[0]
        host.places.enter(self)
        self._stand(Phase.HEAD)

    # -- asyncio.Protocol -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be written to from here on."""
        self._transport = cast(asyncio.Transport, transport)
        bounds = self._host.bounds
        self._transport.set_write_buffer_limits(bounds.high_water, bounds.low_water)
        if self._phase is Phase.CLOSED:  # it has given way meanwhile
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, and see where that leads."""
        if self._phase is Phase.ENDING:
            self._heard_s = self._loop.time()
            return
        if self._phase is Phase.CLOSED:
            return
        self._moved += len(data)
        if self._first:
            data, self._first = self._first + data, b""
        self._read(data)

    def eof_received(self) -> bool:
        """The peer sends no more. What it has asked for is still answered, if it can be."""
        self.begin()
        if self._phase is Phase.ENDING or self._call is None or not self._call.request.complete:
            return False
        self._call.keep = False
        self._call.leave()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, by whichever side."""
        self._phase = Phase.CLOSED
        self._host.places.leave(self)
        self._host.unread.pop(self, None)
        if self._call is not None:
            self._call.leave()
            self._finished(self._call)
        if self._drained is not None:
            self._drained.set()
        self._host.gone()

    def pause_writing(self) -> None:
        """The peer does not read as fast as it is answered."""
        assert self._transport is not None
        self._drained = asyncio.Event()
        if self._phase is not Phase.ENDING:
            self._stand(Phase.UNREAD)
        self._host.unread[self] = self._transport.get_write_buffer_size()
        self._host.swollen()
        self._hold_where_due()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._host.unread.pop(self, None)
        if self._drained is not None:
            self._drained.set()
            self._drained = None
        if self._phase is Phase.UNREAD:
            self._stand_by_call()
            if self._call is None:
                self._go_on()
            else:
                self._hold_where_due()

    # -- used by the server -----------------------------------------------------------------------

    def begin(self) -> None:
        """Read what had come before it was made, if nothing more has come since."""
        if self._first:
            self.data_received(b"")

    def look(self, now_s: float) -> None:
        """End it where its peer is late."""
        bounds, waited = self._host.bounds, now_s - self._since_s
        if self._phase is Phase.HEAD and waited > bounds.head_s:
            if self._reader.began:
                self._refuse(refusals.too_slow("head"))
            else:
                self.abort()  # it has asked nothing
        elif self._phase is Phase.BODY and self._late(now_s):
            self._refuse(refusals.too_slow("body"))
        elif self._phase is Phase.UNREAD and self._late(now_s):
            self.abort()
        elif self._phase is Phase.IDLE and waited > bounds.idle_s:
            self.abort()
        elif self._phase is Phase.ENDING and self._ended(now_s):
            self.abort()

    def _late(self, now_s: float) -> bool:
        """Whether its peer moved too little since it was asked last."""
        if now_s - self._since_s <= self._host.bounds.grace_s:
            return False
        unread = self._transport.get_write_buffer_size() if self._transport is not None else 0
        moved = self._moved if self._phase is Phase.BODY else self._unread - unread
        self._since_s, self._moved, self._unread = now_s, 0, unread
        return self._host.bounds.late(moved)

    def _ended(self, now_s: float) -> bool:
        """Whether its peer has had the time to read the last answer, and to end."""
        bounds = self._host.bounds
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._read_s = self._heard_s = now_s
            return self._late(now_s)
        waited, quiet = now_s - self._read_s, now_s - self._heard_s
        return waited > bounds.linger_s or quiet > bounds.linger_quiet_s

    def yields(self) -> bool:
        """Give the place to another one; not where its peer has just gone on.

        What has come may lie unread while the loop is busy: an age alone would blame the peer.
        """
        if self._phase in (Phase.HEAD, Phase.BODY, Phase.IDLE):
            if self._transport is not None and self._transport.get_write_buffer_size():
                return False  # its answer is about to leave
            try:
                if self._sock.recv(1, _PEEK):
                    return False
            except OSError:
                pass  # nothing
        elif self._phase not in _UNFINISHED:
            return False
        self.abort()
        return True

    def shut(self) -> None:
        """The server stops: end after the call that is worked on."""
        if self._call is not None:
            self._call.keep = False
        elif self._phase is Phase.IDLE:
            self._end(at_once=True)
        elif self._phase is Phase.HEAD:
            self.abort()

    def abort(self) -> None:
        """Close now. Idempotent."""
        self._host.places.leave(self)
        self._host.unread.pop(self, None)
        self._phase = Phase.CLOSED
        if self._transport is not None:
            self._transport.abort()

    # -- reading ----------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        reader = self._reader
        try:
            reader.feed(data)
        except Refused as refused:
            self._pending = refused
            if not (reader.requests and reader.requests[0].complete):
                self._refuse(refused)
                return
        if self._call is None:
            self._next()
        else:
            self._call.wake()
            if self._phase is Phase.BODY and self._call.request.complete:
                self._stand(Phase.WORK)
        self._hold_where_due()

    def taken(self) -> None:
        """The application has taken what there was of the body: there is room for more."""
        if self._paused:
            self._hold_where_due()
            self._stand_by_call()

    def _hold_where_due(self) -> None:
        """Read no further while there is enough to do; the peer then has to wait."""
        reader, call = self._reader, self._call
        ahead = call is not None and call.request.waiting >= self._host.bounds.ahead_bytes
        due = ahead or self.behind or reader.holds or len(reader.requests) > 1
        if self._phase in (Phase.ENDING, Phase.CLOSED):
            due = False
        if due is not self._paused and self._transport is not None:
            self._paused = due
            if due:
                self._transport.pause_reading()
                if ahead and self._phase is Phase.BODY:
                    self._stand(Phase.WORK)
            elif not self._transport.is_closing():
                self._transport.resume_reading()

    # -- calls ------------------------------------------------------------------------------------

    def _next(self, again: bool = False) -> None:
        """Begin the next call, if its head is there."""
        if self.behind or (self._turn_s and not again):
            return  # `resume_writing` goes on, or `_wait_for_turn`
        if not self._reader.requests:
            if self._reader.began and self._phase is Phase.IDLE:
                self._stand(Phase.HEAD)
            return
        request, host = self._reader.requests[0], self._host
        self.address = host.remote(self._peer[0], request.headers)
        kept = host.keeps(request.method, request.path)
        if host.stopping:
            self._refuse(refusals.stopping())
            return
        if not kept and not host.places.admits_another():
            self._wait_for_turn()
            return
        self._turn_s = 0.0
        self._calls += 1
        self._call = call = Call(self, request, kept)
        if not kept:
            host.places.others += 1
        self._stand(Phase.WORK if request.complete else Phase.BODY)
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": request.version,
            "method": request.method,
            "scheme": "http",
            "path": request.path,
            "raw_path": request.raw_path,
            "query_string": request.query,
            "root_path": "",
            "headers": request.headers,
            "client": self._peer,
            "server": self._here,
        }
        call.task = self._loop.create_task(call.run(host.app, scope))

    def _wait_for_turn(self) -> None:
        """Ask again in a moment; not for ever."""
        now_s = self._loop.time()
        if not self._turn_s:
            self._turn_s = now_s
            self._stand(Phase.WORK)
        elif now_s - self._turn_s > self._host.bounds.turn_s:
            self._refuse(refusals.no_place())
            return
        self._loop.call_later(_ASK_AGAIN_S, self._read_kept)

    def start(self, call: Call, status: int, headers: Pairs) -> bytes:
        """The head of a call's answer."""
        request = call.request
        keep = request.keep and call.keep and request.complete and not self._host.stopping
        return call.writer.head(request, status, headers, self._host.date, keep)

    def write(self, data: bytes) -> None:
        """Send, if there is somebody."""
        if self._transport is not None and self._phase not in (Phase.ENDING, Phase.CLOSED):
            self._transport.write(data)

    @property
    def behind(self) -> bool:
        """Whether the peer does not read as fast as it is answered."""
        return self._drained is not None

    async def drain(self) -> None:
        """Wait until the peer reads."""
        if self._drained is not None:
            await self._drained.wait()

    def answered(self, call: Call) -> None:
        """A call's answer is written."""
        if self._call is not call:
            return
        self._finished(call)
        if self._phase in (Phase.ENDING, Phase.CLOSED):
            return
        self._reader.requests.popleft()
        if not call.writer.keep:
            self._end(at_once=call.request.complete and not self._paused)
            return
        self._stand_by_call()
        self._go_on()

    def _go_on(self) -> None:
        """Begin what has come meanwhile."""
        self._hold_where_due()
        if self._reader.requests or self._reader.holds:
            self._loop.call_soon(self._read_kept)
        elif self._pending is not None:
            self._refuse(self._pending)

    def _read_kept(self) -> None:
        if self._call is None and self._phase not in (Phase.ENDING, Phase.CLOSED):
            self._read(b"")
            if self._turn_s:
                self._next(again=True)

    def failed(self) -> tuple[int, Pairs, bytes]:
        """The answer where the application gives none."""
        return refusals.answer(refusals.failed(), self._host.headers)

    def broken(self, call: Call) -> None:
        """A call's answer cannot be completed: its peer must see that."""
        if self._call is call:
            self.abort()

    def _finished(self, call: Call) -> None:
        self._call = None
        call.over = True
        call.wake()
        if not call.kept:
            self._host.places.others -= 1

    # -- how it stands, and how it ends -----------------------------------------------------------

    def _stand_by_call(self) -> None:
        call = self._call
        if self.behind:
            self._stand(Phase.UNREAD)
        elif call is None:
            self._stand(Phase.HEAD if self._reader.began else Phase.IDLE)
        else:
            self._stand(Phase.WORK if call.request.complete or self._paused else Phase.BODY)

    def _stand(self, phase: Phase) -> None:
        self._phase = phase
        self._since_s = self._loop.time()
        self._moved = 0
        places = self._host.places
        if phase is Phase.WORK:
            places.work(self)
        elif phase is Phase.IDLE:
            places.rest(self, proven=self._calls > 1)
            if self._host.stopping:
                self._end(at_once=True)
        else:
            if phase in (Phase.UNREAD, Phase.ENDING) and self._transport is not None:
                self._unread = self._transport.get_write_buffer_size()
                self._heard_s = self._read_s = self._since_s
            elif phase is Phase.HEAD:
                peer = self._peer[0]
                self.address = NOBODY if self._host.shared(peer) else peer
            places.wait(self, self.address, self._since_s)

    def _refuse(self, refused: Refused) -> None:
        """Answer instead of the application, and end."""
        call = self._call
        if call is not None:
            started, request = call.started, call.request
            call.leave()
            self._finished(call)
            if started:
                self.abort()
                return
        else:
            waiting = self._reader.requests
            request = waiting[0] if waiting else Request()
        status, headers, body = refusals.answer(refused, self._host.headers)
        writer = AnswerWriter()
        head = writer.head(request, status, headers, self._host.date, False)
        self.write(head + writer.body(body, False))
        self._end(at_once=False)

    def _end(self, *, at_once: bool) -> None:
        """Close once all is written; not at once where the peer still sends, or it reads nothing.

        Bytes that arrive at a closed connection are answered by a reset, and a reset takes back
        what the peer has not read yet (RFC 9112, section 9.6).
        """
        if self._transport is None or self._phase is Phase.CLOSED:
            return
        self._stand(Phase.ENDING)
        if self._phase is not Phase.ENDING:
            return
        if at_once or not self._transport.can_write_eof():
            self._transport.close()
            return
        self._hold_where_due()
        self._transport.write_eof()
