"""Moves families out of one's own cells, by the steps of `core/cells/moving.py`."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.simulation.cells.doors import DoorProcess
from tests.simulation.cells.owning import SPARES, OwnedCell
from tests.simulation.cells.stores import BITS
from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import (
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
)
from tidings.core.cells.moving import MoveSituation, MoveStep, next_step
from tidings.core.cells.ranges import NoRange

COPY = None  # a step that is no move of the row

_AT_TARGET: dict[MoveStep, FamilyMove | None] = {
    MoveStep.EMPTY_TARGET: FamilyMove.EMPTY,
    MoveStep.RECEIVE: FamilyMove.RECEIVE,
    MoveStep.COPY: COPY,
    MoveStep.SWITCH: FamilyMove.SWITCH,
    MoveStep.REFUSE: FamilyMove.REFUSE,
}
_AT_SOURCE = {
    MoveStep.SEAL: FamilyMove.SEAL,
    MoveStep.END_SWITCHED: FamilyMove.SWITCHED,
    MoveStep.END_UNDONE: FamilyMove.UNDONE,
    MoveStep.EMPTY: FamilyMove.EMPTY,
}


_RECALLS = {FamilyState.LEAVING: FamilyMove.UNDONE, FamilyState.SEALED: FamilyMove.RECALL}


class MovingProcess(DoorProcess):
    """Carries on the moves of families that leave its cells."""

    def begin_move(self, family: FamilyId, target: CellId) -> None:
        """Begin to move a family that is here."""
        place = self.map.place_of(family)
        owned = None if place is None else self.own.get(place.cell)
        if owned is None or not owned.lease.holds() or owned.store.cell == target:
            return
        row = owned.rows.get(family)
        if row is None or row.state is not FamilyState.HERE or family in owned.held:
            return
        owned.held[family] = owned.asked + 1  # before it is asked: its answer may be lost
        number = row.number + 1
        self.ask_store(
            owned,
            lambda: owned.store.move(owned.epoch, family, FamilyMove.BEGIN, number, target),
            lambda _: self.drive(owned, family),
        )

    def drive(self, owned: OwnedCell, family: FamilyId) -> None:
        """Do the next step of a move that leaves one's own cell."""
        row = owned.rows.get(family)
        if row is None or family in self._driven or self.own.get(owned.store.cell) is not owned:
            return
        if not (row.state.is_moving or row.state is FamilyState.GONE) or row.other is None:
            return
        if not owned.lease.holds():
            return
        self._driven.add(family)
        source = owned.store.events.get(family, {})

        def done(_: Any) -> None:
            self._driven.discard(family)
            self.drive(owned, family)

        def failed() -> None:
            self._driven.discard(family)  # the next tick tries again

        def step_at_source(step: MoveStep) -> None:
            move = _AT_SOURCE[step]
            self.ask_store(
                owned, lambda: owned.store.move(owned.epoch, family, move, row.number), done
            )

        if row.state is FamilyState.GONE:
            step_at_source(MoveStep.EMPTY)
            return
        if family in self.world.recalled and (move := _RECALLS.get(row.state)) is not None:
            # The wish is in the store, whoever carries the move on.
            self.world.recalls += move is FamilyMove.RECALL
            commit = partial(owned.store.move, owned.epoch, family, move, row.number)
            self.ask_store(owned, commit, done)
            return

        def target_told(target: FamilyRow | None, copied: int) -> None:
            is_undone = family in self.world.undone
            situation = MoveSituation(True, is_verified=copied == len(source), is_undone=is_undone)
            step = next_step(row, target, situation)
            if step in _AT_SOURCE:
                step_at_source(step)
            elif step in _AT_TARGET:
                self._ask_target(owned, row, target, step, dict(source), done, failed)
            else:
                failed()

        self._ask_target(owned, row, None, None, {}, target_told, failed)

    def _ask_target(
        self,
        owned: OwnedCell,
        row: FamilyRow,
        known: FamilyRow | None,
        step: MoveStep | None,
        copied: dict[str, int],
        then: Callable[..., None],
        failed: Callable[[], None],
    ) -> None:
        """Have a step done in the store of the target by its owner; or, with no step, be told the
        row there, by a commit, and how many events have been copied."""
        assert row.other is not None
        cell, here = row.other, owned.store.cell
        owner = self.map.owner_of(cell)
        self.world.later(self, 20.0, failed)  # where no answer comes
        if owner is None or not owner.address:
            return

        def arrive(other: MovingProcess | None) -> None:
            target = None if other is None else other.own.get(cell)
            if other is None or target is None or not target.lease.holds():
                return
            number = row.number
            ranges = None
            if step is MoveStep.EMPTY_TARGET:
                number = known.number if known is not None else 0
            if step is MoveStep.RECEIVE:
                ranges = other.fresh_above(target, max(copied.values(), default=0))
                if ranges is None:
                    return
            commit = _commit_of(target, row, step, number, here, copied, ranges)

            def committed(found: Any) -> None:
                if found is None:
                    return
                if found[0] is not None and found[0].state is FamilyState.HERE:
                    other.publish(cell, found[0])
                self.world.reply(self, lambda: then(*found) if step is None else then(found))

            other.ask_store(target, commit, committed)

        self.world.send_to(owner.address, arrive)

    def fresh_above(self, target: OwnedCell, highest: int) -> Any:
        """Return the ranges of a cell with a fresh one above a family's numbers, or None."""
        ranges = target.giver.ranges
        try:
            ranges = ranges.begin_fresh(above=highest, bits=BITS)
        except NoRange:
            if not self.reaches_map:
                return None
            granted = self.world.map.grants.grant(target.store.cell, SPARES)
            ranges = ranges.with_granted(granted).begin_fresh(above=highest, bits=BITS)
        target.giver.renew(ranges)
        return ranges

    def publish(self, cell: CellId, row: FamilyRow) -> None:
        """Write into the map where a family is now."""
        if self.reaches_map:
            self.world.map.place(row.family, FamilyPlace(cell, row.number))


def _commit_of(
    target: OwnedCell,
    row: FamilyRow,
    step: MoveStep | None,
    number: int,
    here: CellId,
    copied: dict[str, int],
    ranges: Any,
) -> Callable[[], Any]:
    """The commit of a step in the store of the target, or one that tells its row."""
    store, family = target.store, row.family

    def look() -> Any:
        if store.commit(target.epoch, [], None) is None:
            return None
        return store.rows.get(family), len(store.events.get(family, {}))

    def write() -> Any:
        assert step is not None
        move = _AT_TARGET[step]
        found = store.move(target.epoch, family, move, number, here, copied, ranges)
        return None if found is None else (found, 0)

    return look if step is None else write
