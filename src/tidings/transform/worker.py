"""The process that runs templates: it may be killed at any time, and nothing is lost.

One request after the other, over a socket: a 4-byte big-endian length and msgpack, `[operation,
template, event]` one way, `[output or null, reason or null]` the other. Each run has its share of
processor time; who takes more is ended by the system, with the whole process, and whoever asked
sees the socket close. Memory is bounded in the same way.
"""

import os
import resource
import signal
import socket
import sys

import msgspec

from tidings.transform.sandbox import Sandbox, Unrenderable

RUN_CPU_S = 0.1
MEMORY_BYTES = 512 << 20
RECEIVE_BYTES = 1 << 20


class Request(msgspec.Struct, array_like=True):
    """Render, or only compile."""

    operation: str  # "render" or "check"
    template: str
    event: bytes


class Reply(msgspec.Struct, array_like=True):
    """The output, or why there is none."""

    output: bytes | None
    reason: str | None


_requests = msgspec.msgpack.Decoder(Request)
_encode = msgspec.msgpack.Encoder().encode


def answer(sandbox: Sandbox, request: Request) -> Reply:
    """One request. Never raises."""
    try:
        if request.operation == "check":
            sandbox.check(request.template)
            return Reply(None, None)
        return Reply(sandbox.render(request.template, request.event), None)
    except Unrenderable as why:
        return Reply(None, str(why))
    except BaseException as error:  # a panic of the engine is no Exception
        kind = type(error).__name__
        return Reply(None, f"The template engine has failed at this event ({kind}). Simplify it.")


def main(descriptor: int) -> None:
    """Answer until the other side closes the socket."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides when to end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    line = socket.socket(fileno=descriptor)
    sandbox = Sandbox()
    buffer = bytearray()
    while chunk := line.recv(RECEIVE_BYTES):
        buffer += chunk
        while len(buffer) >= 4:
            end = 4 + int.from_bytes(buffer[:4], "big")
            if len(buffer) < end:
                break
            request = _requests.decode(buffer[4:end])
            del buffer[:end]
            signal.setitimer(signal.ITIMER_VIRTUAL, RUN_CPU_S)  # SIGVTALRM ends the process
            reply = _encode(answer(sandbox, request))
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            line.sendall(len(reply).to_bytes(4, "big") + reply)


if __name__ == "__main__":
    os.dup2(2, 1)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # a panic quotes the event
    main(int(sys.argv[1]))
