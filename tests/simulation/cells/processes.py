"""A process: it owns cells, takes over those of others, moves families, and is a door."""

from tests.simulation.cells.movers import MovingProcess
from tests.simulation.cells.owning import SPARES, OwnedCell
from tests.simulation.cells.stores import CellStore
from tidings.core.cells.cell_map import CellOwner, lost_places
from tidings.core.cells.families import FamilyMove, FamilyState, after_restore
from tidings.core.cells.placement import ProcessSeen, may_take
from tidings.core.cells.ranges import NoRange
from tidings.core.running.lease import LEASE_S, Lease

TICK_S = LEASE_S / 3


class SimulatedProcess(MovingProcess):
    """One process, from one start to its end; the next one of its name is another."""

    def tick(self) -> None:
        """Do what is done three times a lease."""
        self.read_map()
        self._renew()
        self._send()
        self._watch()
        for owned in list(self.own.values()):
            self._tend(owned)
        self.world.later(self, TICK_S / self.rate, self.tick)

    def _renew(self) -> None:
        asked_at_s, cells = self.clock_s(), list(self.own.values())

        def arrive() -> None:
            if not self.reaches_stores:
                return
            known = []
            for owned in cells:
                if owned.store.epoch == owned.epoch:
                    owned.store.renewed += 1
                    known.append(owned)
            self.world.reply(self, renewed, known)

        def renewed(known: list[OwnedCell]) -> None:
            for owned in known:
                owned.lease.renewed(asked_at_s)
                self.refresh(owned)
            for owned in set(cells) - set(known):
                if owned.store.epoch != owned.epoch:
                    self.lose(owned)

        self.world.travel(arrive)

    def _send(self) -> None:
        """Send for the families that are here, of cells whose lease holds in this moment."""
        for owned in self.own.values():
            if not owned.lease.holds():
                continue
            assert owned.store.epoch == owned.epoch, "2 nothing is sent by who owns no more"
            for family, row in owned.rows.items():
                if row.state is FamilyState.HERE and family not in owned.held:
                    now = owned.store.rows[family].state
                    assert now is FamilyState.HERE, "2 nothing is sent where the family is not"
                    self.world.sends += 1

    def _watch(self) -> None:
        if not self.reaches_stores:
            return
        now_s = self.clock_s()
        for store in self.world.watched_by[self.name]:
            if store.cell in self.own:
                continue
            seen = self._seen.get(store.cell)
            if seen is None or seen[0] != store.epoch or seen[1] != store.renewed:
                since_s = now_s if store.holder is not None else now_s - LEASE_S
                self._seen[store.cell] = store.epoch, store.renewed, since_s
            elif now_s - seen[2] >= LEASE_S:
                free_s = now_s - seen[2] - LEASE_S
                processes = [
                    ProcessSeen(name, len(self.world.processes[name].own), 99.0)
                    for name in self.world.watchers[store.cell]
                ]
                if may_take(self.name, store.cell, free_s, processes, self.world.watched):
                    self._take(store)

    def _take(self, store: CellStore) -> None:
        """Take a cell over: the former owner's connection ends, then the row changes."""
        try:
            ranges = store.ranges.begin_fresh()
        except NoRange:
            if not self.reaches_map:
                return
            granted = self.world.map.grants.grant(store.cell, SPARES)
            ranges = store.ranges.with_granted(granted).begin_fresh()
        former = store.holder
        if former is not None and former.alive:
            owned = former.own.get(store.cell)
            assert owned is None or not owned.lease.holds(), "1 nothing is owned twice"
        asked_at_s = self.clock_s()
        store.epoch, store.holder, store.renewed = store.epoch + 1, self, store.renewed + 1
        store.ranges = ranges
        self.world.takes += 1
        lease = Lease(self.clock_s)
        lease.renewed(asked_at_s)
        self._lose_moved(store)
        self.own[store.cell] = owned = OwnedCell(store, lease)
        if self.reaches_map:
            self.world.map.own(store.cell, CellOwner(owned.epoch, self.address))

    def _lose_moved(self, store: CellStore) -> None:
        """Have a store that was put back be without the families that have moved since."""
        if not self.reaches_map:
            return
        for family, row in list(store.rows.items()):
            placed = self.world.map.families[family]
            following = after_restore(row, (placed.cell, placed.number), store.cell)
            if following is not None:
                number, other = following.number, following.other
                store.move(store.epoch, family, FamilyMove.LOSE, number, other)
                self.world.losses += 1

    def release(self) -> None:
        """Hand all over, as a process does that stops."""
        for owned in list(self.own.values()):
            if owned.store.epoch == owned.epoch and self.reaches_stores:
                owned.store.holder = None
                owned.store.renewed += 1
                if self.reaches_map:
                    self.world.map.own(owned.store.cell, CellOwner(owned.epoch, ""))
        self.own.clear()

    def _tend(self, owned: OwnedCell) -> None:
        """Keep spare ranges, carry moves on, and mend the map."""
        if not owned.lease.holds():
            return
        store = owned.store
        if self.reaches_map:
            if len(owned.giver.ranges.spares) < SPARES // 2:
                granted = self.world.map.grants.grant(store.cell, SPARES)
                owned.giver.renew(owned.giver.ranges.with_granted(granted))
            known = self.world.map.owners.get(store.cell)
            if known is None or known.epoch < owned.epoch:
                self.world.map.own(store.cell, CellOwner(owned.epoch, self.address))
            here = {
                family: row.number
                for family, row in owned.rows.items()
                if row.state is FamilyState.HERE
            }
            lost = lost_places(here, self.world.map.families, store.cell)
            for family, place in lost.items():
                self.world.map.place(family, place)
        if owned.held:  # what became of its commit is found out by one behind it
            self.ask_store(owned, lambda: owned.store.commit(owned.epoch, [], None), lambda _: None)
        for family, row in owned.rows.items():
            if row.state.is_moving or row.state is FamilyState.GONE:
                self.drive(owned, family)
