"""The server's sockets: connections come in, those that are late go, and it stops in order."""

import asyncio
import contextlib
import errno
import os
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from email.utils import formatdate
from time import monotonic

from tidings.server.bounds import Bounds
from tidings.server.call import App, DirectApp
from tidings.server.connection import HttpConnection
from tidings.server.listening import make_listening
from tidings.server.places import ConnectionPlaces
from tidings.server.reader import Admit, Pairs
from tidings.server.turns import ConnectionTurns
from tidings.server.unread import UnreadAnswers

BATCH = 64  # connections accepted before those that are open are looked at again
BATCH_OF_CROWD = 256  # the same while more come: who stands behind them waits for fewer rounds
BATCH_PRESSED = 8  # of those that wait to be opened, opened in a round while more come than that
TICK_S = 0.5
SHORT_S = 0.1  # how long nothing is accepted where descriptors have run out
CLOSED_S = 0.01  # how long one takes to be free
PLACE_AGAIN_S = 0.02  # how long nobody is asked whether there is a place for a call again
_SHORT = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class HttpServer:
    """One listening socket and what came in through it."""

    def __init__(
        self,
        app: App,
        *,
        host: str,
        port: int,
        bounds: Bounds | None = None,
        direct: DirectApp | None = None,
        keeps: Callable[[str, str], bool] = lambda method, path: False,
        remote: Callable[[str, Pairs], str] | None = None,
        shared: Callable[[str], bool] | None = None,
        known: Callable[[Pairs], Hashable | None] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
        tls: ssl.SSLContext | None = None,
        admit: Admit | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        """`direct` is asked first for calls that a place is kept for, where their body has come.

        `keeps` says for which method and path places are kept; `remote` whom a call is from;
        `known` who that is, by its headers, None for a stranger: it is asked of all but kept calls.

        `shared` says which peers stand for many, as proxies do: until a head tells who it is, none
        of their connections counts against an address. `headers` stand in what the server itself
        answers. With `tls`, nothing is read before the handshake. `admit` looks at each request as
        its head is whole: it may name another peer, and put down what it knows of the call, which
        the scope has under `extensions`. `listening`: a socket that listens already, and that
        others may share; it is this server's to close.
        """
        self.app = app
        self.admit = admit
        self._tls = tls
        self.direct = direct
        self.bounds = bounds or Bounds()
        self.places: ConnectionPlaces[HttpConnection] = ConnectionPlaces(self.bounds)
        self.keeps = keeps
        self.remote = remote or _peer
        self.shared = shared or _nobody
        self.known = known or _stranger
        self.headers = headers
        self.date = b""
        self.stopping = False
        self.turns: ConnectionTurns[HttpConnection] = ConnectionTurns()
        self.unread: UnreadAnswers[HttpConnection] = UnreadAnswers()
        self._whole_view = memoryview(bytearray(self.bounds.read_bytes))
        self._crowd_view = self._whole_view[: self.bounds.crowd_read_bytes]
        self.view = self._whole_view
        self._where = (host, port)
        self._here = (host, port)
        self._shared = listening
        self._socket: socket.socket | None = None
        self._accepting = False
        self._coming = select.poll()
        self._reserve = -1
        self._opening: set[asyncio.Task[None]] = set()
        self._unopened: deque[tuple[HttpConnection, socket.socket]] = deque()  # while many come
        self._pressed = False  # more come than are accepted in a round
        self._hurried: set[Hashable] = set()  # known callers let in at once, of this round
        self._tick_timer: asyncio.TimerHandle | None = None
        self._round: asyncio.Handle | None = None  # in which those in line have turns
        self._round_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._empty = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Listen. OSError where the address cannot be had."""
        listening = self._shared or make_listening(*self._where, self.bounds)
        self._socket = listening
        self._here = listening.getsockname()[:2]
        self._coming.register(listening, select.POLLIN)
        self._tick()
        self._accept_on()

    async def stop(self, seconds: float) -> None:
        """Accept nothing more, finish what is worked on within so many seconds, close the rest."""
        self.stopping = True
        self._accept_off()
        if self._socket is not None:
            self._socket.close()
        for place in self.places:
            place.shut()
        for _, sock in self._unopened:
            sock.close()
        self._unopened.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.places or self._opening:
                    self._empty.clear()
                    await self._empty.wait()
        for place in self.places:
            place.abort()
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        if self._round is not None:
            self._round.cancel()
        self._drop_reserve()

    # -- accepting --------------------------------------------------------------------------------

    def _accept_on(self) -> None:
        if not (self._accepting or self.stopping) and self._socket is not None:
            self._accepting = True
            self._loop.add_reader(self._socket.fileno(), self._accept)

    def _accept_off(self) -> None:
        if self._accepting and self._socket is not None:
            self._accepting = False
            self._loop.remove_reader(self._socket.fileno())

    def _accept(self) -> None:
        assert self._socket is not None
        self._hurried.clear()
        for number in range(BATCH_OF_CROWD if self._pressed else BATCH):
            if len(self.places) >= self.bounds.places:
                if number and not self._coming.poll(0):
                    self._pressed = False
                    return  # nobody gives way to none
                if not self._room() and self.places.spent:
                    self._pressed = False
                    self._accept_off()  # they wait in the system's queue
                    self._loop.call_later(CLOSED_S, self._accept_on)
                    return
            try:
                sock, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                self._pressed = False
                return
            except OSError as error:
                if error.errno in _SHORT:
                    self._short()
                    return
                continue  # it had gone before it was accepted
            self._take(sock, peer[:2])
        self._pressed = True

    def _take(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Give it a place, and read what is here already: whoever has spoken is heard."""
        sock.setblocking(False)
        try:
            first = b"" if self._tls else sock.recv(self.bounds.first_read_bytes)
        except (BlockingIOError, InterruptedError):
            first = b""
        except OSError:
            sock.close()
            return
        else:
            if not (first or self._tls):  # it has ended already
                sock.close()
                return
        connection = HttpConnection(self, sock, peer, self._here, first)
        self._set_view()
        if (self._pressed or self._unopened) and not self._hurries(first):
            self._unopened.append((connection, sock))
            self.queued()
        else:
            self._begin_opening(connection, sock)

    def _hurries(self, first: bytes) -> bool:
        """Return whether what has come first looks like a call that a place is kept for, or like
        the first of a known caller of whom none waits: it is not made to wait behind others that
        come. Nothing else follows from it: the call is judged when it begins."""
        line, *lines = first.partition(b"\r\n\r\n")[0].split(b"\r\n")
        method, path = line.partition(b" ")[::2]
        path = path.partition(b" ")[0].partition(b"?")[0]
        if self.keeps(method.decode("latin-1"), path.decode("latin-1")):
            return True
        pairs = [line.partition(b":")[::2] for line in lines]
        caller = self.known([(name.lower(), value.strip()) for name, value in pairs])
        if caller is None or caller in self._hurried or self.turns.known.keeps_waiting(caller):
            return False
        self._hurried.add(caller)
        return True

    def _begin_opening(self, connection: HttpConnection, sock: socket.socket) -> None:
        opening = self._loop.create_task(self._open(connection, sock))
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    async def _open(self, connection: HttpConnection, sock: socket.socket) -> None:
        bounds = self.bounds
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=self._tls,
                ssl_handshake_timeout=bounds.head_s if self._tls else None,
                ssl_shutdown_timeout=bounds.linger_quiet_s if self._tls else None,
            )
        except OSError:
            connection.abort()
            sock.close()
            return
        connection.begin()

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler({"message": "accept failed", "exception": error})

    def _room(self) -> bool:
        """Let one give way."""
        return any(connection.yields() for connection in self.places.give_way(self._loop.time()))

    def _short(self) -> None:
        """Descriptors have run out: let some go, and do not ask again at once."""
        self._accept_off()
        if self._room():
            self._loop.call_later(CLOSED_S, self._accept_on)
            return
        self._drop_reserve()  # one more can be accepted
        self._loop.call_later(SHORT_S, self._accept_on)

    def _drop_reserve(self) -> None:
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1

    # -- told by connections ----------------------------------------------------------------------

    def _set_view(self) -> None:
        crowded = len(self.places) >= self.bounds.crowd
        self.view = self._crowd_view if crowded else self._whole_view

    def queued(self) -> None:
        """See `host.ConnectionHost`."""
        if self._round is None:
            self._round_s = monotonic()
            self._round = self._loop.call_soon(self._give_turns)

    def _give_turns(self) -> None:
        """Begin the calls of those in line whose turn it is; the others wait for the next round."""
        now_s = monotonic()
        turns, admits = self.turns, self.places.admits_another
        turns.refill(now_s - self._round_s, pressed=self._pressed or bool(self._unopened))
        unopened = self._unopened
        for number in range(min(len(unopened), BATCH_PRESSED if self._pressed else BATCH)):
            # The oldest and the newest by turns: as in line.
            self._begin_opening(*(unopened.pop() if number % 2 else unopened.popleft()))
        turns.kept.next_ones(lambda: True, HttpConnection.begin_queued)
        turns.known.next_ones(lambda: self.places.room, HttpConnection.begin_queued)
        turns.others.next_ones(admits, HttpConnection.begin_queued)
        self._round = None
        may = bool(turns.known) and not turns.known.blocked
        if len(turns.kept) or self._unopened or ((may or len(turns.others)) and admits()):
            self._round_s = now_s
            self._round = self._loop.call_soon(self._give_turns)
        elif turns.known or len(turns.others):
            self._round = self._loop.call_later(PLACE_AGAIN_S, self._give_turns_again)

    def _give_turns_again(self) -> None:
        self._round_s = monotonic()
        self._give_turns()

    def swollen(self) -> None:
        """See `host.ConnectionHost`."""
        while self.unread.bytes > self.bounds.unread_bytes:
            greediest = self.unread.greediest()
            self.unread.drop(greediest)
            greediest.abort()

    def gone(self) -> None:
        """See `host.ConnectionHost`."""
        self._set_view()
        self._empty.set()
        self._accept_on()

    def _tick(self) -> None:
        self.date = formatdate(usegmt=True).encode()
        now_s = self._loop.time()
        for connection in (*self.places.unfinished, *self.places.idle(), *self.places.queued):
            connection.look(now_s)
        for connection in self.places.beyond(now_s):
            connection.yields()
        if self._reserve < 0:
            with contextlib.suppress(OSError):
                self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._tick_timer = self._loop.call_later(TICK_S, self._tick)


def _peer(peer: str, headers: Pairs) -> str:
    return peer


def _nobody(peer: str) -> bool:
    return False


def _stranger(headers: Pairs) -> None:
    return None
