"""Behind the calls the audit log is anchored, each hour and at a stop, and what is old dropped."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from tests.api.control_client import Clock
from tests.engine.audit.kept_log import entries_of
from tests.simulation.loop import simulate
from tests.store.conformance.audited import KEY, change
from tests.store.in_process import MemoryStore
from tidings.core.audit.anchors import AnchorCheck, read_anchor_line
from tidings.core.audit.chain import ChainCheck
from tidings.core.audit.family_marks import draft_departure
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import DAY_MS
from tidings.engine.audit.anchors import EVERY_S, FIRST_AFTER_S, PART, AuditAnchors
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.retention import AuditRetention
from tidings.engine.heartbeats import Heartbeats
from tidings.engine.retention import Retention
from tidings.store import port
from tidings.store.sql.audit.audit_walk import AuditWalk


class World:
    """An audit log over a store in memory, and who keeps it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.audit = AuditLog(self.store, KEY)
        self.anchors = AuditAnchors(self.audit, self.clock)
        self.retention = Retention(
            store=self.store,
            clock=self.clock,
            retentions=dict,
            audit=AuditRetention(self.store, self.audit, 400),
        )

    def write(self, *orgs: int) -> None:
        drafts = tuple(change(org=org) for org in orgs)
        self.store.half.audit.write(port.AuditWrite(KEY, drafts))

    def numbers(self, org: int) -> list[int]:
        return [kept.number for kept in entries_of(self.store, org)]

    async def faults(self) -> list[str]:
        """What is wrong with its chains and anchors."""
        checks = {}
        found = []
        for head in await self.store.audit_heads():
            checks[head.chain] = check = ChainCheck(KEY, head.chain)
            for kept in entries_of(self.store, head.chain):
                found += [str(fault)] if (fault := check.add(kept)) else []
            found += [str(fault) for fault in check.end()]
        kept_anchors = checks[0].kept_anchors if 0 in checks else None
        ends = {chain: check.head.number for chain, check in checks.items() if check.head}
        begins = {chain: check.first for chain, check in checks.items()}
        anchors = AnchorCheck(KEY, kept_anchors, begins, ends, lambda *_: None)
        for anchor in await self.store.anchors():
            found += [str(fault) for fault in anchors.add(anchor)]
        return found + [str(fault) for fault in anchors.end()]


def run(scenario: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario(World())

    simulate(1, main())


def test_what_has_grown_is_anchored_each_hour_by_one_line_of_the_log() -> None:
    async def scenario(world: World) -> None:
        heart = Heartbeats().heart(PART)
        with structlog.testing.capture_logs() as lines:
            job = asyncio.create_task(world.anchors.run(heart))
            world.write(7, 0)
            await asyncio.sleep(FIRST_AFTER_S + 1)
            world.write(7)
            world.write(8)
            await asyncio.sleep(EVERY_S)
            await asyncio.sleep(3 * EVERY_S)
            job.cancel()
        told = [line for line in lines if line["event"] == "audit anchor"]
        assert [(line["number"], line["chains"]) for line in told] == [(1, 2), (2, 2)]
        known = await world.store.anchors()
        assert [read_anchor_line(str(line)).digest for line in told] == [
            anchor.mac for anchor in known
        ]
        assert [head.chain for head in known[1].heads] == [7, 8]

    run(scenario)


def test_an_anchor_that_the_store_refuses_is_made_soon_after() -> None:
    async def scenario(world: World) -> None:
        world.write(7)
        world.store.down = True
        job = asyncio.create_task(world.anchors.run(Heartbeats().heart(PART)))
        await asyncio.sleep(FIRST_AFTER_S + 5)
        world.store.down = False
        assert not await world.store.anchors()
        await asyncio.sleep(120)
        assert len(await world.store.anchors()) == 1
        job.cancel()

    run(scenario)


@pytest.mark.parametrize("down", [True, False])
def test_a_stop_anchors_what_has_grown_and_goes_on_where_it_cannot(down: bool) -> None:
    async def scenario(world: World) -> None:
        world.write(7)
        world.store.down = down
        await world.anchors.close()
        world.store.down = False
        assert len(await world.store.anchors()) == (0 if down else 1)

    run(scenario)


def test_entries_and_anchors_are_kept_for_their_days_and_a_day() -> None:
    async def scenario(world: World) -> None:
        for _ in range(3):
            world.write(7, 8, 0)
            await world.anchors.put()
            world.clock.ms += 10 * DAY_MS
        await world.retention.pass_once()
        assert world.numbers(7) == [1, 2, 3]
        for days in (370, 1, 1):
            world.clock.ms += days * DAY_MS
            await asyncio.sleep(days * 3600)  # a day may pass in an hour, see `careful_now`
            await world.retention.pass_once()
        assert world.numbers(7) == [2, 3, 4], "400 days and one have passed since the first"
        assert world.numbers(8) == [2, 3, 4] and world.numbers(0) == [2, 3, 4, 5]
        assert await world.faults() == []
        await world.anchors.put()
        assert await world.faults() == []
        assert [anchor.number for anchor in await world.store.anchors()] == [2, 3, 4]
        left = world.numbers(7)
        await world.retention.pass_once()
        assert world.numbers(7) == left, "and there is no mark where nothing was dropped"

    run(scenario)


def test_years_go_by_and_the_log_stays_short_and_whole() -> None:
    async def scenario(world: World) -> None:
        for _ in range(60):
            world.write(*[7] * 40)
            await world.anchors.put()
            world.clock.ms += 30 * DAY_MS
            await asyncio.sleep(31 * 3600)
            await world.retention.pass_once()
            assert await world.faults() == []
        assert 13 * 40 < len(world.numbers(7)) < 16 * 40 + 20
        assert len(await world.store.anchors()) < 18

    run(scenario)


def test_many_slices_are_dropped_in_one_pass_and_rested_between() -> None:
    async def scenario(world: World) -> None:
        world.write(*[7] * 3500)
        world.clock.ms += 402 * DAY_MS
        rests: list[float] = []

        async def rest(seconds: float) -> None:
            rests.append(seconds)

        keeper: Any = AuditRetention(world.store, world.audit, 400)
        assert await keeper.drop(world.clock.ms, rest) == 3500
        assert len(rests) >= 4 and await world.faults() == []
        marks = world.numbers(7)
        assert marks[0] == 3501 and 4 <= len(marks) < len(rests)

    run(scenario)


def test_what_the_store_refuses_to_drop_is_dropped_by_a_later_pass() -> None:
    async def scenario(world: World) -> None:
        for _ in range(2):
            world.write(7)
            await world.anchors.put()
        world.clock.ms += 402 * DAY_MS
        keeper = AuditRetention(world.store, world.audit, 400)

        async def rest(_: float) -> None:
            if refuses:
                world.store.down = True  # after the first slice

        refuses = True
        with pytest.raises(port.StoreDown):
            await keeper.drop(world.clock.ms, rest)
        assert await world.faults() == []
        refuses = world.store.down = False
        await keeper.drop(world.clock.ms, rest)
        assert world.numbers(7) == [3] and await world.faults() == []

    run(scenario)


async def send_away(world: World, org: OrgId, *moves: FamilyMove) -> None:
    """Have an org go to another cell, as far as these steps; its chain goes with it."""
    await world.store.put_org(port.StoredOrg(org, "Acme"))
    family, there = FamilyId(org), CellId(2)
    for move in moves:
        step = port.FamilyStep(family, move, 2, other=there)
        drafts = draft_departure(family, there, 2, [org]) if move is FamilyMove.SWITCHED else ()
        with world.audit.recording_all(*drafts):
            await world.store.move_family(step)


@pytest.mark.parametrize("hours", [1, 12, 23])
def test_a_mark_of_a_family_that_has_gone_outlives_the_anchors_that_need_it(hours: int) -> None:
    async def scenario(world: World) -> None:
        world.write(0, 7)
        world.clock.ms += hours * DAY_MS // 24
        await world.anchors.put()
        await send_away(world, OrgId(7), FamilyMove.BEGIN, FamilyMove.SEAL, FamilyMove.SWITCHED)
        world.clock.ms += DAY_MS
        await world.anchors.put()
        world.clock.ms += 400 * DAY_MS + 1

        async def rest(_: float) -> None:
            return None

        keeper = AuditRetention(world.store, world.audit, 400)
        await keeper.drop(world.clock.ms, rest)
        connection = world.store.half.connection
        report = AuditWalk(connection, connection.execute, KEY).check(None)
        assert report.faults == [] and world.numbers(0)[0] > 2, "the mark has gone"

    run(scenario)


def test_a_chain_that_is_moved_holds_up_no_other() -> None:
    async def scenario(world: World) -> None:
        world.write(7, 8)
        await send_away(world, OrgId(7), FamilyMove.BEGIN, FamilyMove.SEAL)
        world.clock.ms += 402 * DAY_MS

        async def rest(_: float) -> None:
            return None

        keeper = AuditRetention(world.store, world.audit, 400)
        await keeper.drop(world.clock.ms, rest)
        assert (world.numbers(7), world.numbers(8)) == ([1], [2])

    run(scenario)


def test_a_restore_is_noted_by_the_start_that_the_store_lets_through() -> None:
    async def scenario(world: World) -> None:
        world.store.half.connection.execute("INSERT INTO meta VALUES ('copied_ms', 5)")
        world.store.down = True
        with pytest.raises(port.StoreDown):
            await world.audit.note_restore()
        assert world.numbers(0) == []
        world.store.down = False
        for _ in range(2):
            await world.audit.note_restore()
        assert world.numbers(0) == [1]

    run(scenario)
