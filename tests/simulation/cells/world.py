"""The world: time, ways, faults, callers and operators; and what must hold in the end."""

import heapq
import random
from collections.abc import Callable
from typing import Any

from tests.simulation.cells.owning import OwnedCell, OwningProcess
from tests.simulation.cells.processes import SimulatedProcess
from tests.simulation.cells.stores import BITS, CellStore, Ledger, MapStore, StoreBackup
from tidings.core.cells.call_parts import PartAnswer, join_answers, part_call
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyState
from tidings.core.cells.ranges import CellRanges
from tidings.core.ids import OrgId, derived_event_id
from tidings.core.running.lease import Lease

CELLS, FAMILIES, PROCESSES = 1000, 1200, 12
ACTIVE = 60  # families that calls and moves are of
TROUBLE_S, HEALED_S = 50.0, 130.0
CALLS, MOVES, FAULTS = 160, 30, 16
DRIFT = 0.08


class ClientCall:
    """A caller's call, which it repeats under its key until it is answered."""

    def __init__(self, number: int, families: list[FamilyId]) -> None:
        self.families = families
        self.ids = [
            derived_event_id(OrgId(family), f"call {number}", index)
            for index, family in enumerate(families)
        ]
        self.accepted = False


class CellWorld:
    """A world of one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.now_s = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.lost_answers = rng.choice((0.0, 0.05, 0.2))
        self.slow = rng.choice((0.0, 0.02, 0.1))
        self.map = MapStore()
        self.ledger = Ledger()
        self.undone: set[FamilyId] = set()  # wanted back, as only a process knows
        self.recalled: set[FamilyId] = set()  # … as their rows are to say
        self.takes = self.hops = self.sends = self.answers = 0
        self.recalls = self.losses = 0
        names = [f"p{number}" for number in range(PROCESSES)]
        self.stores = [
            CellStore(CellId(cell), self.ledger, self.map.grants) for cell in range(1, CELLS + 1)
        ]
        self.watchers = {
            store.cell: [names[store.cell % PROCESSES], names[(store.cell // 12 + 5) % PROCESSES]]
            for store in self.stores
        }
        self.watched = 2 * CELLS // PROCESSES
        self.watched_by = {
            name: [store for store in self.stores if name in self.watchers[store.cell]]
            for name in names
        }
        for number in range(1, FAMILIES + 1):
            self.create(FamilyId(number), self.stores[number * 7 % CELLS])
        self.active = [FamilyId(number) for number in rng.sample(range(1, FAMILIES + 1), ACTIVE)]
        self.processes: dict[str, SimulatedProcess] = {}
        self._by_address: dict[str, SimulatedProcess] = {}
        self._starts = 0
        for name in names:
            self.start(name)
        for store in self.stores:
            self.give(store, self.processes[self.watchers[store.cell][0]])
        for process in self.processes.values():
            process.read_map()
        self.calls: list[ClientCall] = []

    def create(self, family: FamilyId, store: CellStore) -> None:
        store.move(0, family, FamilyMove.CREATE, 1)
        self.map.place(family, FamilyPlace(store.cell, 1))

    def give(self, store: CellStore, process: SimulatedProcess) -> None:
        """Give a cell to its first owner."""
        granted = self.map.grants.grant(store.cell, 2)
        store.ranges = CellRanges().with_granted(granted).begin_fresh(bits=BITS)
        store.epoch, store.holder = 1, process
        lease = Lease(process.clock_s)
        lease.renewed(process.clock_s())
        process.own[store.cell] = OwnedCell(store, lease)
        self.map.own(store.cell, CellOwner(1, process.address))

    # -- time and ways ----------------------------------------------------------------------------

    def at(self, time_s: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (time_s, self._count, act))

    def delay_s(self) -> float:
        """How long something is on its way; now and then for longer than a lease."""
        rng = self.rng
        return rng.random() * (25.0 if rng.random() < self.slow else 0.1)

    def travel(self, act: Callable[[], None]) -> None:
        self.at(self.now_s + self.delay_s(), act)

    def later(self, process: OwningProcess, after_s: float, act: Callable[[], None]) -> None:
        """Have a process do something; one that is frozen does it when it goes on."""

        def run() -> None:
            if not process.alive:
                return
            if process.frozen_until_s > self.now_s:
                self.at(process.frozen_until_s, run)
            else:
                act()

        self.at(self.now_s + after_s, run)

    def reply(self, process: OwningProcess, then: Callable[..., None], *found: Any) -> None:
        self.later(process, self.delay_s(), lambda: then(*found))

    def send_to(self, address: str, arrive: Callable[[SimulatedProcess | None], None]) -> None:
        """Reach the process at an address; one that is gone refuses."""
        process = self._by_address[address]
        if process.alive:
            self.later(process, self.delay_s(), lambda: arrive(process))
        else:
            self.travel(lambda: arrive(None))

    def run(self, until_s: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            self.now_s, _, act = heapq.heappop(heap)
            act()
        self.now_s = until_s

    # -- faults -----------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        self._starts += 1
        rate = 1.0 + DRIFT * (2 * self.rng.random() - 1)
        process = SimulatedProcess(self, name, self._starts, rate)
        self.processes[name] = self._by_address[process.address] = process
        self.later(process, self.rng.random() * 3, process.tick)

    def fault(self) -> None:
        rng = self.rng
        process = self.processes[rng.choice(sorted(self.processes))]
        if not process.alive:
            return
        lasts_s = rng.choice((1.0, 8.0, 12.0, 30.0)) * (0.5 + rng.random())
        kind = rng.randrange(6)
        if kind <= 1:
            if kind == 1:
                process.release()
            process.alive = False
            process.own.clear()
            self.at(self.now_s + lasts_s, lambda: self.start(process.name))
        elif kind == 2:
            process.frozen_until_s = self.now_s + lasts_s
        elif kind == 3:
            process.map_cut_until_s = self.now_s + lasts_s
        elif kind == 4:
            process.store_cut_until_s = self.now_s + lasts_s
        else:  # the map's store is away for all
            for other in self.processes.values():
                other.map_cut_until_s = max(other.map_cut_until_s, self.now_s + lasts_s)

    # -- callers and operators --------------------------------------------------------------------

    def call(self, call: ClientCall) -> None:
        """Make a call at any process, and again until it is answered."""
        process = self.processes[self.rng.choice(sorted(self.processes))]
        collected: list[PartAnswer | None] = []
        is_answered = False

        def end(status: int, after_s: float) -> None:
            nonlocal is_answered
            is_answered = True
            if status == 202 and not call.accepted:
                call.accepted = True
                self.answers += 1
            if not call.accepted:
                self.at(self.now_s + after_s, lambda: None if call.accepted else self.call(call))

        def part_answered(answers: list[PartAnswer | None]) -> None:
            collected.extend(answers)
            whole = join_answers(len(call.families), collected)
            failed = any(found is None or not found.rows for found in answers)
            if not is_answered and (whole.status == 202 or failed):
                end(whole.status, 1 + self.rng.random() * 2)

        def arrive() -> None:
            for part in part_call(call.families, process.cell_of):
                process.pass_part(part, call, part_answered)

        if process.alive:
            self.later(process, self.delay_s(), arrive)
        self.at(self.now_s + 8, lambda: None if is_answered else end(503, 0.0))

    def make_call(self) -> None:
        families = self.rng.sample(self.active, self.rng.choice((1, 1, 1, 2, 3)))
        call = ClientCall(len(self.calls), families)
        self.calls.append(call)
        self.call(call)

    def move(self) -> None:
        family = self.rng.choice(self.active)
        target = self.rng.choice(self.stores).cell
        self.undone.discard(family)
        self.recalled.discard(family)
        self._put_back_later(self.stores[self.map.families[family].cell - 1])
        for process in self.processes.values():
            if process.alive:
                self.later(process, 0.0, lambda asked=process: asked.begin_move(family, target))  # type: ignore[misc]
        if self.rng.random() < 0.4:
            wanted = self.rng.choice((self.undone, self.recalled))
            self.at(self.now_s + self.rng.random() * 3, lambda: wanted.add(family))

    def _put_back_later(self, store: CellStore) -> None:
        """Now and then put a store back from before a move, once that is over."""
        backup, rng = store.back_up(), self.rng
        if rng.random() < 0.2:
            self.at(self.now_s + 2 + rng.random() * 20, lambda: self._put_back(store, backup))

    def _put_back(self, store: CellStore, backup: StoreBackup) -> None:
        if not store.may_be_put_back(backup, self.map.families):
            return
        owner = store.holder
        if owner is not None and owner.alive:  # it is stopped for that
            owner.alive = False
            owner.own.clear()
            self.at(self.now_s + 1, lambda: self.start(owner.name))
        store.put_back(backup)

    def live(self) -> None:
        """Days of trouble in a minute, then peace."""
        rng = self.rng
        for acts, act in ((CALLS, self.make_call), (MOVES, self.move), (FAULTS, self.fault)):
            for _ in range(acts):
                self.at(rng.random() * TROUBLE_S, act)
        self.run(TROUBLE_S)
        self.slow = self.lost_answers = 0.0
        for process in self.processes.values():
            process.frozen_until_s = min(process.frozen_until_s, self.now_s)
            process.map_cut_until_s = process.store_cut_until_s = self.now_s
        self.run(HEALED_S)

    def check(self) -> None:
        """What must hold when all has healed."""
        here: dict[FamilyId, list[CellStore]] = {}
        for store in self.stores:
            for family, row in store.rows.items():
                if row.state is FamilyState.HERE:
                    here.setdefault(family, []).append(store)
                else:
                    assert row.state is FamilyState.EMPTIED, f"6 a move ends: {row}"
        assert len(here) == FAMILIES, "6 each family is somewhere"
        assert all(len(stores) == 1 for stores in here.values()), "6 in one cell"
        for family, (store,) in here.items():
            place = self.map.families[family]
            assert place == (store.cell, store.rows[family].number), "the map has learned it"
        for call in self.calls:
            assert call.accepted, "what is repeated is accepted in the end"
            for family, id in zip(call.families, call.ids, strict=True):
                known = here[family][0].events.get(family, {})
                assert id in known or id in self.ledger.lost, "3 nothing acknowledged is lost"
        for store in self.stores:
            assert store.holder is not None and store.holder.alive, "each cell has an owner"
