"""What owns cells: its memory of each, commits in order, and whatever is judged by rows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.cells.stores import BITS, CellStore
from tidings.core.cells.call_parts import CallPart, PartAnswer
from tidings.core.cells.cell_map import CellMap
from tidings.core.cells.families import (
    CallVerdict,
    CellId,
    FamilyId,
    FamilyJudgement,
    judge_call,
)
from tidings.core.cells.ranges import NoRange, NumberGiver
from tidings.core.running.lease import Lease

if TYPE_CHECKING:
    from tests.simulation.cells.world import CellWorld

SPARES = 4  # ranges that are granted at once


class OwnedCell:
    """What the owner of a cell has in memory."""

    __slots__ = (
        "asked",
        "arrives_s",
        "changes",
        "epoch",
        "giver",
        "held",
        "lease",
        "rows",
        "store",
    )

    def __init__(self, store: CellStore, lease: Lease) -> None:
        self.store = store
        self.epoch = store.epoch
        self.lease = lease
        self.rows = dict(store.rows)
        self.changes = store.changes
        self.giver = NumberGiver(store.ranges, bits=BITS)
        self.held: dict[FamilyId, int] = {}  # asked to leave, by the commit of that: not sent
        self.asked = 0  # commits
        self.arrives_s = 0.0  # the last one, in the store: they stay in order

    def judge(self, family: FamilyId) -> FamilyJudgement:
        judgement = judge_call(self.rows.get(family))
        if family in self.held and judgement.verdict is CallVerdict.MINE:
            return judgement._replace(verdict=CallVerdict.HELD)
        return judgement


class OwningProcess:
    """Owns cells, and commits in their stores."""

    def __init__(self, world: "CellWorld", name: str, number: int, rate: float) -> None:
        self.world = world
        self.name = name
        self.address = f"{name}:{number}"
        self.rate = rate
        self.alive = True
        self.frozen_until_s = self.map_cut_until_s = self.store_cut_until_s = 0.0
        self.own: dict[CellId, OwnedCell] = {}
        self.map = CellMap()
        self._seen: dict[CellId, tuple[int, int, float]] = {}
        self._driven: set[FamilyId] = set()

    def clock_s(self) -> float:
        return self.world.now_s * self.rate

    @property
    def reaches_map(self) -> bool:
        return self.world.now_s >= self.map_cut_until_s

    @property
    def reaches_stores(self) -> bool:
        return self.world.now_s >= self.store_cut_until_s

    def read_map(self) -> None:
        if self.reaches_map:
            self.world.map.read(self.map)

    def refresh(self, owned: OwnedCell) -> None:
        """Follow the rows of the store: read behind all that was written before."""
        store = owned.store
        if store.epoch == owned.epoch and owned.changes != store.changes:
            owned.rows, owned.changes = dict(store.rows), store.changes

    def lose(self, owned: OwnedCell) -> None:
        """Forget a cell that is another's."""
        if self.own.get(owned.store.cell) is owned:
            del self.own[owned.store.cell]

    def ask_store(
        self,
        owned: OwnedCell,
        commit: Callable[[], Any],
        then: Callable[[Any], None],
    ) -> None:
        """Have a commit carried out behind those before it; its answer may be lost. `then` hears
        what came of it: None where nobody knows, or the cell is another's."""
        world, asked_at_s = self.world, self.clock_s()
        owned.asked += 1
        asked = owned.asked
        owned.arrives_s = max(owned.arrives_s, world.now_s + world.delay_s())

        def arrive() -> None:
            if not self.reaches_stores:
                world.reply(self, answered, None, False)
                return
            came_of_it = commit()
            is_ours = owned.store.epoch == owned.epoch
            if world.rng.random() < world.lost_answers:
                came_of_it, is_ours = None, False
            world.reply(self, answered, came_of_it, is_ours)

        def answered(came_of_it: Any, is_ours: bool) -> None:
            if is_ours:
                owned.lease.renewed(asked_at_s)
                self.refresh(owned)
                for family in [key for key, number in owned.held.items() if number <= asked]:
                    del owned.held[family]
            elif owned.store.epoch != owned.epoch:
                self.lose(owned)
            then(came_of_it)

        world.at(owned.arrives_s, arrive)

    def serve_part(
        self,
        part: CallPart,
        named: CellId,
        call: Any,
        answer: Callable[[PartAnswer | dict[FamilyId, FamilyJudgement]], None],
    ) -> None:
        """Serve a part of a call in a cell of one's own; answer what is not mine with its
        judgements."""
        owned = self.own.get(named)
        if owned is None or not owned.lease.holds():
            answer(PartAnswer(503))
            return
        judged = {call.families[index]: owned.judge(call.families[index]) for index in part.indices}
        away = {
            family: judgement
            for family, judgement in judged.items()
            if judgement.verdict is CallVerdict.NOT_MINE
        }
        if away:
            answer(away)
            return
        if any(judgement.verdict is CallVerdict.HELD for judgement in judged.values()):
            answer(PartAnswer(503))
            return
        try:
            first = owned.giver.take("event", len(part.indices))
        except NoRange:
            answer(PartAnswer(503))
            return
        events = [
            (
                (call.families[index], call.ids[index], first + place),
                judged[call.families[index]].number,
            )
            for place, index in enumerate(part.indices)
        ]
        ranges = owned.giver.ranges

        def committed(refused: set[FamilyId] | None) -> None:
            if refused is None or refused:
                answer(PartAnswer(503))
            else:
                answer(PartAnswer(202, dict.fromkeys(part.indices, "accepted")))

        self.ask_store(owned, lambda: owned.store.commit(owned.epoch, events, ranges), committed)
