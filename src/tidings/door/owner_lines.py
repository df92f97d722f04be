"""The lines to the owners of cells, and the share of each in what a door has under way.

A call that is passed on holds a place until it is answered. Each owner may have as many as it
leaves to others, one that is alone too: nobody waits for a place here, so what a slow one held
would be nobody else's for as long as it is slow. Who gets none is refused at once, and comes again.
Lines that are free are kept for a while.
"""

import asyncio
import socket
import ssl
from contextlib import suppress

from tidings.core.shares.budget import SharedBudget
from tidings.door.certificates import PEER_NAME, require_loopback
from tidings.door.owner_line import HopExchange, OwnerLine

CONNECT_S = 2.0
IDLE_S = 30.0  # shorter than a server keeps its own end
TICK_S = 0.1
PLACES = 1024
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class OwnerLines:
    """The lines of one door. A `LineHost`."""

    def __init__(self, tls: ssl.SSLContext | None = None, places: int = PLACES) -> None:
        """`tls`: None on loopback alone. `places`: calls under way at one time, of all owners."""
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._places: SharedBudget[str] = SharedBudget(places)
        self._idle: dict[str, list[OwnerLine]] = {}
        self._lines: set[OwnerLine] = set()
        self._exchanges: set[HopExchange] = set()  # whose head is not here
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    # -- places -----------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """Return how many calls are under way."""
        return self._places.held

    def take_place(self, address: str) -> bool:
        """Take a place for a call at an owner; return False where it has its share."""
        return self._places.take(address)

    def give_place(self, address: str) -> None:
        """Give the place of a call back."""
        self._places.give(address)

    # -- lines ------------------------------------------------------------------------------------

    def idle_line(self, address: str) -> OwnerLine | None:
        """Take a line that is free, the one used last; None: one has to be made."""
        idle = self._idle.get(address)
        while idle:
            line = idle.pop()
            if line.usable:
                return line
        return None

    async def make_line(self, address: str) -> OwnerLine:
        """Make a line to an owner. OSError where that fails, or takes too long."""
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if self._tls is None:
            require_loopback(host)
        if self._closed:
            raise OSError("the door is closed")
        async with asyncio.timeout(CONNECT_S):
            transport, line = await self._loop.create_connection(
                lambda: OwnerLine(address, self),
                host,
                int(port),
                ssl=self._tls,
                server_hostname=None if self._tls is None else PEER_NAME,
            )
        sock = transport.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
        self._lines.add(line)
        if not line.usable:  # it has ended already
            self._lines.discard(line)
            raise ConnectionResetError("the owner has closed the line")
        return line

    def rest(self, line: OwnerLine) -> None:
        """See `LineHost`."""
        line.idle_since_s = self._loop.time()
        self._idle.setdefault(line.address, []).append(line)
        self._watch()

    def forget(self, line: OwnerLine) -> None:
        """See `LineHost`."""
        self._lines.discard(line)
        idle = self._idle.get(line.address, [])
        if line in idle:
            idle.remove(line)
        if not idle:
            self._idle.pop(line.address, None)

    def close(self) -> None:
        """Close all lines; calls on them are lost."""
        self._closed = True
        for line in list(self._lines):
            line.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- time -------------------------------------------------------------------------------------

    def await_head(self, exchange: HopExchange) -> None:
        """Look after the time of a call until the head of its answer is here."""
        self._exchanges.add(exchange)
        self._watch()

    def heard(self, exchange: HopExchange) -> None:
        """Look after the time of a call no longer."""
        self._exchanges.discard(exchange)

    def _watch(self) -> None:
        if self._timer is None and not self._closed:
            self._timer = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        """End calls whose time is over, and lines that nobody has used for long."""
        self._timer = None
        now_s = self._loop.time()
        for exchange in list(self._exchanges):
            if exchange.until_s <= now_s and not exchange.has_head:
                exchange.is_late = True
                exchange.cancel()
        for idle in list(self._idle.values()):
            for line in [line for line in idle if line.idle_since_s <= now_s - IDLE_S]:
                line.close()
        if self._exchanges or any(self._idle.values()):
            self._watch()
