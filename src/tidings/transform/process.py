"""One process for what others have written: started when first needed, and again when it dies.

Orgs take turns, and only a few requests are handed over at a time, so that whoever dies takes
little down. When the process has died of its limits, the one at the head was the cause: it is
refused. The others go to a new process. When it has died of anything else nobody is to blame, and
all are asked again later.
"""

import asyncio
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import msgspec
import structlog

from tidings.child_environment import child_environment
from tidings.core.budget import APART_CPU_S, MEMORY_BYTES
from tidings.core.running.service_part import ServicePart
from tidings.frames import Frames, framed
from tidings.process_end import describe_end, describe_signal
from tidings.transform.port import RenderLater, RenderRefused
from tidings.transform.turns import FairQueue
from tidings.transform.worker import CHECK_TEMPLATE, WORN, TransformReply

HANDED_MAX = 4  # requests that the process has at a time
log = structlog.get_logger(__name__)
AGAIN_S = 5.0
LOG_EVERY_S = 10.0  # of ends that tenants can bring about
PING_S = 5.0
CLOSE_S = 5.0
PART = ServicePart(
    "template worker", "transformations, and checks that take long, are tried later", work_s=20.0
)
SEND_BUFFER_BYTES = 4 << 20
# Of processor time, of memory (an allocation that fails aborts), of a stack that overflows.
OWN_DEATHS = (-signal.SIGVTALRM, -signal.SIGABRT, -signal.SIGSEGV)

_replies = msgspec.msgpack.Decoder(TransformReply)

_PING = framed(msgspec.msgpack.encode((CHECK_TEMPLATE, "", b"")))

TOO_MUCH = f"more than {APART_CPU_S * 1000:.0f} ms or {MEMORY_BYTES >> 20} MB"
_OWN_END = (
    "It was ended by {signal}: a template or a check took {much}, or met a fault of the engine."
)
_THEN = "What it worked at is refused, what waits goes to another process, which is started."
_THEN_LATER = "What it was asked is tried again in a few seconds, by another process."
DIED = "The process that runs transformations and checks has ended. It is started again."


class PendingCall:
    """One request that waits for its answer."""

    __slots__ = ("answered", "expected_s", "frame", "key", "org")

    def __init__(
        self,
        org: int,
        key: bytes,
        frame: bytes,
        answered: "asyncio.Future[TransformReply]",
        expected_s: float = 0.0,
    ) -> None:
        self.org = org
        self.key = key  # what would take the next process down as well
        self.frame = frame
        self.answered = answered
        self.expected_s = expected_s  # of processor time, as far as it is known


Killed = Callable[[PendingCall], None]


class Worker(asyncio.Protocol):
    """One life of the process."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        replied: Callable[[TransformReply], None],
        ended: Callable[[int], None],
    ) -> None:
        self.process = process
        self._replied = replied
        self._ended = ended
        self._frames = Frames()
        self._reaping: asyncio.Task[None] | None = None
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the line (asyncio.Protocol)."""
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass on the replies, in order (asyncio.Protocol)."""
        for message in self._frames.take(data):
            self._replied(_replies.decode(message))

    def connection_lost(self, exc: Exception | None) -> None:
        """Begin to wait for the end of the process, whose socket has closed (asyncio.Protocol)."""
        self._reaping = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        self._ended(await asyncio.to_thread(self.process.wait))


class Process:
    """A line of requests, and the process that answers them."""

    part = PART

    def __init__(
        self, killed: Killed, took: Callable[[PendingCall, float], None], nice: int = 0
    ) -> None:
        self._nice = nice  # how far it stands back where processors are short
        self._killed = killed  # told of the request that the process has died of
        self._took = took  # told of each request's processor time, in seconds
        self.waiting: FairQueue[PendingCall] = FairQueue()
        self._handed: deque[PendingCall] = deque()
        self._worker: Worker | None = None
        self._starting: asyncio.Task[None] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._handed_s = 0.0  # since when the one at the head is worked at
        self._starting_s = 0.0
        self._stopped: Worker | None = None  # that was killed because it did not respond
        self._logged_s = -LOG_EVERY_S
        self._unlogged = 0  # ends since then
        self.deaths = 0
        self.crashes = 0  # of these without a fault of what it ran

    @property
    def is_up(self) -> bool:
        """Return whether it can work: it is started when it is needed."""
        return True

    def silent_s(self) -> float:
        """Tell for how long it has worked at one request, or has been starting, in seconds."""
        if self._starting is not None:
            return self._loop.time() - self._starting_s
        return self._loop.time() - self._handed_s if self._handed else 0.0

    def kill(self) -> None:
        """End the process: what waits is asked again later, and nobody is to blame."""
        if self._worker is not None:
            self._stopped = self._worker
            self._worker.process.kill()

    def ask(self, asked: PendingCall) -> None:
        """Have it answered when its turn comes."""
        if self._closed:
            if not asked.answered.done():
                asked.answered.set_exception(RenderLater(DIED, AGAIN_S))
            return
        self.waiting.push(asked)
        if self._worker is not None:
            self._hand_over()
        elif self._starting is None:
            self._begin()

    async def close(self) -> None:
        """End the process; what waits is asked again after the next start. Idempotent."""
        self._closed = True
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.transport.close()
            try:
                await asyncio.to_thread(worker.process.wait, CLOSE_S)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                await asyncio.to_thread(worker.process.wait)
        self._put_off()

    def _hand_over(self) -> None:
        worker = self._worker
        if worker is None or worker.transport.is_closing():
            return  # it has died, and `_ended` says what becomes of its requests: writing raises
        while self.waiting and len(self._handed) < HANDED_MAX:
            asked = self.waiting.pop()
            if asked.answered.done():
                continue  # nobody waits for it any more
            if not self._handed:
                self._handed_s = self._loop.time()
            self._handed.append(asked)
            worker.transport.write(asked.frame)

    def _replied(self, reply: TransformReply) -> None:
        asked = self._handed.popleft()
        self._handed_s = self._loop.time()
        self._took(asked, reply.cpu_s)
        if not asked.answered.done():
            asked.answered.set_result(reply)
        self._hand_over()

    def _begin(self) -> None:
        self._starting_s = self._loop.time()
        self._starting = self._loop.create_task(self._start())

    async def _start(self) -> None:
        """Start the process and give it what waits."""
        try:
            ours, theirs = socket.socketpair()
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            ours.setblocking(False)
            with theirs:
                process = await asyncio.to_thread(_launch, theirs.fileno(), self._nice)
            worker = Worker(process, self._replied, lambda code: self._ended(worker, code))
            loop: Any = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: worker, sock=ours)
        except Exception as error:  # no file, no memory, no thread: whatever it is, nobody waits
            log.error("a process of transformations cannot start", error=repr(error))
            self._starting = None
            self._put_off()
            return
        self._starting, self._worker = None, worker
        self._hand_over()
        self._ping(worker)

    def _ping(self, worker: Worker) -> None:
        """Ask it for a sign of life where nobody asks it anything."""
        if self._worker is not worker or self._closed:
            return
        self._loop.call_later(PING_S, self._ping, worker)
        if not self._handed:
            self.waiting.push(PendingCall(0, b"", _PING, self._loop.create_future()))
            self._hand_over()

    def _ended(self, worker: Worker, code: int) -> None:
        if self._worker is not worker:
            return  # it was closed
        self._worker = None
        self.deaths += code != WORN
        if code not in (*OWN_DEATHS, WORN):
            self.crashes += 1
            log.error(
                "a process of transformations has ended",
                reason=describe_end(code, ended_by_us=worker is self._stopped),
                then=_THEN_LATER,
            )
            self._put_off()
            return
        cause = self._handed.popleft() if self._handed and code != WORN else None
        self.waiting.push_back(list(self._handed))
        self._handed.clear()
        if code != WORN:
            self._log_own_end(code, None if cause is None else cause.org)
        if cause is not None:
            if not cause.answered.done():
                cause.answered.set_exception(RenderRefused(TOO_MUCH))
            self._killed(cause)
        if self.waiting and self._starting is None and not self._closed:
            self._begin()

    def _log_own_end(self, code: int, org: int | None) -> None:
        """Log by which signal the process has ended, and whose request it was at; not each time
        where that comes often."""
        if self._loop.time() < self._logged_s + LOG_EVERY_S:
            self._unlogged += 1
            return
        log.warning(
            "a process of transformations was ended by what it ran",
            reason=_OWN_END.format(signal=describe_signal(-code), much=TOO_MUCH),
            then=_THEN,
            org=org,
            unlogged=self._unlogged,
        )
        self._logged_s, self._unlogged = self._loop.time(), 0

    def _put_off(self) -> None:
        for asked in (*self._handed, *self.waiting.take()):
            if not asked.answered.done():
                asked.answered.set_exception(RenderLater(DIED, AGAIN_S))
        self._handed.clear()


def _launch(descriptor: int, nice: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tidings.transform.worker", str(descriptor), str(nice)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        env=child_environment(),
    )
