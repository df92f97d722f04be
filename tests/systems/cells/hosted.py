"""A host of two cells: its workers, who owns what, and one that does nothing for a while."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import psutil

from tests.e2e.harness.api import Api, Reply
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tidings.api.cells.moves import (
    BEGIN_MOVES,
    MOVES,
    MoveProgress,
    MovesAsked,
    ProgressAsked,
)
from tidings.api.cells.question import CellQuestion
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.app.cells.over.every_cell import STEM
from tidings.app.cells.worker_post import WorkerPost
from tidings.app.keys.derived_keys import derive_key, derived_key
from tidings.app.keys.master_key import read_master_key
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId
from tidings.door.certificates import DOOR_PURPOSE
from tidings.door.head import DoorHead
from tidings.door.hop_request import request_of
from tidings.door.listening import trust_by_tls
from tidings.door.owner_lines import OwnerLines
from tidings.door.owner_questions import OwnerQuestions

from .by_hand import SECOND_CELL, owners, settings_of

Asked = TypeVar("Asked")
Found = TypeVar("Found")
BOTH = {FIRST_CELL, SECOND_CELL}


def workers(host: ServiceProcess) -> Mapping[CellId, psutil.Process]:
    """Find the process of each cell."""
    found = {}
    for child in psutil.Process(host.pid).children():
        try:
            words = child.cmdline()
        except psutil.Error:  # it has just ended
            continue
        if "--cell" in words:
            found[WorkerPost.read(words[words.index("--cell") + 1]).entry.cell] = child
    return found


def owned(host: ServiceProcess) -> set[CellId]:
    """List the cells that have an owner by the map."""
    return {cell for cell, owner in owners(settings_of(host)).items() if owner.address}


def all_owned(host: ServiceProcess) -> bool:
    return owned(host) == BOTH


@contextmanager
def standing_still(process: psutil.Process) -> Iterator[None]:
    """Have a process do nothing for a while."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def ask_owner(
    host: ServiceProcess, cell: CellId, question: CellQuestion[Asked, Found], asked: Asked
) -> Found | None:
    """Ask the owner of a cell as another process would; None: it is not answered."""
    settings = settings_of(host)
    owner = owners(settings).get(cell)
    if owner is None or not owner.address:
        return None
    master = read_master_key(settings)
    key = derive_key(master, DOOR_PURPOSE) if master else derived_key(host.data, DOOR_PURPOSE)
    body = msgspec.json.encode(asked)

    async def ask() -> Found | None:
        lines = OwnerLines(trust_by_tls(key).calls)
        head = DoorHead(cell, owner.epoch, client="", request_id="test", left_ms=120_000)
        try:
            target = f"{STEM}{question.name}".encode()
            request = request_of("POST", target, [(b"host", b"door")], length=len(body))
            found = await OwnerQuestions(lines).ask(owner, request, body, head)
        finally:
            lines.close()
        if found is None or found.status != 200:
            return None
        return msgspec.json.decode(found.body, type=question.finds)

    return asyncio.run(ask())


def begin_move(
    host: ServiceProcess, org: OrgId, source: CellId, target: CellId
) -> list[MoveProgress]:
    """Begin to move a family, at the owner of its cell."""
    asked = MovesAsked([org], target)

    def begun() -> list[MoveProgress] | None:
        found = ask_owner(host, source, BEGIN_MOVES, asked)
        return None if found is None else [*found.begun]

    return until(begun, "a move that is begun")


def moving(host: ServiceProcess, *cells: CellId) -> list[MoveProgress]:
    """List the moves from these cells, or from all of them."""
    found = [ask_owner(host, cell, MOVES, ProgressAsked()) for cell in cells or BOTH]
    return [move for cell in found if cell is not None for move in cell.moves]


def is_known_everywhere(host: ServiceProcess) -> bool:
    for still in workers(host).values():
        with line(host, still) as api:
            if api.get("/v1/caller").status != 200:
                return False
    return True


@contextmanager
def line(
    host: ServiceProcess, still: psutil.Process, auth: str = f"{KEY}:{SECRET}"
) -> Iterator[Api]:
    """A connection that another process than this one has taken, which goes on then."""
    while True:
        api = Api(host.port, auth, seconds=PATIENCE_S / 8)
        try:
            with standing_still(still):
                assert api.get("/livez").status == 200
            break
        except TimeoutError:  # it had been given to the one that stands still
            api.close()
    with api:
        yield api


def sent(api: Api, method: str, path: str, body: Any) -> Reply:
    return api.call(method, path, json.dumps(body).encode(), {"content-type": "application/json"})
