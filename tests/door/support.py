"""What the tests of the door share: an owner and a door in this process, and who routes calls."""

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.server.support import Echo
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.door import AnswerNotMine, DoorDecision, PassOn, RefuseNow, ServeHere
from tidings.core.cells.families import CellId
from tidings.door.admission import remove_head
from tidings.door.door_gate import DoorGate
from tidings.door.head import NotMine
from tidings.door.hop import DoorParts, RoutedCall
from tidings.door.listening import DoorTrust, door_server, trust_by_tls, trust_on_loopback
from tidings.door.owner_lines import OwnerLines
from tidings.server import Bounds, DirectCall, HttpServer

KEY = bytes(range(32))
CELL = CellId(7)
TRUSTS: list[Callable[[bytes], DoorTrust]] = [trust_by_tls, trust_on_loopback]
HERE = "127.0.0.1"


def owner_at(server: HttpServer, cell: CellId = CELL, epoch: int = 3) -> PassOn:
    """Where calls are passed on to."""
    return PassOn(cell, CellOwner(epoch, f"{HERE}:{server.port}"))


class FixedRouter:
    """Decides as a test says, and remembers what it was asked."""

    def __init__(
        self,
        decision: DoorDecision | None,
        again: DoorDecision | None = None,
        passed_on: DoorDecision | None = None,  # served there
    ) -> None:
        self.decision = decision
        self.again = again or RefuseNow("the owner is not known", 2)
        self.passed_on = passed_on
        self.by_path: dict[str, DoorDecision] = {}
        self.calls: list[RoutedCall] = []
        self.asked_again: list[tuple[int, NotMine | None]] = []

    def decide(self, call: RoutedCall) -> DoorDecision | None:
        self.calls.append(call)
        if call.passed_on is not None:
            return self.passed_on
        return self.by_path.get(call.path, self.decision)

    async def find_out(self, call: RoutedCall) -> DoorDecision | None:
        raise AssertionError("everything is known")

    async def decide_again(
        self, call: RoutedCall, tried: PassOn, tries: int, not_mine: NotMine | None
    ) -> DoorDecision:
        self.asked_again.append((tries, not_mine))
        return self.again


class NoneDirectly:
    """Answers no call without a task: all are ASGI calls."""

    def begin(self, call: DirectCall) -> bool:
        return False


def parts(router: FixedRouter, lines: OwnerLines, trust: DoorTrust, **options: Any) -> DoorParts:
    """What a door passes calls on with; request ids are counted."""
    numbers = itertools.count(1)

    def request_id(headers: list[tuple[bytes, bytes]]) -> bytes:
        given = dict(headers).get(b"x-cap-requestid")
        return given or b"made-%d" % next(numbers)

    return DoorParts(router, lines, request_id, seal=trust.seal, **options)


class Pair(NamedTuple):
    """An owner behind its door's port, and another process's public port."""

    owner: HttpServer
    app: Any
    owner_router: FixedRouter
    public: HttpServer
    local: Echo  # what the other process itself serves
    router: FixedRouter
    lines: OwnerLines


@asynccontextmanager
async def owner_door(
    app: Any,
    trust: DoorTrust,
    *,
    router: FixedRouter | None = None,
    bounds: Bounds | None = None,
) -> AsyncIterator[HttpServer]:
    """The port of a door, before an application."""
    lines = OwnerLines(trust.calls)
    router = router or FixedRouter(ServeHere(CELL))
    gate = DoorGate(app, NoneDirectly(), parts(router, lines, trust))
    bounds = bounds or Bounds(mute_s=0)
    server = door_server(gate, gate, trust, host=HERE, port=0, bounds=bounds)
    server.start()
    try:
        yield server
    finally:
        lines.close()
        await server.stop(0.2)


@asynccontextmanager
async def public_port(
    router: FixedRouter,
    trust: DoorTrust,
    *,
    places: int = 64,
    local: Any = None,
    bounds: Bounds | None = None,
    **options: Any,
) -> AsyncIterator[tuple[HttpServer, OwnerLines]]:
    """A process that passes calls on."""
    lines = OwnerLines(trust.calls, places)
    gate = DoorGate(local or Echo(), NoneDirectly(), parts(router, lines, trust, **options))
    bounds = bounds or Bounds(mute_s=0)
    server = HttpServer(gate, host=HERE, port=0, bounds=bounds, direct=gate, admit=remove_head)
    server.start()
    try:
        yield server, lines
    finally:
        lines.close()
        await server.stop(0.2)


@asynccontextmanager
async def pair(
    app: Any = None,
    trust: DoorTrust | None = None,
    *,
    owner_bounds: Bounds | None = None,
    bounds: Bounds | None = None,
    **options: Any,
) -> AsyncIterator[Pair]:
    """Two processes, as it were: all calls at the public port are the owner's."""
    trust = trust or trust_on_loopback(KEY)
    app = app or Echo()
    owner_router = FixedRouter(ServeHere(CELL))
    async with owner_door(app, trust, router=owner_router, bounds=owner_bounds) as owner:
        router = FixedRouter(owner_at(owner))
        local = Echo()
        async with public_port(router, trust, local=local, bounds=bounds, **options) as found:
            public, lines = found
            yield Pair(owner, app, owner_router, public, local, router, lines)


def not_mine_of(cell: int | None = None) -> AnswerNotMine:
    """The decision of a process that does not own the cell."""
    return AnswerNotMine(None if cell is None else CellId(cell), None)


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def post(body: bytes, more: bytes = b"", path: bytes = b"/x") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%b\r\n"
    return head % (path, len(body), more) + body


class Listens:
    """Answers nothing, and hears that its callers go."""

    def __init__(self) -> None:
        self.calls = self.gone = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone += 1


def refused(answer: tuple[int, dict[str, str], bytes], code: str) -> None:
    """A call is refused so, and may come again."""
    status, headers, body = answer
    assert status == 503 and json.loads(body)["error"]["code"] == code
    assert int(headers["retry-after"]) >= 1 and "x-cap-requestid" in headers
    assert "tidings-door" not in headers
