"""Cells and moves, as each process of an installation answers for them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import AsyncMock

import pytest

from tests.api.control_client import service
from tests.app.cells.several_cells import NOBODY, ONE, TWO, FixedMap, Member, several_cells
from tests.door.support import KEY
from tidings.api.cells.moves import MoveProgress, MoveRefusal, MovesAsked, MovesBegun, UndoFound
from tidings.api.paging import WHOLE
from tidings.app.cells.over.over_parts import own_parts
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind, directory_digest
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId
from tidings.store.port import StoreDown
from tidings.store.port.cell_map import CellState, MapDown

CALLS = [
    ("POST", "/v1/cells/1/drain", None),
    ("POST", "/v1/cells/1/open", None),
    ("POST", "/v1/cells/1/remove", None),
    ("POST", "/v1/orgs/1/move", {"to": 2}),
    ("POST", "/v1/orgs/1/move", {"to": 2, "dryRun": True}),
    ("POST", "/v1/orgs/1/move/undo", None),
]


@dataclass
class NotedMoves:
    """Stands for what moves families out of a cell: notes what it is asked for."""

    cell: CellId
    orgs: dict[OrgId, MoveProgress] = field(default_factory=dict)
    here: set[OrgId] = field(default_factory=set)
    asked: list[tuple[str, int]] = field(default_factory=list)
    refusal: MoveRefusal | None = None
    is_away: bool = False

    async def begin(self, asked: MovesAsked) -> MovesBegun:
        own = [org for org in asked.orgs if org in self.here]
        if self.refusal is not None:
            return MovesBegun((), [self.refusal for _ in own])
        for org in own:
            self.asked.append(("begin", org))
            self.orgs[org] = MoveProgress(
                org, self.cell, asked.target, 2, "copying", 1_000, 5, 20, 1.25, 4.0
            )
        return MovesBegun([self.orgs[org] for org in own])

    async def undo(self, org: OrgId) -> UndoFound:
        if org not in self.orgs:
            return UndoFound()
        self.asked.append(("undo", org))
        return UndoFound(self.orgs.pop(org))

    async def progress(self) -> list[MoveProgress]:
        return [*self.orgs.values()]

    async def drain(self, cell: CellId) -> MoveRefusal | None:
        return self._do("drain", cell)

    async def reopen(self, cell: CellId) -> MoveRefusal | None:
        return self._do("reopen", cell)

    def _do(self, what: str, cell: CellId) -> MoveRefusal | None:
        if self.is_away:
            raise MapDown("no answer has come")
        self.asked.append((what, cell))
        return self.refusal


@dataclass
class TwoCells:
    """Two cells, each with its moves: cell 1 has org 1, cell 2 the orgs 1 and 8, with 9 below."""

    fixed: FixedMap = field(default_factory=FixedMap)
    moves: dict[CellId, NotedMoves] = field(
        default_factory=lambda: {ONE: NotedMoves(ONE), TWO: NotedMoves(TWO, here={OrgId(8)})}
    )
    members: list[Member] = field(default_factory=list)

    async def audit(self, member: int = 0) -> list[tuple[str, str | None]]:
        """The platform's log of a cell, oldest first: what was done with what."""
        found = await self.members[member].call("GET", "/v1/audit?chain=platform")
        records = [(record["action"], record["object"]["id"]) for record in found.json["entries"]]
        kinds = ("cell", "org")
        return [record for record in records[::-1] if record[0].partition(".")[0] in kinds]

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """How both processes refuse a call: alike."""
        answers = []
        for member in self.members:
            found = await member.call(method, path, body)
            error = found.json["error"]
            answers.append((found.status, error["code"], error["message"]))
        assert answers[0] == answers[1]
        return answers[0]


@pytest.fixture
async def two() -> AsyncIterator[TwoCells]:
    made = TwoCells()
    made.fixed.families = {
        FamilyId(1): FamilyPlace(ONE, 1),
        FamilyId(8): FamilyPlace(TWO, 1),
        FamilyId(7): FamilyPlace(ONE, 1),
    }
    async with several_cells((ONE, TWO), made.fixed, moves=made.moves) as members:
        made.members = members
        await members[1].service.add_org(8)
        await members[1].service.add_org(9, parent=8)
        await members[0].service.add_org(7)
        yield made


# -- one cell -------------------------------------------------------------------------------------


async def test_one_cell_lists_itself_and_refuses_what_takes_two() -> None:
    async with service() as one:
        await one.add_org(2)
        await one.add_org(3, parent=2)
        found = (await one.call("GET", "/v1/cells")).json
        [cell] = found["cells"]
        assert (cell["cell"], cell["state"], cell["families"], cell["kind"]) == (1, "open", 2, None)
        assert found["moves"] == [] and "missingCells" not in found
        assert (await one.call("GET", "/v1/cells/1")).json == cell
        assert (await one.call("GET", "/v1/cells/2")).status == 404
        assert (await one.call("GET", "/v1/orgs/3/cell")).json == {"org": 3, "cell": 1}
        assert (await one.call("GET", "/v1/orgs/5/cell")).status == 404
        assert (await one.call("GET", "/v1/moves")).json == {"moves": [], **WHOLE}
        for method, path, body in CALLS:
            refused = await one.call(method, path, body)
            assert refused.status == 409, path
            assert refused.json["error"]["code"] == "only_cell"
            assert "`tidings cells create`" in refused.json["error"]["message"]


@pytest.mark.parametrize("call", [*CALLS, ("GET", "/v1/cells", None), ("GET", "/v1/moves", None)])
async def test_an_orgs_own_credential_sees_and_moves_nothing(call: tuple[str, str, Any]) -> None:
    async with service() as one:
        auth = await one.add_org(2)
        assert (await one.call(*call, auth)).status == 403


# -- several --------------------------------------------------------------------------------------


async def test_every_process_lists_all_cells_with_what_their_owners_know(two: TwoCells) -> None:
    two.moves[TWO].orgs[OrgId(8)] = MoveProgress(OrgId(8), TWO, ONE, 2, "copying", 0)
    seen = [(await member.call("GET", "/v1/cells")).json for member in two.members]
    assert seen[0] == seen[1]
    first, second = seen[0]["cells"]
    assert (first["families"], second["families"]) == (2, 1)
    assert (first["arriving"], first["leaving"], second["leaving"]) == (1, 0, 1)
    assert first["ranges"] is not None and first["problem"] is None
    assert first["address"] == two.fixed.owners[ONE].address
    assert [move["org"] for move in seen[0]["moves"]] == [8]
    assert (await two.members[0].call("GET", "/v1/cells/2")).json == second
    assert (await two.refused("GET", "/v1/cells/5"))[:2] == (404, "unknown_cell")
    assert (await two.refused("GET", "/v1/cells/x"))[:2] == (404, "unknown_cell")


async def test_every_process_says_which_cell_an_org_is_in(two: TwoCells) -> None:
    digest = directory_digest(OpenerKind.ORG, KEY, "9")
    two.fixed.openers[digest] = [Opener(OpenerKind.ORG, FamilyId(8))]
    for org, cell in ((7, 1), (8, 2), (9, 2)):
        for member in two.members:
            found = await member.call("GET", f"/v1/orgs/{org}/cell")
            assert found.json == {"org": org, "cell": cell}
    assert (await two.refused("GET", "/v1/orgs/55/cell"))[:2] == (404, "unknown_org")
    two.fixed.is_away = True
    assert (await two.members[0].call("GET", "/v1/orgs/8/cell")).status == 503
    assert (await two.members[1].call("GET", "/v1/orgs/8/cell")).json["cell"] == 2


async def test_a_cell_whose_owner_is_silent_is_listed_and_named(two: TwoCells) -> None:
    two.fixed.own(TWO, NOBODY, epoch=2)
    one = two.members[0]
    await one.installation.reader.look()
    found = (await one.call("GET", "/v1/cells")).json
    assert found["missingCells"] == [2]
    assert found["cells"][1]["ranges"] is None and "not answered" in found["cells"][1]["problem"]
    two.fixed.own(TWO, "", epoch=3)
    await one.installation.reader.look()
    found = (await one.call("GET", "/v1/cells")).json
    assert found["cells"][1]["address"] is None and "owns it" in found["cells"][1]["problem"]


async def test_a_move_is_planned_begun_shown_and_taken_back_at_any_process(two: TwoCells) -> None:
    for member in two.members:
        plan = await member.call("POST", "/v1/orgs/8/move", {"to": 1, "dryRun": True})
        assert plan.status == 202 and plan.json["state"] == "planned"
        assert plan.json["rowsExpected"] > 0 and plan.json["pauseExpectedSeconds"] > 0
        assert (plan.json["source"], plan.json["target"]) == (2, 1)
        assert not two.moves[TWO].asked
        begun = await member.call("POST", "/v1/orgs/8/move", {"to": 1})
        assert begun.status == 202 and begun.json["state"] == "copying"
        assert begun.json["pausedSeconds"] == 1.2 and begun.json["rowsMoved"] == 5
        assert (await member.call("GET", "/v1/moves")).json["moves"] == [begun.json]
        undone = await member.call("POST", "/v1/orgs/8/move/undo")
        assert undone.status == 200 and undone.json["org"] == 8
        assert two.moves[TWO].asked == [("begin", 8), ("undo", 8)]
        two.moves[TWO].asked.clear()
    assert await two.audit() == [("org.moved", "8"), ("org.stayed", "8")] * 2
    assert await two.audit(1) == [], "the first cell has the platform's log"


async def test_a_store_that_does_not_answer_is_refused_and_nothing_is_begun(
    two: TwoCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = two.members[1]
    store = member.service.parts.ports.store
    parts = own_parts(member.service.parts)
    away = AsyncMock(side_effect=StoreDown("away"))
    monkeypatch.setattr(store, "count_family_rows", away)
    plan = await member.call("POST", "/v1/orgs/8/move", {"to": 1, "dryRun": True})
    assert plan.status == 503 and two.moves[TWO].asked == []
    monkeypatch.setattr(store, "number_ranges", away)
    with pytest.raises(StoreDown):
        await own_parts(member.service.parts).number_ranges()
    monkeypatch.undo()
    assert (await parts.number_ranges()) is not None


async def test_what_is_done_is_recorded_where_the_first_cell_does_not_answer(
    two: TwoCells,
) -> None:
    second = two.members[1]
    two.fixed.own(ONE, NOBODY, epoch=2)
    await second.installation.reader.look()
    assert (await second.call("POST", "/v1/orgs/8/move", {"to": 1})).status == 202
    assert await two.audit(1) == [("org.moved", "8")]


async def test_what_is_done_waits_for_the_first_cell_to_record_it() -> None:
    fixed, moves = FixedMap(), {TWO: NotedMoves(TWO, here={OrgId(8)})}
    async with several_cells((ONE, TWO), fixed, moves=moves, record_s=120.0) as members:
        first, second = members
        owner = fixed.owners[ONE]
        fixed.own(ONE, NOBODY, epoch=2)
        await second.installation.reader.look()
        call = asyncio.ensure_future(second.call("POST", "/v1/orgs/8/move", {"to": 1}))
        while OrgId(8) not in moves[TWO].orgs:
            await asyncio.sleep(0.01)
        fixed.own(ONE, owner.address, epoch=3)  # its process has started again
        assert (await call).status == 202
        found = (await first.call("GET", "/v1/audit?chain=platform")).json["entries"]
        assert [record["action"] for record in found][0] == "org.moved"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/orgs/55/move", {"to": 1, "dryRun": True}, 404, "unknown_org"),
        ("/v1/orgs/55/move", {"to": 1}, 404, "unknown_org"),
        ("/v1/orgs/x/move", {"to": 1}, 404, "unknown_org"),
        ("/v1/orgs/55/move/undo", None, 404, "unknown_org"),
        ("/v1/orgs/9/move", {"to": 1, "dryRun": True}, 409, "not_a_root"),
        ("/v1/orgs/8/move", {"to": 2, "dryRun": True}, 409, "same_cell"),
        ("/v1/orgs/8/move", {"to": 5, "dryRun": True}, 404, "unknown_cell"),
        ("/v1/orgs/8/move", {"to": 0}, 400, "bad_cell"),
        ("/v1/orgs/8/move", {"to": True}, 400, "bad_cell"),
        ("/v1/orgs/8/move", {}, 400, "bad_cell"),
        ("/v1/orgs/8/move", {"to": 1, "into": 2}, 400, "unknown_field"),
    ],
)
async def test_what_cannot_be_moved_is_refused_alike_at_each_process(
    two: TwoCells, path: str, body: Any, status: int, code: str
) -> None:
    assert (await two.refused("POST", path, body))[:2] == (status, code)
    assert not two.moves[TWO].asked and await two.audit() == []


async def test_an_org_of_a_cell_that_is_away_is_not_called_unknown(two: TwoCells) -> None:
    two.fixed.own(TWO, NOBODY, epoch=2)
    one = two.members[0]
    await one.installation.reader.look()
    for path, body in (
        ("/v1/orgs/8/move", {"to": 1, "dryRun": True}),
        ("/v1/orgs/8/move", {"to": 1}),
        ("/v1/orgs/8/move/undo", None),
    ):
        found = await one.call("POST", path, body)
        assert found.status == 503 and found.json["error"]["code"] == "cell_away"
        assert found.headers["retry-after"]


async def test_a_cell_that_takes_no_families_is_no_target(two: TwoCells) -> None:
    two.fixed.states[ONE] = CellState.DRAINING
    for member in two.members:
        await member.installation.reader.look()
    body = {"to": 1, "dryRun": True}
    assert (await two.refused("POST", "/v1/orgs/8/move", body))[:2] == (409, "cell_not_open")


async def test_a_cell_is_drained_and_opened_and_who_did_it_is_recorded(two: TwoCells) -> None:
    one, second = two.members
    drained = await second.call("POST", "/v1/cells/1/drain")
    assert drained.status == 200 and drained.json["cell"] == 1
    opened = await one.call("POST", "/v1/cells/1/open")
    assert opened.status == 200
    assert two.moves[TWO].asked == [("drain", 1)] and two.moves[ONE].asked == [("reopen", 1)]
    assert await two.audit() == [("cell.drained", "1"), ("cell.opened", "1")]


async def test_what_moves_families_refuses_is_passed_on(two: TwoCells) -> None:
    refusal = MoveRefusal(OrgId(0), "no_space", "Another cell must be open; none is.")
    for moves in two.moves.values():
        moves.refusal = refusal
    assert (await two.refused("POST", "/v1/cells/2/drain"))[:2] == (409, "no_space")
    assert (await two.refused("POST", "/v1/orgs/8/move", {"to": 1}))[:2] == (409, "no_space")
    assert await two.audit() == []


async def test_while_the_map_is_away_nothing_is_drained_or_removed(two: TwoCells) -> None:
    two.fixed.is_away = True
    for moves in two.moves.values():
        moves.is_away = True
    for word in ("drain", "open", "remove"):
        status, code, message = await two.refused("POST", f"/v1/cells/2/{word}")
        assert (status, code) == (503, "map_away") and "Nothing was changed" in message
    assert two.fixed.states == {}


async def test_a_cell_is_removed_when_it_is_drained_and_empty_and_is_not_the_first(
    two: TwoCells,
) -> None:
    status, code, message = await two.refused("POST", "/v1/cells/1/remove")
    assert (status, code) == (409, "first_cell") and "audit log" in message
    assert (await two.refused("POST", "/v1/cells/5/remove"))[:2] == (404, "unknown_cell")
    assert (await two.refused("POST", "/v1/cells/2/remove"))[:2] == (409, "not_drained")
    two.fixed.states[TWO] = CellState.DRAINING
    assert (await two.refused("POST", "/v1/cells/2/remove"))[:2] == (409, "has_families")
    two.fixed.families[FamilyId(8)] = FamilyPlace(ONE, 2)
    assert await two.audit() == []
    for _ in range(2):
        removed = await two.members[0].call("POST", "/v1/cells/2/remove")
        assert removed.status == 200 and removed.json["state"] == "removed"
    listed = (await two.members[0].call("GET", "/v1/cells")).json
    assert [cell["state"] for cell in listed["cells"]] == ["open", "removed"]
    assert "missingCells" not in listed and listed["cells"][1]["problem"] is None
    assert two.fixed.states == {TWO: CellState.REMOVED}
