"""The process that runs what tenants wrote: it may be killed at any time, and nothing is lost.

One request after the other, over a socket: a 4-byte big-endian length and msgpack, `[operation,
text, event, org]` one way, `[output or null, reason or null, processor time]` the other. Each run
has its share of processor time; who takes more is ended by the system, with the whole process, and
whoever asked sees the socket close. Memory is bounded in the same way: by what the process had
before the run, and its share.
"""

import os
import resource
import signal
import socket
import sys
import time

import msgspec

from tidings.catalogue import envelope
from tidings.core.budget import APART_CPU_S, MAPPING_CPU_S, MEMORY_BYTES
from tidings.core.events.own_schema import SchemaRefused, expand_schema
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.shares.table import SharedTable
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MessagePlan, PlanRunner
from tidings.frames import Frames, framed
from tidings.transform.port import CheckBy, TextTemplate
from tidings.transform.sandbox import Sandbox, Unrenderable

RECEIVE_BYTES = 1 << 20
TYPES_BYTES_MAX = 32 << 20  # of what is kept of them, without what is compiled
KEPT_OF_RUNS_BYTES = 4 * MEMORY_BYTES
WORN = 75  # the exit code of a process that asks to be started anew
MEMORY_OF_ALL_BYTES = 512 << 20  # where the system does not say what the process has
RENDER, TEXTS, CHECK_TEMPLATE, CHECK_EVENT = "render", "texts", "check", "check event"
MAP_MESSAGE = "map message"
# Plans with their trees: a short one counts as the least, so they are 64 at most. Of the org with
# most of them the least used go.
PLANS_CHARACTERS_MAX, PLANS_CHARACTERS_MIN = 1 << 20, 1 << 14


class TransformRequest(msgspec.Struct, array_like=True):
    """The question to a process."""

    operation: str  # RENDER, TEXTS, CHECK_TEMPLATE, CHECK_EVENT or MAP_MESSAGE
    text: str
    """A template; or, as JSON, a list of `port.TextTemplate`, a `port.CheckBy`, or a plan."""
    event: bytes  # or, as msgpack, a `ForeignMessage`
    org: int = 0  # whose it is


class TransformReply(msgspec.Struct, array_like=True):
    """The output, or why there is none."""

    output: bytes | None
    reason: str | None
    cpu_s: float = 0.0


_requests = msgspec.msgpack.Decoder(TransformRequest)
_messages = msgspec.msgpack.Decoder(ForeignMessage)
_encode = msgspec.msgpack.Encoder().encode


class Checks:
    """Event types for their events: of the org whose types take most the least used go."""

    def __init__(self) -> None:
        self._kept = SharedTable[int, str, OwnType](
            TYPES_BYTES_MAX, on_evict=lambda _, made: made.forget()
        )

    def check(self, described: str, event: bytes, org: int = 0) -> bytes:
        """Check an event by the type that `described` holds as JSON; return its problems as JSON.
        Raise SchemaRefused if the type's schema breaks a rule."""
        made = self._kept.get(described)
        if made is None:
            by = msgspec.json.decode(described, type=CheckBy)
            declaration = msgspec.convert(by.declaration, Declaration)
            expanded = expand_schema(declaration.schema)
            made = OwnType(by.name, by.version, declaration, envelope(), expanded, org)
            self._kept.put(org, described, made, made.size.held_bytes + len(described))
        self._kept.touch(described)
        return msgspec.json.encode(made.check(msgspec.json.decode(event)))


class Mappings:
    """Plans of sources, the latest used of each org, for their messages."""

    def __init__(self) -> None:
        self._kept = SharedTable[int, str, PlanRunner](PLANS_CHARACTERS_MAX)

    def read(self, described: str, message: bytes, org: int = 0) -> bytes:
        """Read a message by a plan, as msgpack."""
        runner = self._kept.get(described)
        if runner is None:
            runner = PlanRunner(msgspec.json.decode(described, type=MessagePlan))
            size = max(len(described), PLANS_CHARACTERS_MIN)
            self._kept.put(org, described, runner, min(size, PLANS_CHARACTERS_MAX))
        else:
            self._kept.touch(described)
        return _encode(runner.read(_messages.decode(message)))


def answer(
    sandbox: Sandbox, checks: Checks, mappings: Mappings, request: TransformRequest
) -> TransformReply:
    """Run one request and return its reply. Raises nothing: what goes wrong is told in the
    reply."""
    try:
        if request.operation == CHECK_TEMPLATE:
            sandbox.check(request.text, request.org)
            return TransformReply(None, None)
        if request.operation == CHECK_EVENT:
            return TransformReply(checks.check(request.text, request.event, request.org), None)
        if request.operation == MAP_MESSAGE:
            return TransformReply(mappings.read(request.text, request.event, request.org), None)
        if request.operation == TEXTS:
            templates = msgspec.json.decode(request.text, type=list[TextTemplate])
            texts = sandbox.texts(templates, request.event, request.org)
            return TransformReply(msgspec.json.encode(texts), None)
        return TransformReply(sandbox.render(request.text, request.event, request.org), None)
    except Unrenderable as why:
        return TransformReply(None, str(why))
    except SchemaRefused as why:
        return TransformReply(None, why.sentence)
    except MemoryError:
        os.abort()  # it has taken its share: as where an allocation of the engine fails
    except BaseException as error:  # a panic of the engine is no Exception
        kind = type(error).__name__
        return TransformReply(None, f"The engine has failed at this event ({kind}). Simplify it.")


class MemoryBound:
    """Lets a run take so much more memory than the process had before it."""

    def __init__(self) -> None:
        try:
            self._statm = os.open("/proc/self/statm", os.O_RDONLY)
        except OSError:
            self._statm = -1
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OF_ALL_BYTES, resource.RLIM_INFINITY))

        self._first = self._has()

    @property
    def worn(self) -> bool:
        """Return whether so much was kept of former runs that a new process is better."""
        return self._has() > self._first + KEPT_OF_RUNS_BYTES

    def renew(self) -> None:
        """Count from now on."""
        if self._statm >= 0:
            bound = self._has() + MEMORY_BYTES
            resource.setrlimit(resource.RLIMIT_AS, (bound, resource.RLIM_INFINITY))

    def _has(self) -> int:
        if self._statm < 0:
            return 0
        pages = int(os.pread(self._statm, 32, 0).split(b" ", 1)[0])
        return pages * resource.getpagesize()


def main(descriptor: int, nice: int) -> None:
    """Answer until the other side closes the socket."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides when to end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(nice)
    envelope()  # read now: it is no part of anybody's share
    line = socket.socket(fileno=descriptor)
    sandbox, checks, mappings, memory = Sandbox(), Checks(), Mappings(), MemoryBound()
    frames = Frames()
    while chunk := line.recv(RECEIVE_BYTES):
        for message in frames.take(chunk):
            request = _requests.decode(message)
            memory.renew()
            cpu_s = MAPPING_CPU_S if request.operation == MAP_MESSAGE else APART_CPU_S
            signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)  # SIGVTALRM ends the process
            started_s = time.process_time()
            output = answer(sandbox, checks, mappings, request)
            output.cpu_s = time.process_time() - started_s
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            line.sendall(framed(_encode(output)))
            if memory.worn:
                os._exit(WORN)


if __name__ == "__main__":
    os.dup2(2, 1)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # a panic quotes the event
    main(int(sys.argv[1]), int(sys.argv[2]))
