"""One child process of a store, and the calls that wait for its answers."""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec
import structlog

from tidings.child_environment import child_environment
from tidings.frames import Frames, framed
from tidings.process_end import describe_end
from tidings.store import port
from tidings.store.hosting.host import NOT_NOW, OPEN, PING, StoreReply

END_S = 10.0  # until a process whose line is closed has ended, and its end can be told
LEAVES_S = 1.0  # until one that the next follows is killed
PING_S = 5.0
CLOSE_S = 20.0

log = structlog.get_logger(__name__)
_THEN = {
    "write": "The service stops. Start it again: it goes on with all that the store has.",
    "read": "Another one is started, and is asked what this one has not answered.",
}
_nothing = msgspec.msgpack.Decoder(None)
_replies = msgspec.msgpack.Decoder(StoreReply)
_encoder = msgspec.msgpack.Encoder()
_BUFFER_BYTES = 4 << 20
# As a half raises them, and its host names them; any other is a fault of ours.
_FAULTS: dict[str, type[Exception]] = {
    fault.__name__: fault
    for fault in (
        port.StoreDown,
        port.NoNumbers,
        port.StoreUnanswered,
        port.FamilyAway,
        port.StoreFull,
        port.NameTaken,
        port.StaleChange,
        port.StoreRefused,
        ValueError,
    )
}


class Child(asyncio.Protocol):
    """One child process and the calls that wait for it."""

    def __init__(
        self, process: subprocess.Popen[bytes], role: str, died: Callable[[], None]
    ) -> None:
        self._process = process
        self._role = role
        self._died = died
        self._killed = False  # by us
        self._ending: asyncio.Future[int | None] | None = None  # how it has ended by itself
        self._transport: asyncio.WriteTransport | None = None
        self._frames = Frames()
        self._waiting: dict[int, tuple[asyncio.Future[Any], msgspec.msgpack.Decoder[Any], float]]
        self._waiting = {}  # by their numbers, with when they were asked
        self._number = 0
        self._closing = False
        self._started = False
        self._loop = asyncio.get_running_loop()
        self._pinging: asyncio.TimerHandle | None = None
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._waiting[0] = (self.ready, msgspec.msgpack.Decoder(None), self._loop.time())

    @classmethod
    async def start(
        cls,
        role: str,
        command: Sequence[str],
        died: Callable[[], None],
        inherits: Sequence[int] = (),
    ) -> "Child":
        """Start the process `command`, which is given the number of its end of the line and these
        open files. It opens nothing before it is asked to (`opened`)."""
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        descriptor = theirs.fileno()
        process = subprocess.Popen(
            [*command, str(descriptor)],
            pass_fds=[descriptor, *inherits],
            stdin=subprocess.DEVNULL,
            env=child_environment(),
        )
        theirs.close()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        child = cls(process, role, died)
        await loop.create_unix_connection(lambda: child, sock=ours)
        return child

    async def opened(self) -> None:
        """Let the process open its files, and wait until it is ready.

        StoreRefused where it will not serve, StoreDown where the disk takes nothing now.
        """
        if self._transport is not None:
            self._transport.write(OPEN)
        try:
            await self.ready
        except port.StoreDown:
            await self.close()
            if self._process.returncode == NOT_NOW:
                raise
            raise port.StoreRefused(
                f"The store's {self._role} process ended with code {self._process.returncode} "
                "before it was ready."
            ) from None
        self._started = True
        self._ping()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def silent_s(self) -> float:
        """Tell for how long the oldest question has waited, in seconds: answers come in order."""
        if not self._waiting:
            return 0.0
        return self._loop.time() - next(iter(self._waiting.values()))[2]

    @property
    def is_gone(self) -> bool:
        """Return whether its line is closed: nobody answers any more."""
        return self._transport is None or self._transport.is_closing()

    def kill(self) -> None:
        """End the process at once, whatever it does. What it is asked ends with StoreDown."""
        if self._process.poll() is None:
            self._killed = True
            self._process.kill()

    def _ping(self) -> None:
        """Ask it for a sign of life where nobody asks it anything."""
        self._pinging = self._loop.call_later(PING_S, self._ping)
        if not self._waiting:
            self.call(_nothing, PING, ()).add_done_callback(_look_at)

    def call(
        self,
        decoder: msgspec.msgpack.Decoder[Any],
        operation: str,
        arguments: tuple[Any, ...],
        audit: port.AuditWrite | None = None,
    ) -> asyncio.Future[Any]:
        """Send a request; the future holds its typed result, or StoreDown. `audit`: entries that
        are written with it."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None or self.is_gone:
            future.set_exception(port.StoreDown("the store's process is gone"))
            return future
        self._number += 1
        asked = framed(_encoder.encode((self._number, operation, arguments, audit)))
        self._waiting[self._number] = (future, decoder, self._loop.time())
        self._transport.write(asked)
        return future

    async def say_farewell(self, operation: str, arguments: tuple[Any, ...]) -> None:
        """Ask for the last time. The process may have died, freeze, or have a full disk: the next
        start recovers."""
        with suppress(port.StoreDown, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.call(_nothing, operation, arguments)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line (asyncio.Protocol)."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Resolve the answers that are complete (asyncio.Protocol)."""
        for message in self._frames.take(data):
            self._resolve(_replies.decode(message))

    def _resolve(self, reply: StoreReply) -> None:
        future, decoder, _ = self._waiting.pop(reply.number)
        if future.done():
            return
        if reply.fault is not None:
            name, text = reply.fault
            fault = _FAULTS.get(name)
            future.set_exception(fault(text) if fault else RuntimeError(f"{name}: {text}"))
        else:
            future.set_result(decoder.decode(reply.result))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the process is gone: nobody may wait for it any longer (asyncio.Protocol)."""
        waiting, self._waiting = self._waiting, {}
        if self._pinging is not None:
            self._pinging.cancel()
        for future, _, _ in waiting.values():
            if not future.done():
                future.set_exception(port.StoreDown("the store's process is gone"))
        if not self._closing and self._started:
            self._ending = self._loop.run_in_executor(None, self._exit_code)
            self._ending.add_done_callback(self._log_end)
            self._died()

    def _exit_code(self) -> int | None:
        """Wait for a process whose line is closed, which is over in a moment; None: it is not."""
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return None

    def _log_end(self, ending: "asyncio.Future[int | None]") -> None:
        """Name the process that has ended, why it has, and what happens now."""
        if not ending.cancelled():
            log.error(
                "a process of the store has ended by itself",
                role=self._role,
                reason=describe_end(ending.result(), ended_by_us=self._killed),
                then=_THEN[self._role],
            )

    async def see_off(self) -> None:
        """Wait for the end of a process whose line is closed; kill it where that does not come."""
        if self._ending is not None:
            await asyncio.wait([self._ending], timeout=LEAVES_S)
        self.kill()
        await self.close()

    async def close(self) -> None:
        """Let the process finish, and wait for its end; where it does not, end it as a crash would.

        Nothing is lost by that: what was answered is on stable storage.
        """
        self._closing = True
        if self._pinging is not None:
            self._pinging.cancel()
        self.ready.cancel()  # nobody asks any more, where it was not
        if self._transport is not None:
            self._transport.close()
        try:
            await asyncio.to_thread(self._process.wait, CLOSE_S)
        except subprocess.TimeoutExpired:
            log.error("a process of the store does not end and is killed", role=self._role)
            self.kill()
            await asyncio.to_thread(self._process.wait)
        if self._ending is not None:
            await asyncio.wait([self._ending])  # its end is logged before ours


def _look_at(future: "asyncio.Future[Any]") -> None:
    """Take note of a failure that nobody waits for."""
    if not future.cancelled():
        future.exception()
