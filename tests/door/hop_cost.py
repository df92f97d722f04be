"""What a hop costs: `python -m tests.door.hop_cost`, once TLS and once plain.

The application takes a body and answers it at once, so what is counted is HTTP alone: the CPU time
of a call that makes a hop, less that of the same call at the owner's public port. By turns, so that
both see the same machine. First with owner, door and caller in a process each; then with all three
in one, where other programs on the machine count less: no process finds its caches cold.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import psutil
import uvloop

from tests.door.support import CELL, HERE, KEY, TRUSTS, FixedRouter, parts
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.door import PassOn
from tidings.door.admission import remove_head
from tidings.door.door_gate import DoorGate
from tidings.door.listening import DoorTrust, door_server
from tidings.door.owner_lines import OwnerLines
from tidings.server import DirectApp, DirectCall, HttpServer

HEAD = (
    b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Basic %b\r\n"
    b"Content-Type: application/json\r\nUser-Agent: caller/1.0\r\nAccept: */*\r\n"
    b"Content-Length: %d\r\n\r\n"
)
SIZES = {"single": (320, 90), "ten": (3200, 700)}  # bytes of a body, and of its answer


class Answers:
    """Answers each call at once."""

    def __init__(self) -> None:
        self._answers = {size: b"x" * answer for size, answer in SIZES.values()}

    def begin(self, call: DirectCall) -> bool:
        body = self._answers[len(call.request.take())]
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-cap-requestid", b"0b2f6f52-2c52-4f4e-9c0a-1f2f3a4b5c6d"),
        ]
        call.answer(202, headers, body)
        return True


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("all calls are answered directly")


class _Forgotten(list[Any]):
    def append(self, value: Any) -> None:
        """Keep nothing: what is measured is the door."""


def _gate(trust: DoorTrust, decision: PassOn | None) -> DoorGate:
    router = FixedRouter(decision)
    router.calls = _Forgotten()
    return DoorGate(_no_app, Answers(), parts(router, OwnerLines(trust.calls), trust))


def _public(direct: DirectApp, **options: Any) -> int:
    """Begin a public port; return its number."""
    server = HttpServer(_no_app, host=HERE, port=0, direct=direct, keeps=_keeps, **options)
    server.start()
    return server.port


def _keeps(method: str, path: str) -> bool:
    return True


def _owner(trust: DoorTrust) -> tuple[int, int]:
    """Begin an owner; return the numbers of its door's port and of its public one."""
    gate = _gate(trust, None)
    door = door_server(gate, gate, trust, host=HERE, port=0, keeps=_keeps)
    door.start()
    return door.port, _public(Answers())


def _door(trust: DoorTrust, port: int) -> int:
    """Begin a process that passes all calls on; return the number of its public port."""
    gate = _gate(trust, PassOn(CELL, CellOwner(3, f"{HERE}:{port}")))
    return _public(gate, admit=remove_head)


async def _own(trust: DoorTrust, pipe: Connection) -> None:
    pipe.send(_owner(trust))
    await asyncio.Event().wait()


async def _pass_on(trust: DoorTrust, port: int, pipe: Connection) -> None:
    pipe.send(_door(trust, port))
    await asyncio.Event().wait()


async def _call(port: int, request: bytes, answer: int, calls: int, callers: int) -> None:
    async def caller() -> None:
        reader, writer = await asyncio.open_connection(HERE, port)
        for _ in range(calls // callers):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            await reader.readexactly(answer)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())


def _run(work: Callable[..., Any], index: int, *rest: Any) -> None:
    with suppress(KeyboardInterrupt):
        uvloop.run(work(TRUSTS[index](KEY), *rest))


def _start(work: Callable[..., Any], *rest: Any) -> tuple[psutil.Process, Any]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run, args=(work, *rest, theirs), daemon=True)
    process.start()
    return psutil.Process(process.pid), ours.recv()


def _cpu_s(*processes: psutil.Process) -> float:
    return sum(process.cpu_times().user + process.cpu_times().system for process in processes)


def _request(name: str) -> tuple[bytes, int]:
    size, answer = SIZES[name]
    return HEAD % (b"a" * 64, size) + b"b" * size, answer


def _show(how: str, name: str, direct: list[float], hop: list[float]) -> None:
    plain, with_hop = statistics.median(direct), statistics.median(hop)
    print(
        f"{how:32} {name:7} without {plain:6.1f} us, with {with_hop:6.1f} us: "
        f"a hop {with_hop - plain:6.1f} us, {with_hop / plain:.2f} x"
    )


def _apart(index: int, options: argparse.Namespace) -> None:
    """Measure with a process for each: owner and door count, the caller does not."""
    owner, (door_port, owner_port) = _start(_own, index)
    door, public_port = _start(_pass_on, index, door_port)
    for name in SIZES:
        request, answer = _request(name)
        costs: dict[int, list[float]] = {owner_port: [], public_port: []}
        for turn in range(options.turns + 1):
            for port, taken in costs.items():
                before = _cpu_s(owner, door)
                asyncio.run(_call(port, request, answer, options.calls, options.callers))
                if turn:  # the first one warms up
                    taken.append((_cpu_s(owner, door) - before) / options.calls * 1e6)
        _show(f"{TRUSTS[index].__name__}, three processes", name, *costs.values())


async def _together(index: int, options: argparse.Namespace) -> None:
    """Measure in one process: the caller counts in both."""
    trust = TRUSTS[index](KEY)
    door_port, owner_port = _owner(trust)
    public_port = _door(trust, door_port)
    for name in SIZES:
        request, answer = _request(name)
        costs: dict[int, list[float]] = {owner_port: [], public_port: []}
        for turn in range(options.turns + 1):
            for port, taken in costs.items():
                before_s = time.process_time()
                await _call(port, request, answer, options.calls, options.callers)
                if turn:
                    taken.append((time.process_time() - before_s) / options.calls * 1e6)
        _show(f"{TRUSTS[index].__name__}, one process", name, *costs.values())


def main() -> None:
    """Measure, and print a line for each size, trust and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=6000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--callers", type=int, default=8)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; {options.calls} calls a turn, {options.callers} callers")
    for index in range(len(TRUSTS)):
        _apart(index, options)
    for index in range(len(TRUSTS)):
        uvloop.run(_together(index, options))


if __name__ == "__main__":
    main()
