"""One connection to a receiver: a request goes out, and what comes back is an ending, once.

One deadline bounds it all; a body has two seconds and 64 KiB besides, or what was asked for. The
body of a 2xx answer is evidence that nobody has asked for: the ending is known at the head, and the
rest is taken off the connection behind it, within the same bounds.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from enum import IntEnum
from time import monotonic
from typing import cast

from tidings.core.delivery.exchange import Ending, ReceiverAnswer, TransportFault
from tidings.egress import faults
from tidings.egress.answer import KEEP_BYTES, AnswerReader, NotHttp

READ_BYTES = 64 * 1024
READ_S = 2.0  # for a body, however far the deadline
LOOK_AFTER_S = 0.05  # a receiver that keeps connections does not close one sooner
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class _State(IntEnum):
    IDLE = 0
    BUSY = 1  # an attempt waits for its ending
    LINGERING = 2  # it has ended; the rest of the body is on its way
    CLOSED = 3


class Wire(asyncio.Protocol):
    """One connection. `released` is told when it can be used again, `gone` when it is closed."""

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        tls: bool,
        released: "Callable[[Wire], None]",
        gone: "Callable[[Wire], None]",
    ) -> None:
        self.address = address
        self.idle_since_s = 0.0
        self.connect_ms: float | None = None  # what it took to make it; set by who did
        self.tls_ms: float | None = None
        self._sock = sock
        self._tls = tls
        self._released = released
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._state = _State.IDLE
        self._exchanges = 0  # answers read to their end
        self._spoke_first = False
        self._timer: asyncio.TimerHandle | None = None
        self._rings_s = 0.0  # when it rings, by the monotonic clock
        self._answered: asyncio.Future[Ending] | None = None
        self._started = self._until = 0.0
        self._duration_ms = 0.0

    # -- used by the outlet -----------------------------------------------------------------------

    def exchange(
        self,
        request: bytes,
        *,
        keep: bool,
        started: float,
        deadline: float,
        most: int = KEEP_BYTES,
    ) -> asyncio.Future[Ending]:
        """Send `request` on a connection that is `usable`, or new and not `ended_early`,
        with nothing awaited between; the future holds how it ended, and never raises.

        `started` and `deadline` are on the monotonic clock. With `keep`, and for whatever is not
        2xx, it ends with headers and body, else with the status alone; of a 2xx with `most` bytes.
        """
        self._reader.begin(keep, most)
        self._started, self._until = started, deadline
        self._answered = answered = self._loop.create_future()
        self._state = _State.BUSY
        if self._timer is None or self._rings_s > deadline:
            self._ring_at(deadline)
        assert self._transport is not None
        self._transport.write(request)
        return answered

    def ended_early(self, started: float) -> TransportFault | None:
        """Return whether a new connection has ended before an attempt begun at `started` could be
        written: it was closed, or the other side spoke first."""
        if self._state is _State.IDLE:
            return None
        early = faults.no_http if self._spoke_first else faults.closed
        return early((monotonic() - started) * 1e3, sent=False)

    @property
    def closed(self) -> bool:
        """Return whether it has ended."""
        return self._state is _State.CLOSED

    @property
    def lingering(self) -> bool:
        """Return whether its attempt has ended and only the rest of a body keeps it busy."""
        return self._state is _State.LINGERING

    @property
    def usable(self) -> bool:
        """Return whether it is idle, still open, and nothing lies on it that nobody asked for."""
        if self._state is not _State.IDLE:
            return False
        if self._exchanges > 1 and monotonic() - self.idle_since_s < LOOK_AFTER_S:
            return True
        try:
            # Its end may be here already, unread: nothing has left yet, so another one is taken.
            waits = self._sock.recv(1, _PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return self._tls and waits != b""  # TLS has messages of its own

    def close(self, ending: Ending | None = None) -> None:
        """Close now. An attempt under way ends with `ending`, or as closed by us. Idempotent."""
        if self._state is _State.CLOSED:
            return
        self._state = _State.CLOSED
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()
        if self._answered is not None:
            self._end(ending or faults.ours_closed(self._taken_ms()))
        self._gone(self)

    # -- asyncio.Protocol -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read on, and see where that leads."""
        if self._state is _State.IDLE:
            self._spoke_first = True
            self.close()  # nothing was asked: whatever this is, it answers nothing
            return
        if self._state is _State.CLOSED:
            return
        reader = self._reader
        headless = reader.head is None
        try:
            reader.feed(data)
        except NotHttp:
            self.close(faults.no_http(self._taken_ms()))
            return
        if reader.head is None:
            return
        if headless:
            self._duration_ms = self._taken_ms()
            if not reader.collects:
                self._state = _State.LINGERING
                answer = ReceiverAnswer(
                    reader.head.status,
                    (),
                    b"",
                    truncated=not reader.head.empty,
                    duration_ms=self._duration_ms,
                )
                self._end(answer)
        if reader.complete:
            self._finish(ended=True)
        elif reader.broken or self._too_long():
            self._finish(ended=False)
        elif headless:
            self._bound_body()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the receiver, or the network, has closed it."""
        if self._state is _State.BUSY and self._reader.head is None:
            self.close(self._lost(exc))
        elif self._state is _State.BUSY:
            self._finish(ended=exc is None and self._reader.ended())
        else:
            self.close()

    # -- how it ends ------------------------------------------------------------------------------

    def _finish(self, *, ended: bool) -> None:
        """The answer is over, or as much of it as is read."""
        reader = self._reader
        if self._answered is not None and reader.head is not None:
            kept = bytes(reader.kept)
            headers = tuple([(_text(name), _text(value)) for name, value in reader.head.headers])
            truncated = not ended or reader.seen > len(kept)
            self._end(
                ReceiverAnswer(
                    reader.head.status,
                    headers,
                    kept,
                    truncated=truncated,
                    duration_ms=self._duration_ms,
                )
            )
        if not reader.reusable:
            self.close()
            return
        self._state = _State.IDLE
        self._exchanges += 1
        self._released(self)

    def _too_long(self) -> bool:
        """Return whether the rest of the body is worth neither its evidence nor its connection."""
        reader = self._reader
        if reader.collects:
            return reader.seen >= READ_BYTES and reader.seen > reader.most
        assert reader.head is not None
        return max(reader.seen, reader.head.length or 0) > KEEP_BYTES

    def _bound_body(self) -> None:
        until = monotonic() + READ_S
        if until < self._until:
            self._until = until
            self._ring_at(until)

    def _ring_at(self, until: float) -> None:
        """Look at `until` (monotonic) whether the time is over.

        The timer of one exchange is left to the next: most end long before, and to set and stop one
        for each would cost as much as to read an answer. One that rings early is set anew.
        """
        self._stop_timer()
        self._rings_s = until
        self._timer = self._loop.call_later(max(0.001, until - monotonic()), self._late)

    def _late(self) -> None:
        """The deadline, or a body's time, may be over."""
        self._timer = None
        if self._state is _State.IDLE:
            return
        if self._until > monotonic():
            # Of a later exchange; and the loop's timers count whole milliseconds, up to one early.
            self._ring_at(self._until)
        elif self._reader.head is None:
            self.close(faults.no_answer(self._taken_ms()))
        else:
            self._finish(ended=False)

    def _lost(self, exc: Exception | None) -> TransportFault:
        if self._exchanges and not self._reader.has_bytes:
            return faults.stale(self._taken_ms())
        if isinstance(exc, ssl.SSLError):
            return faults.alert(self._taken_ms())
        return faults.closed(self._taken_ms())

    def _taken_ms(self) -> float:
        return (monotonic() - self._started) * 1e3

    def _end(self, ending: Ending) -> None:
        answered, self._answered = self._answered, None
        if answered is not None and not answered.done():
            answered.set_result(ending)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _text(value: bytes) -> str:
    """As text; bytes outside of ASCII have no agreed meaning (RFC 9110, section 5.5)."""
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        return "?"
