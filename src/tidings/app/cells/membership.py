"""A process that owns one cell of several: its part of the installation, and its end of the door.

It is started by a host, which gives it the socket of the public port and ends it by the end of its
standard input. While the map is away it serves its own cell.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from typing import NamedTuple

from starlette.routing import BaseRoute

from tidings.api.context import Services
from tidings.api.http.answer_headers import ALL
from tidings.api.http.gate import INBOX_STEM, HttpGate, keeps
from tidings.api.http.refusals import request_id
from tidings.app.cells.calls.cell_calls import cell_calls
from tidings.app.cells.calls.directed_store import directed
from tidings.app.cells.calls.family_placing import FamilyPlacing
from tidings.app.cells.calls.source_events import SourceEvents
from tidings.app.cells.cell_settings import (
    FIRST_CELL,
    door_address,
    door_port,
    settings_of_cell,
)
from tidings.app.cells.duties.former_store import lose_moved_families
from tidings.app.cells.duties.owner_row import CellOwnerRow
from tidings.app.cells.files.files_in_force import FilesInForce
from tidings.app.cells.installation import Installation
from tidings.app.cells.map_place import open_cell_map
from tidings.app.cells.map_reader import MapReader
from tidings.app.cells.moves.cell_moves import MovesOfCell
from tidings.app.cells.orgs_of_files import OrgsOfFiles
from tidings.app.cells.over.cell_answers import QUESTIONS, CellAnswers
from tidings.app.cells.over.every_cell import EveryCell
from tidings.app.cells.over.known_cells import KnownCells
from tidings.app.cells.over.over_parts import OverParts, over_parts
from tidings.app.cells.own_parts import jobs_of, make_moves
from tidings.app.cells.store_identity import must_be_there
from tidings.app.cells.worker_post import WorkerPost
from tidings.app.descriptors import DoorShares
from tidings.app.keys.derived_keys import derive_key
from tidings.app.start_retry import StartStepRunner
from tidings.compose import App
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.door_address import with_port
from tidings.core.cells.families import CellId
from tidings.core.cells.owners_seen import WatchedOwner
from tidings.core.running.lease import OwnerLease
from tidings.core.running.restarts import AGAIN_CODE
from tidings.door.admission import remove_head
from tidings.door.certificates import DOOR_PURPOSE
from tidings.door.door_gate import DoorGate
from tidings.door.listening import DoorTrust, door_server, trust_by_tls
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.running.supervisor import SupervisedTask
from tidings.engine.vault import SealedSecret
from tidings.server import Bounds, HttpRequest, HttpServer
from tidings.server.listening import make_listening
from tidings.settings.settings import Settings
from tidings.store.cell_map.map_line import LinedCellMap
from tidings.store.port import Store
from tidings.store.port.cell_map import CellMapStore, MapRefused

DIRECTORY_PURPOSE = b"tidings.directory"  # of the key of digests in the directory
FIRST_LOOK_S = 5.0  # at the map, before the public port is opened
Headers = list[tuple[bytes, bytes]]


class SharedPort(NamedTuple):
    """Hold what the public port is served with, which all workers of a machine share."""

    gate: DoorGate
    admit: Callable[[HttpRequest], None]
    listening: socket.socket


class Membership:
    """See the module. To be used within one event loop, in the order of its methods."""

    def __init__(self, settings: Settings, post: WorkerPost) -> None:
        """`settings`: those of the installation. Raise `MapRefused` where the cell's store is not
        of their kind."""
        self.whole = settings
        self.settings = settings_of_cell(settings, post.entry)
        must_be_there(self.settings, post.entry.cell, settings)
        self._post = post
        self._installation: Installation | None = None
        self._owner: CellOwnerRow | None = None
        self._lease: OwnerLease | None = None
        self._over: OverParts | None = None
        self._moves: MovesOfCell | None = None
        self._files: FilesInForce | None = None
        self._door: HttpServer | None = None
        self._trust: DoorTrust | None = None
        self._door_socket: socket.socket | None = None
        self._shares = DoorShares(0, 0)
        self._tasks: list[SupervisedTask] = []
        self._end: Callable[[int], None] | None = None
        for number in (post.listening, post.tells):
            os.set_inheritable(number, False)  # the store's processes have no part in them

    def follow_host(self, end: Callable[[int], None]) -> None:
        """Have the service ended when its host has ended, or wants it to. `end` takes the code with
        which the process ends."""
        self._end = end
        loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

        def read() -> None:
            if not os.read(stdin, 64):
                loop.remove_reader(stdin)
                end(0)

        loop.add_reader(stdin, read)

    def begin_again(self) -> None:
        """End the service in order, for its host to start another process at once, which takes up
        what is in the store by then."""
        if self._end is not None:
            self._end(AGAIN_CODE)

    @property
    def installation(self) -> Installation:
        """Return what this process has of the installation, once it has joined."""
        assert self._installation is not None, "it has not joined"
        return self._installation

    @property
    def cell(self) -> CellId:
        """Return the cell that it owns."""
        return self._post.entry.cell

    @property
    def former_owner(self) -> WatchedOwner | None:
        """Return the owner of the store as the host has watched it before this process began."""
        return self._post.owner

    @property
    def is_first(self) -> bool:
        """Return whether it owns the first cell, in which a first start makes what it makes."""
        return self.cell == FIRST_CELL

    @property
    def is_begun_by_operator(self) -> bool:
        """Return whether an operator has started the host for it: it was not begun again."""
        return not self._post.is_again

    def join(
        self,
        master: SealedSecret,
        owner: int,
        lease: OwnerLease,
        shares: DoorShares,
        now_ms: Callable[[], int],
    ) -> Installation:
        """Make what the process has of the installation. Nothing is asked, and nobody hears of it.
        `owner`: the number of the store's. Raise MapRefused where its door has no port."""
        self._shares = shares
        self._trust = trust_by_tls(derive_key(master, DOOR_PURPOSE))
        self._door_socket = self._listen()
        port = self._door_socket.getsockname()[1]
        store = self._open_map()
        lines = OwnerLines(self._trust.calls, shares.lines)
        self._installation = Installation(
            cell=self._post.entry.cell,
            owner=CellOwner(max(owner, 1), with_port(door_address(self.whole), port)),
            store=store,
            reader=MapReader(store, now_ms),
            lines=lines,
            questions=OwnerQuestions(lines, self._trust.seal),
            directory_key=derive_key(master, DIRECTORY_PURPOSE),
            seal=self._trust.seal,
        )
        self._lease = lease
        return self._installation

    async def admit(
        self, master: SealedSecret, audit_key: bytes, store: Store, through: StartStepRunner
    ) -> None:
        """Refuse a start with other files than those of the installation, and have the store be
        without what has moved to other cells since it was copied, where it was put back from a
        backup. Raise FileRefused, MapDown."""
        assert self._lease is not None, "it has not joined"
        self._owner = CellOwnerRow(self.installation, self._lease, store.note_epoch)
        self._files = await asyncio.to_thread(FilesInForce, self.installation, self.whole, master)
        await self._files.admit()
        audit = AuditLog(store, audit_key)
        await through(lambda: lose_moved_families(self.installation, store, audit))

    def count_cells(self) -> int:
        """Return how many cells there are, as the map was read; 1 where it was not."""
        return max(1, len(self.installation.reader.view.current_cells))

    def orgs_of_files(self) -> OrgsOfFiles:
        """Make what knows where the orgs are that the operator's files name."""
        return OrgsOfFiles(self.installation)

    def look_over(self, app: App, new_request_id: Callable[[], str]) -> EveryCell:
        """Make what asks the owners of the other cells, and follows what is in force over all."""
        self._over = over_parts(self.installation, app, self.whole, new_request_id)
        self._moves = make_moves(
            self.installation,
            app,
            self._over.every,
            self._over.loads,
            self.begin_again,
            None if self.settings.database else self.settings.data,
        )
        self._over.cells.find_obstacle = self._moves.find_obstacle
        return self._over.every

    @property
    def moves(self) -> MovesOfCell:
        """Return what moves families, once it looks at other cells."""
        assert self._moves is not None, "it looks at no other cell"
        return self._moves

    @property
    def over(self) -> OverParts:
        """Return what it has over all cells, once it looks over them."""
        assert self._over is not None, "it looks at no other cell"
        return self._over

    @property
    def cells(self) -> KnownCells:
        """Return what knows all cells, once it looks over them."""
        return self.over.cells

    def directed(self, store: Store, now_ms: Callable[[], int]) -> Store:
        """Return the store as the engine works over it: what opens something is in the directory
        before it is there."""
        return directed(store, self.installation, now_ms)

    def share_port(
        self,
        app: App,
        services: Services,
        gate: HttpGate,
        routes: Iterable[BaseRoute],
        known: Callable[[Headers], Hashable | None],
        remote: Callable[[str, Headers], str] | None,
        call_s: float,
        new_request_id: Callable[[], str],
    ) -> SharedPort:
        """Make the door's server, and what the public port is served with: a gate around the
        service's own, which serves `routes`. `known`, `remote`: as of `HttpServer`."""
        assert self._trust is not None, "it has not joined"
        installation = self.installation

        def id_of(headers: Headers) -> bytes:
            return request_id(dict(headers), new_request_id)

        services.web.metrics.register(self.moves.figures)
        of_moves = {question.name: question for question in self.moves.questions()}
        answers = CellAnswers(gate, services, QUESTIONS | self.over.questions | of_moves)
        others = services.web.others
        assert others is not None, "it asks nobody"
        calls = cell_calls(
            installation,
            app,
            routes,
            answers,
            gate,
            id_of,
            self._catch_up,
            others,
            ALL,
            FamilyPlacing(installation, self.over.loads),
            self.over.sizes,
            self.moves.retry_after_s,
        )
        passes = SourceEvents(calls.router, installation.reader, self.over.every)
        app.sources.sources.intake.cells = passes
        door = DoorGate(calls.app, calls.app, calls.door, calls.app.events)
        self._door = door_server(
            door,
            door,
            self._trust,
            host=self.whole.door_host,
            port=0,
            bounds=self._bounds(call_s),
            keeps=keeps,
            known=known,
            remote=remote,
            is_as_sent=_is_as_sent,
            headers=[*ALL],
            listening=self._door_socket,
        )
        listening = socket.socket(fileno=self._post.listening)
        listening.setblocking(False)
        return SharedPort(door, remove_head, listening)

    async def _catch_up(self) -> None:
        """Read the map, and have in force here what is in force over all cells."""
        await self.installation.reader.look()
        if self._over is not None:
            await self._over.in_force.follow()

    async def begin(self, app: App) -> None:
        """Take calls of other processes, look at the map, and do what an owner does."""
        assert self._door is not None and self._owner is not None, "it has no gate"
        self._door.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self.installation.reader.look()
        start = app.base.supervisor.start
        in_force, loads = self.over.in_force, self.over.loads
        assert self._files is not None, "it has not looked at its files"
        jobs = jobs_of(
            self.installation,
            app,
            self._owner,
            self.whole,
            in_force,
            moves=self.moves,
            loads=loads,
            files=self._files,
        )
        self._tasks = [start(part, job) for part, job in jobs.items()]

    def say_ready(self) -> None:
        """Tell the host that the public port is served here."""
        self._post.say_ready()

    async def leave(self, seconds: float) -> None:
        """Say that nobody owns the cell any more, and finish what other processes have passed on,
        within so many seconds."""
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*(task.stop() for task in tasks))
        if self._door is not None and self._owner is not None:
            await asyncio.gather(self._owner.let_go(seconds), self._door.stop(seconds))

    async def close(self) -> None:
        """Let lines and map go. Idempotent."""
        if self._door_socket is not None:
            self._door_socket.close()
        if self._installation is not None:
            self._installation.lines.close()
            await self._installation.store.close()

    def _open_map(self) -> CellMapStore:
        """Open the map, or the line to the host, whose connection it is asked over."""
        if (number := self._post.map_line) is None:
            return open_cell_map(self.whole, f"cell={self.cell}")
        os.set_inheritable(number, False)
        return LinedCellMap.over(socket.socket(fileno=number))

    def _listen(self) -> socket.socket:
        """Open the socket of this cell's door. Raise MapRefused where it cannot be had."""
        host, port = self.whole.door_host, door_port(self.whole, self.cell)
        try:
            return make_listening(host, port, self._bounds())
        except (OSError, OverflowError) as error:
            raise MapRefused(
                f"door_host must be an address of this machine, with a free port for each cell; "
                f"got {host} port {port or 'of any number'}: "
                f"{getattr(error, 'strerror', None) or error}. Correct door_host or door_port."
            ) from error

    def _bounds(self, grace_s: float = 10.0) -> Bounds:
        places = self._shares.places
        return Bounds(places=places, per_address=places, grace_s=grace_s)


def _is_as_sent(path: str) -> bool:
    """Return whether a call is shown to people as it was sent."""
    return path.startswith(INBOX_STEM)
