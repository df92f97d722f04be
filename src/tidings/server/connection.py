"""One connection: its phases under their deadlines, and its calls, one after the other (ASGI 3).

A deadline is looked at by the server's tick, not by a timer of its own: hardly any call needs one.
"""

import asyncio
import socket
from collections.abc import Hashable
from contextlib import suppress
from typing import cast

from tidings.server import refusals
from tidings.server.call import AsgiCall, ConnectionCall, DirectCall
from tidings.server.host import UNFINISHED, ConnectionHost, Phase
from tidings.server.places import NOBODY
from tidings.server.reader import HttpRequest, Pairs, RequestReader
from tidings.server.refusals import RejectedRequest
from tidings.server.writer import AnswerWriter

_IDLE, _WORK, _QUEUED = Phase.IDLE, Phase.WORK, Phase.QUEUED  # not looked up for each call
_ENDING, _CLOSED = Phase.ENDING, Phase.CLOSED
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class HttpConnection(asyncio.BufferedProtocol):
    """See `asyncio.BufferedProtocol`.

    One call is worked on at a time, and the next one is begun when the answer has left for the
    system: who does not read costs the bytes of one answer. Reads go by way of one buffer of the
    server's, so that what is kept for later is bounded by it.
    """

    def __init__(
        self,
        host: ConnectionHost,
        sock: socket.socket,
        peer: tuple[str, int],
        here: tuple[str, int],
        first: bytes,
    ) -> None:
        """`first` has been read from it already."""
        self._host = host
        self._sock = sock
        self._first = first
        self.peer = peer
        self.here = here
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(host.bounds, host.admit)
        self._call: ConnectionCall | None = None
        self._calls = 0
        self._fresh = False  # the call that waits for its turn came alone
        self._caller: Hashable | None = None  # whose the call is that waits, if he is known
        self._heard_end = False  # its peer sends no more, and still waits for that call
        self._pending: RejectedRequest | None = None  # to be answered after what came before it
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

    # -- asyncio.BufferedProtocol -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that it can be written to from here on."""
        self._transport = cast(asyncio.Transport, transport)
        # Told of the first byte that the system, or TLS, does not take: see `UnreadAnswers`.
        self._transport.set_write_buffer_limits(0 if self._transport.can_write_eof() else 1, 0)
        if self._phase is Phase.CLOSED:  # it has given way meanwhile
            self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer of the next read, one for all: what came is taken at once."""
        return self._host.view

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        if self._phase is _ENDING or self._phase is _CLOSED:
            self._heard_s = self._loop.time()
            return
        data = bytes(self._host.view[:nbytes])
        self._moved += nbytes
        if self._first:
            data, self._first = self._first + data, b""
        self._read(data)

    def eof_received(self) -> bool:
        """Note that the peer sends no more. What it has asked for is answered, if it can be."""
        self.begin()
        if self._phase is Phase.QUEUED and self._reader.requests[0].complete:
            self._heard_end = True
            return True
        if self._phase is Phase.ENDING or self._call is None or not self._call.request.complete:
            return False
        self._call.keep = False
        self._call.leave()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it has ended, by whichever side."""
        self._phase = Phase.CLOSED
        self._host.places.leave(self)
        self._host.unread.drop(self)
        self._reader.close()
        if self._call is not None:
            self._call.leave()
            self._finished(self._call)
        if self._drained is not None:
            self._drained.set()
        self._host.gone()

    def pause_writing(self) -> None:
        """Pause: the peer does not read as fast as it is answered."""
        assert self._transport is not None
        self._drained = asyncio.Event()
        if self._phase is not Phase.ENDING:
            self._stand(Phase.UNREAD)
        self._host.unread.put(self, self.address, self._transport.get_write_buffer_size())
        self._host.swollen()
        self._hold_where_due()

    def resume_writing(self) -> None:
        """Resume: the peer has caught up."""
        self._host.unread.drop(self)
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
            self.buffer_updated(0)

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
        elif self._phase is Phase.QUEUED and waited > self._turn_s:
            self._refuse(refusals.no_place())
        elif self._phase is Phase.ENDING and self._ended(now_s):
            self.abort()

    @property
    def _turn_s(self) -> float:
        """Return how long its call may wait for its turn, in seconds."""
        bounds = self._host.bounds
        if not self._fresh:
            return bounds.idle_s
        return bounds.queue_s if self._host.places.admits_another() else bounds.turn_s

    def _late(self, now_s: float) -> bool:
        """Return whether its peer moved too little since it was asked last."""
        if now_s - self._since_s <= self._host.bounds.grace_s:
            return False
        unread = self._transport.get_write_buffer_size() if self._transport is not None else 0
        moved = self._moved if self._phase is Phase.BODY else self._unread - unread
        self._since_s, self._moved, self._unread = now_s, 0, unread
        return self._host.bounds.late(moved)

    def _ended(self, now_s: float) -> bool:
        """Return whether its peer has had the time to read the last answer, and to end."""
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
            if self._first:
                return False  # it has spoken, and was not heard yet
            if self._transport is not None and self._transport.get_write_buffer_size():
                return False  # its answer is about to leave
            with suppress(OSError):  # nothing has come
                if self._sock.recv(1, _PEEK):
                    return False
        elif self._phase is Phase.QUEUED and self._fresh:
            if self._loop.time() - self._since_s < self._host.bounds.hurry_s:
                return False
            self._refuse(refusals.no_place())
            return True
        elif self._phase is not Phase.QUEUED and self._phase not in UNFINISHED:
            return False
        self.abort()
        return True

    def shut(self) -> None:
        """Shut, as the server stops: end after the call that is worked on."""
        if self._call is not None:
            self._call.keep = False
        elif self._phase is Phase.IDLE:
            self._end(at_once=True)
        elif self._phase is Phase.HEAD:
            self.abort()
        elif self._phase is Phase.QUEUED:
            self._refuse(refusals.stopping())

    def abort(self) -> None:
        """Close now. Idempotent."""
        self._host.places.leave(self)
        self._host.unread.drop(self)
        self._phase = Phase.CLOSED
        if self._transport is not None:
            self._transport.abort()

    # -- reading ----------------------------------------------------------------------------------

    def _read(self, data: bytes, fresh: bool = True) -> None:
        reader = self._reader
        try:
            reader.feed(data)
        except RejectedRequest as refused:
            self._pending = refused.without_frames()
            if not (reader.requests and reader.requests[0].complete):
                self._refuse(refused)
                return
        if self._call is None:
            self._next(fresh)
            if not (self._paused or reader.kept or len(reader.requests) > 1):
                if self._phase is _WORK and self._drained is None:
                    return  # nearly always: the whole call has come, and nothing else
        else:
            self._call.wake()
            if self._phase is Phase.BODY and self._call.request.complete:
                self._stand(_WORK)
        self._hold_where_due()

    def taken(self) -> None:
        """Note that the application has taken what there was of the body: there is room."""
        if self._paused:
            self._hold_where_due()
            self._stand_by_call()

    def _hold_where_due(self) -> None:
        """Read no further while there is enough to do; the peer then has to wait."""
        reader, call = self._reader, self._call
        phase = self._phase
        ahead = call is not None and call.request.waiting >= self._host.bounds.ahead_bytes
        due = ahead or self._drained is not None or phase is _QUEUED
        due = due or bool(reader.kept) or len(reader.requests) > 1
        if phase is _ENDING or phase is _CLOSED:
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

    def _next(self, fresh: bool) -> None:
        """Begin the next call, if its head is there and it has a turn.

        `fresh`: it did not come behind another one.
        """
        if self._drained is not None or self._phase is _QUEUED:
            return  # `resume_writing` goes on, or `begin_queued`
        reader, host = self._reader, self._host
        if not reader.requests:
            if reader.began and self._phase is _IDLE:
                self._stand(Phase.HEAD)
            return
        request = reader.requests[0]
        self.address = host.remote((request.peer or self.peer)[0], request.headers)
        kept = host.keeps(request.method, request.path)
        if host.stopping:
            self._refuse(refusals.stopping())
            return
        fresh = fresh and not reader.kept and len(reader.requests) == 1
        # What is sent behind others is not asked by a probe; events are, and have bodies.
        hurries = kept and (fresh or request.length > 0 or request.chunked)
        if hurries:
            self._caller = None
            begins = host.turns.kept.take(fresh)
            if not begins:
                host.turns.kept.wait(self, fresh)
        else:
            begins = self._takes_turn(request, kept, fresh)
        if begins:
            self._begin(request, kept)
            return
        self._fresh = fresh
        self._stand(_QUEUED)
        host.queued()

    def _takes_turn(self, request: HttpRequest, kept: bool, fresh: bool) -> bool:
        """Take a turn for a call that nobody hurries for; stand in line where there is none."""
        host, turns = self._host, self._host.turns
        self._caller = caller = host.known(request.headers)
        if caller is not None:
            if turns.known.take(caller, host.places.room):
                return True
            turns.known.wait(self, caller)
            return False
        if (kept or host.places.admits_another()) and turns.others.take(fresh):
            return True
        turns.others.wait(self, fresh)
        return False

    def begin_queued(self) -> bool:
        """Begin the call that waits for its turn; return False where that is not so any more."""
        if self._phase is not _QUEUED:
            return False
        request, host = self._reader.requests[0], self._host
        self._begin(request, host.keeps(request.method, request.path))
        if self._heard_end and self._call is not None:
            self._call.keep = False
            self._call.leave()
        self._hold_where_due()
        return True

    def _begin(self, request: HttpRequest, kept: bool) -> None:
        host = self._host
        self._calls += 1
        if not kept:
            host.places.others += 1
        if request.complete and host.direct is not None:
            self._call = direct = DirectCall(self, request, kept, self._caller)
            self._stand(_WORK)
            if direct.begin(host.direct):
                return
        self._call = call = AsgiCall(self, request, kept, self._caller)
        self._stand(_WORK if request.complete else Phase.BODY)
        call.task = self._loop.create_task(call.run(host.app))

    def start(self, call: ConnectionCall, status: int, headers: Pairs) -> bytes:
        """Start a call's answer with its head."""
        request = call.request
        keep = request.keep and call.keep and request.complete and not self._host.stopping
        return call.writer.head(request, status, headers, self._host.date, keep)

    def write(self, *parts: bytes) -> None:
        """Send, if there is somebody."""
        phase = self._phase
        if self._transport is not None and phase is not _ENDING and phase is not _CLOSED:
            if len(parts) == 1:
                self._transport.write(parts[0])
            else:
                self._transport.writelines(parts)

    @property
    def behind(self) -> bool:
        """Return whether the peer does not read as fast as it is answered."""
        return self._drained is not None

    async def drain(self) -> None:
        """Wait until the peer reads."""
        if self._drained is not None:
            await self._drained.wait()

    def answered(self, call: ConnectionCall) -> None:
        """Note that a call's answer is written."""
        if self._call is not call:
            return
        self._finished(call)
        phase, reader = self._phase, self._reader
        if phase is _ENDING or phase is _CLOSED:
            return
        reader.requests.popleft()
        if not call.writer.keep:
            self._end(at_once=call.request.complete and not self._paused)
            return
        if self._drained is None and not reader.began:
            self._stand(_IDLE)
            if not (self._paused or reader.kept or reader.requests or self._pending):
                return  # nearly always: nothing has come meanwhile
        else:
            self._stand_by_call()
        self._go_on()

    def _go_on(self) -> None:
        """Begin what has come meanwhile."""
        self._hold_where_due()
        if self._reader.requests or self._reader.kept:
            self._loop.call_soon(self._read_kept)
        elif self._pending is not None:
            self._refuse(self._pending)

    def _read_kept(self) -> None:
        phase = self._phase
        if self._call is None and phase is not _ENDING and phase is not _CLOSED:
            self._read(b"", fresh=False)

    def failed(self) -> tuple[int, Pairs, bytes]:
        """Answer where the application has failed to."""
        return refusals.answer(refusals.failed(), self._host.headers)

    def broken(self, call: ConnectionCall) -> None:
        """Break off a call's answer that cannot be completed: its peer must see that."""
        if self._call is call:
            self.abort()

    def _finished(self, call: ConnectionCall) -> None:
        self._call = None
        call.end()
        if not call.kept:
            self._host.places.others -= 1
        if call.caller is not None:
            self._host.turns.known.ended(call.caller)

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
        worked = self._phase is _WORK
        self._phase = phase
        self._since_s = self._loop.time()
        self._moved = 0
        places = self._host.places
        if phase is _WORK:
            places.work(self)
        elif phase is _IDLE:
            places.rest(self, proven=self._calls > 1, worked=worked)
            if self._host.stopping:
                self._end(at_once=True)
        elif phase is _QUEUED:
            places.queue(self, fresh=self._fresh, known=self._caller is not None)
        else:
            if phase in (Phase.UNREAD, Phase.ENDING) and self._transport is not None:
                self._unread = self._transport.get_write_buffer_size()
                self._heard_s = self._read_s = self._since_s
            elif phase is Phase.HEAD:
                peer = self.peer[0]
                self.address = NOBODY if self._host.shared(peer) else peer
            places.wait(self, self.address, self._since_s)

    def _refuse(self, refused: RejectedRequest) -> None:
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
            request = waiting[0] if waiting else HttpRequest()
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
