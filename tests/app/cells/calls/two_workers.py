"""Two workers in this process, each with a cell of its own, a public port and a door."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.api.control_client import Clock, Service, basic
from tests.server.support import Client
from tests.store.cell_map.subject import SqliteMap
from tests.store.in_process import MemoryStore
from tidings.api.http.answer_headers import ALL
from tidings.api.http.gate import HttpGate
from tidings.api.v1.events.accept import AcceptApp
from tidings.app.cells.calls.cell_calls import cell_calls
from tidings.app.cells.calls.directed_store import directed
from tidings.app.cells.calls.map_router import MapRouter
from tidings.app.cells.calls.source_events import SourceEvents
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.over.cell_answers import QUESTIONS, CellAnswers
from tidings.app.cells.over.every_cell import EveryCell
from tidings.app.cells.over.platform_in_force import PlatformInForce
from tidings.console.routes import console_routes
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId
from tidings.door.admission import remove_head
from tidings.door.door_gate import DoorGate
from tidings.door.listening import door_server, trust_on_loopback
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions
from tidings.server import Bounds, HttpServer
from tidings.store.cell_map.hosted_map import HostedCellMap
from tidings.store.port.cell_map import CellEntry, CellKind, MapPlace

KEY = bytes(range(32))
HERE = "127.0.0.1"
PATIENCE_S = 120.0
PLATFORM = basic("boss", "s3cret")
Answer = tuple[int, dict[str, str], bytes]


class LateGate:
    """Stands for a gate that is made when the address of its port is known."""

    def __init__(self) -> None:
        self.gate: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.gate(scope, receive, send)

    def begin(self, call: Any) -> bool:
        return bool(self.gate.begin(call))


class LateStore:
    """Stands for a store that is made when the process has joined its installation."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: getattr(self.store, name)(*given, **named)


class Worker:
    """The service over one cell, and what it has of the others."""

    def __init__(self, cell: int, store: HostedCellMap, clock: Clock) -> None:
        self.cell = CellId(cell)
        self.clock = clock
        self.map = store
        self.memory = MemoryStore(clock)
        self.late = LateStore(self.memory)
        self.service = Service(cast("MemoryStore", self.late), clock)
        self.caught_up = 0
        self.served: list[str] = []  # the calls that came to this worker's own application
        self.installation: Installation
        self.router: MapRouter
        self.in_force: PlatformInForce
        self.public: HttpServer

    async def begin(self, stack: AsyncExitStack) -> None:
        """Open the ports, and follow the map."""
        service = self.service
        service.parts.base.random_bytes(40 * self.cell)  # all begin with the same ones
        stack.push_async_callback(service.webhooks.close)
        commits = asyncio.ensure_future(service.parts.delivery.engine.committer.run())
        stack.callback(commits.cancel)
        trust = trust_on_loopback(KEY)
        lines = OwnerLines(trust.calls)
        stack.callback(lines.close)
        late = LateGate()
        bounds = Bounds(mute_s=0)
        door = door_server(late, late, trust, host=HERE, port=0, bounds=bounds, headers=[*ALL])
        door.start()
        stack.push_async_callback(door.stop, 0.2)
        owner = CellOwner(1, f"{HERE}:{door.port}")
        await self.map.put_cell(CellEntry(self.cell, CellKind.DIRECTORY))
        await self.map.put_owner(self.cell, owner)
        await self.map.confirm(self.cell, owner.epoch, (await self.map.read(MapPlace())).place)
        self.installation = Installation(
            cell=self.cell,
            owner=owner,
            store=self.map,
            reader=MapReader(self.map, self.clock.now_ms),
            lines=lines,
            questions=OwnerQuestions(lines, trust.seal),
            directory_key=KEY,
            seal=trust.seal,
        )
        self.late.store = directed(self.late.store, self.installation, self.clock.now_ms)
        asked = itertools.count()
        every = EveryCell(self.installation, lambda: f"asked-{next(asked)}", answer_s_least=60.0)
        web = replace(service.services.web, others=every)
        service.services = replace(service.services, web=web)
        self.in_force = PlatformInForce(
            self.installation,
            every,
            service.access,
            service.stops,
            service.changes,
            self.clock.now_ms,
        )
        service.access.over_cells = service.stops.over_cells = self.in_force
        await service.parts.load(lambda step: step())
        control = service.app
        control.router.routes.extend(console_routes(service.services, plain_http=True))
        numbers = itertools.count()
        accept = AcceptApp(
            service.acceptor,
            service.parts.events.reader,
            service.access,
            clock_ms=self.clock.now_ms,
            new_request_id=lambda: f"r{next(numbers)}",
            late=service.parts.events.late,
        )
        gate = HttpGate(accept, control, direct=accept, senders=service.senders)

        def request_id(headers: Any) -> bytes:
            return str(uuid.uuid4()).encode()

        every = EveryCell(self.installation, lambda: str(uuid.uuid4()), PATIENCE_S)
        calls = cell_calls(
            self.installation,
            service.parts,
            control.router.routes,
            CellAnswers(self._noted(gate), service.services, self._questions()),
            _Noted(gate, self.served),
            request_id,
            self._catch_up,
            every,
        )
        self.router = calls.router
        passes = SourceEvents(self.router, self.installation.reader, every)
        service.parts.sources.sources.intake.cells = passes
        late.gate = DoorGate(calls.app, calls.app, calls.door, calls.app.events)
        self.public = HttpServer(
            late, host=HERE, port=0, bounds=bounds, direct=late, admit=remove_head, headers=[*ALL]
        )
        self.public.start()
        stack.push_async_callback(self.public.stop, 0.2)

    async def _catch_up(self) -> None:
        self.caught_up += 1
        await self.installation.reader.look()

    def _questions(self) -> dict[str, Any]:
        return QUESTIONS | {self.in_force.question.name: self.in_force.question}

    def _noted(self, gate: HttpGate) -> Any:
        async def noted(scope: Any, receive: Any, send: Any) -> None:
            self.served.append(f"{scope['method']} {scope['path']}")
            await gate(scope, receive, send)

        return noted

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        auth: str | None = PLATFORM,
        head_only: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call at this worker's public port."""
        sent = dict(headers or {})
        if auth is not None:
            sent["authorization"] = auth
        text = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        if body is not None:
            sent |= {"content-length": str(len(text))}
            sent.setdefault("content-type", "application/json")
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        client = await Client.to(self.public)
        try:
            client.write(f"{method} {path} HTTP/1.1\r\nhost: a\r\n{lines}\r\n".encode() + text)
            return await client.answer(head_only)
        finally:
            client.close()


class _Noted:
    """A `DirectApp` whose calls are noted."""

    def __init__(self, gate: HttpGate, served: list[str]) -> None:
        self._gate, self._served = gate, served

    def begin(self, call: Any) -> bool:
        begun = self._gate.begin(call)
        if begun:
            self._served.append(f"{call.request.method} {call.request.path}")
        return begun


class TwoWorkers:
    """Cell 1 with the orgs 1 and 7, cell 2 with org 8 and org 9 below it."""

    def __init__(self, subject: SqliteMap, workers: tuple[Worker, Worker]) -> None:
        self.subject = subject
        self.workers = workers

    async def fill(self) -> None:
        """Make the orgs, each with a credential, and have both workers know of them."""
        first, second = (worker.service for worker in self.workers)
        await first.access.ensure_bootstrap(OrgId(1), "boss", "s3cret")
        await second.access.put("boss", "s3cret", OrgId(1), platform=True, scopes="*")
        await first.add_org(7)
        await second.add_org(8)
        await second.add_org(9, parent=8)
        await self.look()

    async def look(self) -> None:
        """Have both workers read the map."""
        for worker in self.workers:
            assert await worker.installation.reader.look()


@asynccontextmanager
async def two_workers(directory: Path) -> AsyncIterator[TwoWorkers]:
    """Both serve until the end."""
    subject = SqliteMap(directory / "map")
    clock = Clock()
    async with AsyncExitStack() as stack:
        workers = Worker(1, subject.hosted(), clock), Worker(2, subject.hosted(), clock)
        for worker in workers:
            stack.push_async_callback(worker.map.close)
            await worker.begin(stack)
        made = TwoWorkers(subject, workers)
        await made.fill()
        yield made
