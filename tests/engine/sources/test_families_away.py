"""A source of a family that leaves is closed where it was before it is opened where it goes."""

from tests.api.control_client import service
from tests.engine.sources.topic import BODY, Topic, fetched, numbers, until
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.store import port


async def test_a_source_is_let_go_while_its_family_leaves_and_read_on_once_that_is_undone() -> None:
    async with service() as s:
        topic = Topic(4)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 4)
        families, pumps = s.parts.base.families, s.parts.sources.pumps
        family = families.of(live.org)

        async def move(move: FamilyMove) -> None:
            step = port.FamilyStep(FamilyId(family), move, 2, other=CellId(2))
            assert (await families.move(step)).changed

        assert pumps.under_way(lambda org: org == live.org) == 1
        await move(FamilyMove.BEGIN)
        await until(lambda: not pumps.under_way(lambda org: org == live.org))
        assert topic.open_now == 0 and topic.let_go == [True], "whoever reads next may begin"
        topic.append(BODY % 4)
        pumps.follow(live)  # as when it is changed: it stays closed
        assert topic.open_now == 0 and not pumps.under_way(lambda org: org == live.org)
        await move(FamilyMove.UNDONE)
        await until(lambda: topic.taken == 5)
        assert await numbers(s) == [*range(5)]
        await pumps.stop()
