"""The door of a process: it serves a part of a call, or passes it on."""

from collections.abc import Callable
from typing import Any

from tests.simulation.cells.owning import OwningProcess
from tidings.core.cells.call_parts import CallPart, PartAnswer, part_again
from tidings.core.cells.door import (
    PassOn,
    RefuseNow,
    ServeHere,
    decide,
    decide_again,
    learn_from,
)
from tidings.core.cells.families import (
    CellId,
    FamilyId,
    FamilyJudgement,
)


class DoorProcess(OwningProcess):
    """Takes any call."""

    def pass_part(
        self,
        part: CallPart,
        call: Any,
        answer: Callable[[list[PartAnswer | None]], None],
        tries: int = 0,
        before: ServeHere | PassOn | None = None,
    ) -> None:
        """Be the door of a part: serve it, or pass it on, at most twice."""
        family = call.families[part.indices[0]]
        arguments = family, self.map, self.own
        if before is None:
            decision = decide(*arguments, own_address=self.address)
        else:
            decision = decide_again(*arguments, before, tries, own_address=self.address)
        if isinstance(decision, RefuseNow) or not isinstance(decision, ServeHere | PassOn):
            answer([PartAnswer(503)])
            return
        tried = decision

        def judged(found: PartAnswer | dict[FamilyId, FamilyJudgement] | None) -> None:
            if isinstance(found, dict):
                self._part_again(part, call, answer, found, tries + 1, tried)
                return
            if found is None:
                self.read_map()
            answer([found])

        if isinstance(decision, ServeHere):
            self.serve_part(part, decision.cell, call, judged)
            return
        self.world.hops += 1
        cell = decision.cell

        def arrive(other: DoorProcess | None) -> None:
            if other is None:  # nobody listens there
                self.world.reply(self, judged, None)
                return
            there = decide(family, other.map, other.own, is_passed_on=True, named=cell)
            assert not isinstance(there, PassOn), "one hop"
            if isinstance(there, ServeHere):
                other.serve_part(
                    part, cell, call, lambda found: self.world.reply(self, judged, found)
                )
            else:
                self.world.reply(self, judged, PartAnswer(503))

        self.world.send_to(decision.owner.address, arrive)

    def _part_again(
        self,
        part: CallPart,
        call: Any,
        answer: Callable[[list[PartAnswer | None]], None],
        refused: dict[FamilyId, FamilyJudgement],
        tries: int,
        tried: ServeHere | PassOn,
    ) -> None:
        """Read the map again after "not mine", and part what was refused by it."""
        self.read_map()
        for family, judgement in refused.items():
            learn_from(judgement, family, self.map)
        parts = part_again(part, call.families, set(call.families), self.cell_of)
        collected: list[PartAnswer | None] = []

        def part_answered(answers: list[PartAnswer | None]) -> None:
            collected.extend(answers)
            if sum(len(found.rows) if found else 0 for found in collected) == len(part.indices) or (
                any(found is None or not found.rows for found in answers)
            ):
                answer(collected)

        for again in parts:
            self.pass_part(again, call, part_answered, tries, tried)

    def cell_of(self, family: FamilyId) -> CellId | None:
        """Return the cell of a family by one's own map."""
        place = self.map.place_of(family)
        return None if place is None else place.cell
