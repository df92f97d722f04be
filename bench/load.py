"""The load generator, in a process of its own.

    python -m bench.load '<plan as JSON>'

Closed loop: each of C connections sends its next event when the last was answered. Open loop:
events are due at times fixed beforehand (Poisson or even), and an event that finds no free
connection waits, its clock running since it was due. It shares the cores with the service, so
requests are made of prepared bytes around a fresh id, and answers are looked at no further than
status and length.
"""

import array
import asyncio
import collections
import contextlib
import gc
import os
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

import msgspec
import uvloop

from bench.calls import Calls
from bench.ledger import UNANSWERED, Sent
from bench.payload import SIZE_DEFAULT, uuid_source
from bench.schedule import Timer, due_times

DRAIN_SECONDS_MAX = 30.0
RECONNECTS_MAX = 1000


class Plan(msgspec.Struct):
    """What one run of the generator shall do."""

    port: int
    path: str
    out: str
    orgs: list[int]
    headers: dict[str, str] = {}
    size: int = SIZE_DEFAULT
    connections: int = 64
    seconds: float | None = None
    count: int | None = None
    rate: float | None = None
    schedule: Literal["poisson", "even"] = "poisson"
    seed: int | None = None
    customers: int = 1
    secret: str = ""  # by which calls are signed
    per_call: int = 1  # events
    # Of each process that listens, the organisations that are its own: what a connection sends is
    # for those of the process that has accepted it. Empty: for all of them, by turns.
    own_orgs: dict[int, list[int]] = {}


class Generator:
    """The events of one run: their ids, times and answers, and who sends the next."""

    def __init__(self, plan: Plan) -> None:
        self.calls = self._calls_for(plan, plan.orgs)
        self.own_calls = {
            process: self._calls_for(plan, orgs) for process, orgs in plan.own_orgs.items()
        }
        self.org_of: array.array[int] = array.array("q")
        self.plan = plan
        self.ids: list[bytes] = []
        self.due: array.array[int] = array.array("q")
        self.sent: array.array[int] = array.array("q")
        self.answered: array.array[int] = array.array("q")
        self.statuses: array.array[int] = array.array("H")
        self.make_id = uuid_source(plan.seed)
        self.stop_at = 0
        self.count_max = plan.count if plan.count is not None else sys.maxsize
        self.open_loop = plan.rate is not None
        self.waiting: collections.deque[int] = collections.deque()
        # The longest idle goes first: at a low rate others would be closed by the service.
        self.idle: collections.deque[Connection] = collections.deque()
        self.busy = 0
        self.live = 0
        self.errors = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.scheduling = False
        self.done = asyncio.get_running_loop().create_future()

    @staticmethod
    def _calls_for(plan: Plan, orgs: list[int]) -> Calls:
        return Calls(
            orgs,
            plan.size,
            plan.path,
            plan.headers,
            customers=plan.customers,
            secret=plan.secret,
        )

    def request(self, due: int, process: int = 0) -> tuple[int, bytes]:
        """The next events, entered as sent now; the index of the first, and the call's bytes.
        `process`: that has accepted the connection, where each is sent its own."""
        index, count = len(self.ids), self.plan.per_call
        calls = self.calls
        if process:
            calls, orgs = self.own_calls[process], self.plan.own_orgs[process]
            self.org_of.extend(orgs[at % len(orgs)] for at in range(index, index + count))
        if count == 1:
            event = self.make_id()
            self.ids.append(event)
            call = calls.one(index, event)
        else:
            events = [self.make_id() for _ in range(count)]
            self.ids += events
            call = calls.many(index, events)
        now = time.monotonic_ns()
        for _ in range(count):
            self.due.append(due or now)
            self.sent.append(now)
            self.answered.append(0)
            self.statuses.append(UNANSWERED)
        return index, call

    def next(self, connection: "Connection") -> None:
        """A connection is free: give it the next event, or let it rest."""
        if self.open_loop:
            if self.waiting:
                connection.send(self.waiting.popleft())
                return
        elif len(self.ids) < self.count_max and time.monotonic_ns() < self.stop_at:
            connection.send(0)
            return
        self.idle.append(connection)
        if not self.busy and not self.scheduling and not self.done.done():
            self.done.set_result(None)

    def offer(self, due: int) -> None:
        """Open loop: an event is due."""
        if self.idle:
            self.idle.popleft().send(due)
        else:
            self.waiting.append(due)

    def result(self, cpu_seconds: float) -> Sent:
        return Sent(
            ids=self.ids,
            due=self.due.tobytes(),
            sent=self.sent.tobytes(),
            answered=self.answered.tobytes(),
            statuses=self.statuses.tobytes(),
            orgs=self.plan.orgs,
            unsent=len(self.waiting),
            errors=self.errors,
            cpu_seconds=cpu_seconds,
            org_of=self.org_of.tobytes(),
        )


class Connection(asyncio.Protocol):
    """One connection to the service, with at most one request on the way."""

    __slots__ = ("generator", "index", "process", "rest", "transport")

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.index = -1
        self.process = 0
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, due: int) -> None:
        generator = self.generator
        generator.busy += 1
        self.index, request = generator.request(due, self.process)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.rest = data
            return
        at = data.find(b"content-length: ", 0, end)
        length = int(data[at + 16 : data.find(b"\r", at)]) if at > 0 else 0
        if len(data) < end + 4 + length:
            self.rest = data
            return
        self.rest = b""
        generator, index, self.index = self.generator, self.index, -1
        if index < 0:
            generator.errors += 1
            return
        now, status = time.monotonic_ns(), int(data[9:12])
        for at in range(index, index + generator.plan.per_call):
            generator.answered[at] = now
            generator.statuses[at] = status
        generator.busy -= 1
        generator.next(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The event on its way stays unanswered; a new connection takes over."""
        generator = self.generator
        if generator.done.done():
            return
        generator.errors += 1
        if self.index >= 0:
            generator.busy -= 1
        if self in generator.idle:
            generator.idle.remove(self)
        generator.live -= 1
        generator.tasks.add(asyncio.get_running_loop().create_task(reconnect(generator)))


async def connect(generator: Generator) -> None:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(generator), "127.0.0.1", generator.plan.port
    )
    if generator.own_calls:
        own = connection.transport.get_extra_info("sockname")[1]
        port = generator.plan.port
        connection.process = await accepting_process(port, own, generator.own_calls)
    generator.live += 1
    generator.next(connection)


async def accepting_process(port: int, own: int, processes: Iterable[int]) -> int:
    """Return which of these processes has accepted the connection from `own` at a port. OSError:
    none has within some seconds."""
    for _ in range(500):
        inode = accepted_inode(port, own)
        for process in processes if inode else ():
            with contextlib.suppress(OSError):
                names = os.listdir(f"/proc/{process}/fd")
                if any(is_socket(f"/proc/{process}/fd/{name}", inode) for name in names):
                    return process
        await asyncio.sleep(0.01)
    raise OSError(f"nobody has accepted the connection from port {own}")


def accepted_inode(port: int, own: int) -> str:
    """Return the number of the socket at a port to which `own` is connected; empty: of none."""
    ends = (f":{port:04X}", f":{own:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
            return fields[9] if fields[9] != "0" else ""  # 0: nobody has accepted it
    return ""


def is_socket(path: str, inode: str) -> bool:
    """Return whether an open file of a process is this socket."""
    try:
        return os.readlink(path) == f"socket:[{inode}]"
    except OSError:  # closed meanwhile
        return False


async def reconnect(generator: Generator) -> None:
    """Replace a lost connection; when none is left and none can be had, the run is over."""
    try:
        if generator.errors < RECONNECTS_MAX:
            await connect(generator)
    except OSError:
        generator.errors += 1
    if not generator.live and not generator.done.done():
        generator.done.set_result(None)


async def run_open(generator: Generator) -> None:
    """Send each event when it is due, whatever became of those before."""
    plan, start = generator.plan, time.monotonic_ns() + 5_000_000
    assert plan.rate is not None and plan.seconds is not None
    even = plan.schedule == "even"
    times = collections.deque(due_times(start, plan.seconds, plan.rate, plan.seed, even=even))
    timer, loop = Timer(), asyncio.get_running_loop()
    over = loop.create_future()

    def fire() -> None:
        timer.clear()
        now = time.monotonic_ns()
        while times and times[0] <= now:
            generator.offer(times.popleft())
        if times:
            timer.set(times[0])
        elif not over.done():
            generator.scheduling = False
            loop.remove_reader(timer.fd)
            over.set_result(None)

    generator.scheduling = True
    loop.add_reader(timer.fd, fire)
    timer.set(times[0])
    await over
    if not generator.busy and not generator.done.done():
        generator.done.set_result(None)


async def run(plan: Plan) -> None:
    generator = Generator(plan)
    generator.scheduling = True
    # At once: one that has not sent anything yet is accepted late (TCP_DEFER_ACCEPT).
    await asyncio.gather(*(connect(generator) for _ in range(plan.connections)))
    before = cpu_seconds()
    seconds = plan.seconds if plan.seconds is not None else 86_400.0
    generator.stop_at = time.monotonic_ns() + int(seconds * 1e9)
    if generator.open_loop:
        await run_open(generator)
    else:
        generator.scheduling = False
        starters, generator.idle = generator.idle, collections.deque()
        for connection in starters:
            generator.next(connection)
        await asyncio.wait([generator.done], timeout=seconds)
    await asyncio.wait([generator.done], timeout=DRAIN_SECONDS_MAX)
    if not generator.done.done():
        generator.done.set_result(None)
    result = generator.result(cpu_seconds() - before)
    Path(plan.out).write_bytes(msgspec.msgpack.encode(result))


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    gc.disable()
    uvloop.run(run(msgspec.json.decode(sys.argv[1], type=Plan)))


if __name__ == "__main__":
    main()
