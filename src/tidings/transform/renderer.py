"""`port.Renderer` over a process that is started when it is first needed, and again when it dies.

Requests are answered in order. When the process has died of its limits, the one at the head of the
queue was the cause: it is refused, its template rests for a while, and the others go to a new
process. When it has died of anything else nobody is to blame, and all are asked again later.
"""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import msgspec

from tidings.transform.port import RenderLater, RenderRefused
from tidings.transform.worker import MEMORY_BYTES, RUN_CPU_S, Reply

REST_S = 60.0  # how long a template that took the process down is left alone
RESTING_MAX = 1000
AGAIN_S = 5.0
SEND_BUFFER_BYTES = 4 << 20
# Of processor time, of memory (an allocation that fails aborts), of a stack that overflows.
OWN_DEATHS = (-signal.SIGVTALRM, -signal.SIGABRT, -signal.SIGSEGV)

_replies = msgspec.msgpack.Decoder(Reply)
_encode = msgspec.msgpack.Encoder().encode

_TOO_MUCH = (
    f"The transformation takes more than {RUN_CPU_S * 1000:.0f} ms or {MEMORY_BYTES >> 20} MB. "
    "Loop over less, and build no lists of lists."
)
_RESTS = "The transformation has just taken more time or memory than it may. It is tried again."
_DIED = "The process that runs transformations has ended. It is started again."


class Asked:
    """One request that waits for its answer."""

    __slots__ = ("answered", "frame", "key")

    def __init__(self, key: bytes, frame: bytes, answered: "asyncio.Future[Reply]") -> None:
        self.key = key
        self.frame = frame
        self.answered = answered


class Worker(asyncio.Protocol):
    """One life of the process."""

    def __init__(
        self, process: subprocess.Popen[bytes], waiting: deque[Asked], ended: Callable[[int], None]
    ) -> None:
        self.process = process
        self._waiting = waiting
        self._ended = ended
        self._buffer = bytearray()
        self._reaping: asyncio.Task[None] | None = None
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line (asyncio.Protocol)."""
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer whoever asked, in order (asyncio.Protocol)."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            end = at + 4 + int.from_bytes(buffer[at : at + 4], "big")
            if len(buffer) < end:
                break
            asked = self._waiting.popleft()
            if not asked.answered.done():
                asked.answered.set_result(_replies.decode(memoryview(buffer)[at + 4 : end]))
            at = end
        if at:
            self._buffer = buffer[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """The process is gone (asyncio.Protocol)."""
        self._reaping = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        self._ended(await asyncio.to_thread(self.process.wait))


class ProcessRenderer:
    """Runs templates in one process for all orgs."""

    def __init__(self) -> None:
        self._waiting: deque[Asked] = deque()
        self._resting: dict[bytes, float] = {}
        self._worker: Worker | None = None
        self._starting: asyncio.Task[None] | None = None
        self._closed = False
        self.deaths = 0

    async def render(self, template: str, event: bytes) -> bytes:
        """See `port.Renderer.render`."""
        reply = await self._ask("render", template, event)
        if reply.output is None:
            raise RenderRefused(reply.reason or _DIED)
        return reply.output

    async def check(self, template: str) -> str | None:
        """See `port.Renderer.check`."""
        try:
            return (await self._ask("check", template, b"")).reason
        except RenderRefused as refused:
            return refused.reason

    async def close(self) -> None:
        """End the process; what waits is asked again after the next start. Idempotent."""
        self._closed = True
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.transport.close()
            await asyncio.to_thread(worker.process.wait)
        self._put_off()

    async def _ask(self, operation: str, template: str, event: bytes) -> Reply:
        loop = asyncio.get_running_loop()
        key = hashlib.blake2b(template.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if self._resting and (until_s := self._resting.get(key)) is not None:
            if (left_s := until_s - loop.time()) > 0:
                raise RenderLater(_RESTS, left_s)
            del self._resting[key]
        if self._closed:
            raise RenderLater(_DIED, AGAIN_S)
        body = _encode((operation, template, event))
        asked = Asked(key, len(body).to_bytes(4, "big") + body, loop.create_future())
        self._waiting.append(asked)
        if self._worker is not None:
            self._worker.transport.write(asked.frame)
        elif self._starting is None:
            self._starting = loop.create_task(self._start())
        return await asked.answered

    async def _start(self) -> None:
        """Start the process and give it all that waits."""
        try:
            ours, theirs = socket.socketpair()
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            ours.setblocking(False)
            with theirs:
                process = await asyncio.to_thread(_launch, theirs.fileno())
            worker = Worker(process, self._waiting, lambda code: self._ended(worker, code))
            loop: Any = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: worker, sock=ours)
        except OSError:
            self._starting = None
            self._put_off()
            return
        self._starting, self._worker = None, worker
        for asked in self._waiting:
            worker.transport.write(asked.frame)

    def _ended(self, worker: Worker, code: int) -> None:
        if self._worker is not worker:
            return  # it was closed
        self._worker = None
        self.deaths += 1
        if code not in OWN_DEATHS:
            self._put_off()
            return
        loop = asyncio.get_running_loop()
        if self._waiting:
            cause = self._waiting.popleft()
            if len(self._resting) >= RESTING_MAX:
                self._resting.clear()
            self._resting[cause.key] = loop.time() + REST_S
            if not cause.answered.done():
                cause.answered.set_exception(RenderRefused(_TOO_MUCH))
            self._let_rest(cause.key)
        if self._waiting and self._starting is None and not self._closed:
            self._starting = loop.create_task(self._start())

    def _let_rest(self, key: bytes) -> None:
        """What waits behind with the same template must not take the next process down too."""
        others = [asked for asked in self._waiting if asked.key != key]
        for asked in self._waiting:
            if asked.key == key and not asked.answered.done():
                asked.answered.set_exception(RenderLater(_RESTS, REST_S))
        self._waiting.clear()
        self._waiting.extend(others)

    def _put_off(self) -> None:
        while self._waiting:
            asked = self._waiting.popleft()
            if not asked.answered.done():
                asked.answered.set_exception(RenderLater(_DIED, AGAIN_S))


def _launch(descriptor: int) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tidings.transform.worker", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        env=kept,
    )
