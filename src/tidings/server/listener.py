"""The server's sockets: connections come in, those that are late go, and it stops in order."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence
from email.utils import formatdate

from tidings.server.bounds import Bounds
from tidings.server.call import App
from tidings.server.connection import Connection
from tidings.server.places import Places
from tidings.server.reader import Pairs

BACKLOG = 4096  # the system's own bound (net.core.somaxconn) may be lower
BATCH = 16  # connections accepted before those that are open are looked at again
TICK_S = 0.5
SHORT_S = 0.1  # how long nothing is accepted where descriptors have run out
CLOSED_S = 0.01  # how long one takes to be free
_SHORT = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Server:
    """One listening socket and what came in through it."""

    def __init__(
        self,
        app: App,
        *,
        host: str,
        port: int,
        bounds: Bounds | None = None,
        keeps: Callable[[str, str], bool] = lambda method, path: False,
        remote: Callable[[str, Pairs], str] | None = None,
        shared: Callable[[str], bool] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """`keeps` says for which method and path places are kept; `remote` whom a call is from.

        `shared` says which peers stand for many, as proxies do: until a head tells who it is, none
        of their connections counts against an address. `headers` stand in what the server itself
        answers.
        """
        self.app = app
        self.bounds = bounds or Bounds()
        self.places: Places[Connection] = Places(self.bounds)
        self.keeps = keeps
        self.remote = remote or _peer
        self.shared = shared or _nobody
        self.headers = headers
        self.date = b""
        self.stopping = False
        self.unread: dict[Connection, int] = {}
        self._where = (host, port)
        self._here = (host, port)
        self._socket: socket.socket | None = None
        self._accepting = False
        self._reserve = -1
        self._opening: set[asyncio.Task[None]] = set()
        self._tick_timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._empty = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Listen. OSError where the address cannot be had."""
        family = socket.AF_INET6 if ":" in self._where[0] else socket.AF_INET
        self._socket = listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # What is accepted inherits it: an answer that nobody reads holds no more of the kernel.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.bounds.socket_bytes)
            if self.bounds.mute_s and hasattr(socket, "TCP_DEFER_ACCEPT"):
                # Who has spoken by the time it is accepted is never taken for one that is mute,
                # however late its first bytes are.
                deferred = (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, self.bounds.mute_s)
                listening.setsockopt(*deferred)
            listening.setblocking(False)
            listening.bind(self._where)
            listening.listen(BACKLOG)
        except BaseException:
            listening.close()
            raise
        self._here = listening.getsockname()[:2]
        self._tick()
        self._accept_on()

    async def stop(self, seconds: float) -> None:
        """Accept nothing more, finish what is worked on within so many seconds, close the rest."""
        self.stopping = True
        self._accept_off()
        if self._socket is not None:
            self._socket.close()
        for one in self.places:
            one.shut()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.places or self._opening:
                    self._empty.clear()
                    await self._empty.wait()
        for one in self.places:
            one.abort()
        if self._tick_timer is not None:
            self._tick_timer.cancel()
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
        for number in range(BATCH):
            if len(self.places) >= self.bounds.places:
                if number:
                    return  # whether there is another one is not known: nobody gives way to none
                if not self._room() and self.places.spent:
                    self._accept_off()  # they wait in the system's queue
                    self._loop.call_later(CLOSED_S, self._accept_on)
                    return
            try:
                sock, peer = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _SHORT:
                    self._short()
                    return
                continue  # it had gone before it was accepted
            self._take(sock, peer[:2])

    def _take(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Give it a place, and read what is here already: whoever has spoken is heard."""
        sock.setblocking(False)
        try:
            first = sock.recv(self.bounds.ahead_bytes)
        except (BlockingIOError, InterruptedError):
            first = b""
        except OSError:
            sock.close()
            return
        else:
            if not first:  # it has ended already
                sock.close()
                return
        connection = Connection(self, sock, peer, self._here, first)
        opening = self._loop.create_task(self._open(connection, sock))
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    async def _open(self, connection: Connection, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
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
        return any(one.yields() for one in self.places.give_way(self._loop.time()))

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

    def swollen(self) -> None:
        """See `connection.Host`."""
        while self.unread and sum(self.unread.values()) > self.bounds.unread_bytes:
            oldest = next(iter(self.unread))
            del self.unread[oldest]
            oldest.abort()

    def gone(self) -> None:
        """See `connection.Host`."""
        self._empty.set()
        self._accept_on()

    def _tick(self) -> None:
        self.date = formatdate(usegmt=True).encode()
        now_s = self._loop.time()
        for one in (*self.places.unfinished, *self.places.idle()):
            one.look(now_s)
        for one in self.places.beyond(now_s):
            one.yields()
        if self._reserve < 0:
            with contextlib.suppress(OSError):
                self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._tick_timer = self._loop.call_later(TICK_S, self._tick)


def _peer(peer: str, headers: Pairs) -> str:
    return peer


def _nobody(peer: str) -> bool:
    return False
