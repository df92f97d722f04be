"""A family that leaves: nothing begins or is sent for it, others go on, and an undone move ends
that. In virtual time, with everything composed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.engine.audit.kept_log import UnkeptLog
from tests.engine.notice_world import NoticeWorld
from tests.simulation.loop import simulate
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import DISABLED
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import MailFailed
from tidings.store import port

LEAVES, STAYS = OrgId(1), OrgId(2)
BEGIN, SEAL, SWITCHED, UNDONE = (
    FamilyMove.BEGIN,
    FamilyMove.SEAL,
    FamilyMove.SWITCHED,
    FamilyMove.UNDONE,
)
HOUR_S = 3600.0


class FamilyWorld(NoticeWorld):
    """Two orgs, each a family with one webhook, and an hour that passes fast."""

    hooks: dict[OrgId, Webhook]

    async def begin(self, status: int = 200) -> None:
        await self.start()
        self.hooks = {}
        for org in (LEAVES, STAYS):
            await self.parts.orgs.create(f"Org {org}", org)
            self.hooks[org] = await self.webhook(f"of{org}", "groupCreated", org=org, status=status)

    async def move(self, *moves: FamilyMove) -> None:
        """Take these steps of a move of the first away."""
        for move in moves:
            step = port.FamilyStep(FamilyId(LEAVES), move, 2, other=CellId(2))
            assert (await self.parts.base.families.move(step)).changed, move.name

    def tries(self) -> tuple[int, int]:
        """How often the receivers of both were tried."""
        return self.receivers.tries[f"/of{LEAVES}"], self.receivers.tries[f"/of{STAYS}"]

    def answer(self, status: int) -> None:
        """Have both receivers answer so from now on."""
        for org in (LEAVES, STAYS):
            self.receivers.status[f"/of{org}"] = status


def in_two_families(scene: Callable[[FamilyWorld], Awaitable[None]], status: int = 200) -> None:
    async def scenario() -> None:
        world = FamilyWorld()
        await world.begin(status)
        await scene(world)
        await world.stop()
        await world.store.close()

    simulate(1, scenario())


def test_nothing_is_accepted_or_sent_for_a_family_that_leaves_until_its_move_is_undone() -> None:
    async def scene(world: FamilyWorld) -> None:
        for org in (LEAVES, STAYS):
            await world.event(org)
        await asyncio.sleep(1)
        assert world.tries() == (1, 1), "both have failed, and are tried again later"
        await world.move(BEGIN)
        with pytest.raises(port.FamilyAway):
            await world.event(LEAVES)
        await world.event(STAYS)
        world.answer(200)
        await asyncio.sleep(HOUR_S)
        mine, others = world.tries()
        assert mine == 1 and others >= 3
        await world.move(SEAL)
        await asyncio.sleep(HOUR_S)
        assert world.tries() == (mine, others)
        await world.move(UNDONE)
        await world.event(LEAVES)
        await asyncio.sleep(HOUR_S)
        assert world.tries() == (mine + 2, others), "what had waited, and the new one"

    in_two_families(scene, status=503)


def test_what_is_owed_is_made_once_a_move_is_undone() -> None:
    async def scene(world: FamilyWorld) -> None:
        world.engine.committer._per_event_max = 1
        await world.webhook("second", "groupCreated", org=LEAVES)
        world.engine.committer.leave_owed()
        await world.event(LEAVES)
        await world.move(BEGIN)
        world.engine.committer._held_back = False
        await world.event(STAYS)
        await asyncio.sleep(HOUR_S)
        assert world.receivers.tries["/second"] == 0 and world.engine.committer.owed == 0
        await world.move(UNDONE)
        await asyncio.sleep(1)
        assert world.receivers.tries["/second"] == 1

    in_two_families(scene)


def test_an_attempt_under_way_ends_where_it_has_begun() -> None:
    async def scene(world: FamilyWorld) -> None:
        await world.event(LEAVES)
        while not world.tries()[0]:  # its message leaves
            await asyncio.sleep(0.001)
        await world.move(BEGIN)
        await asyncio.sleep(1)
        assert world.tries()[0] == 1, "it has left, and nothing takes it back"
        await world.move(SEAL, UNDONE)
        await asyncio.sleep(HOUR_S)
        assert world.tries()[0] == 1, "what came of it is written"

    in_two_families(scene)


def test_letters_and_facts_of_a_family_that_leaves_wait_and_hold_up_nobody() -> None:
    async def scene(world: FamilyWorld) -> None:
        world.addresses = {org: (f"ops@{org}.example",) for org in (LEAVES, STAYS)}
        world.post.fail = MailFailed("busy")
        for org in (LEAVES, STAYS):
            world.failing(world.hooks[org], port.StoredHealth(world.hooks[org].number, 1))
        await asyncio.sleep(1)
        await world.move(BEGIN)
        world.post.fail = None
        await asyncio.sleep(HOUR_S)
        assert [to for _, to, *_ in world.post.sent] == [("ops@2.example",)]
        for org in (LEAVES, STAYS):  # one that is to be told, before and behind another's
            world.webhooks.disable(world.hooks[org], "It failed for days.")
        await asyncio.sleep(HOUR_S)
        told = [fact["data"]["webHookId"] for fact in world.told(DISABLED)]
        assert world.hooks[STAYS].id in told and world.hooks[LEAVES].id not in told
        await world.move(UNDONE)
        await asyncio.sleep(HOUR_S)
        assert ("ops@1.example",) in [to for _, to, *_ in world.post.sent]

    in_two_families(scene)


def test_a_test_message_of_a_family_that_leaves_is_refused() -> None:
    async def scene(world: FamilyWorld) -> None:
        await world.move(BEGIN)
        trial = world.parts.delivery.trial
        trial._audit = UnkeptLog()
        for org, is_sent in ((LEAVES, False), (STAYS, True)):
            sending = trial.send(org, world.hooks[org], "e", b'{"a":1}', lambda: True)
            if is_sent:
                await sending
            else:
                with pytest.raises(port.FamilyAway):
                    await sending
        assert world.tries() == (0, 1)

    in_two_families(scene)


@pytest.mark.parametrize("moves", [(BEGIN,), (BEGIN, SEAL), (BEGIN, SEAL, SWITCHED)])
def test_the_next_owner_sends_nothing_for_a_family_that_a_former_one_has_left_moving(
    moves: tuple[FamilyMove, ...],
) -> None:
    async def scene(world: FamilyWorld) -> None:
        for org in (LEAVES, STAYS):
            await world.event(org)
        await asyncio.sleep(1)
        await world.move(*moves)
        world.answer(200)
        await world.stop()
        after = FamilyWorld(world)
        await after.parts.base.families.load()
        await after.start()
        await asyncio.sleep(HOUR_S)
        assert after.tries()[0] == 1 and after.tries()[1] >= 2
        with pytest.raises(port.FamilyAway):
            await after.event(LEAVES)
        world.running, world.engine, world.webhooks = after.running, after.engine, after.webhooks
        world.notices = after.notices

    in_two_families(scene, status=503)


def test_a_change_of_an_org_that_is_away_is_refused_and_nothing_is_in_doubt() -> None:
    async def scene(world: FamilyWorld) -> None:
        await world.move(BEGIN)
        for again in range(2):
            with pytest.raises(port.FamilyAway):
                await world.parts.orgs.change(LEAVES, {"name": f"new {again}"}, platform=True)
        assert not world.parts.base.changes._doubtful
        await world.parts.orgs.change(STAYS, {"name": "new"}, platform=True)
        with pytest.raises(port.FamilyAway):
            await world.parts.orgs.change(STAYS, {"parent": LEAVES}, platform=True)
        await world.move(UNDONE)
        await world.parts.orgs.change(STAYS, {"parent": LEAVES}, platform=True)
        assert world.parts.orgs.family_of(STAYS) == FamilyId(LEAVES)
        await world.event(STAYS)

    in_two_families(scene)


def test_an_inbox_of_a_family_that_leaves_takes_nothing_and_holds_up_no_other() -> None:
    async def scene(world: FamilyWorld) -> None:
        inboxes = world.parts.delivery.inboxes
        boxes = [await inboxes.create(org, {"name": "box"}) for org in (LEAVES, STAYS)]

        def receive() -> list[int]:
            """Have something come to both; as what it is answered."""
            return [inboxes.receive(box.stored.token, "POST", [], b"{}").status for box in boxes]

        assert receive() == [200, 200]
        await world.move(BEGIN)
        assert receive() == [503, 200]
        await asyncio.sleep(HOUR_S)
        kept = [await inboxes.arrival(boxes[1], number) for number in (2, 3)]
        kept.append(await inboxes.arrival(boxes[0], 1))  # it was answered before the family left
        assert None not in kept and not inboxes._unwritten

    in_two_families(scene)


def test_what_is_overdue_of_a_family_that_leaves_holds_up_no_other() -> None:
    async def scene(world: FamilyWorld) -> None:
        parked: list[int] = []
        healths = world.engine.healths
        park = world.store.operations["park_expired"]

        def noted(webhook: int, before_ms: int, limit: int) -> int:
            done: int = park(webhook, before_ms, limit)
            parked.append(webhook)
            return done

        world.store.operations["park_expired"] = noted
        for hook in world.hooks.values():
            healths._failing[hook.number] = port.StoredHealth(hook.number, opens=1)
        healths.parks = lambda webhook: True  # type: ignore[method-assign]
        await world.move(BEGIN)
        await healths._review()
        assert parked == [world.hooks[STAYS].number]

    in_two_families(scene)
