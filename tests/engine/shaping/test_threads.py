"""Large messages are shaped beside the loop, in turns of orgs."""

import asyncio
import time

import msgspec
import pytest

from tests.pace import slowness
from tidings.core.budget import LOOP_S
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.ids import OrgId
from tidings.core.shaping.shape import Fields, shape_of
from tidings.engine.threads import SMALL_BYTES, ThreadOffload

ORG = OrgId(1)


async def test_small_work_is_done_at_once_and_large_work_in_turns() -> None:
    order: list[int] = []

    def work(org: int) -> bytes:
        order.append(org)
        return b"%d" % org

    aside = ThreadOffload()
    large = SMALL_BYTES + 1
    asked = [aside.run(ORG, large, lambda: work(1)) for _ in range(3)]
    asked += [
        aside.run(OrgId(2), large, lambda: work(2)),
        aside.run(OrgId(3), SMALL_BYTES, lambda: work(3)),
    ]
    assert await asyncio.gather(*asked) == [b"1", b"1", b"1", b"2", b"3"]
    assert order == [3, 1, 2, 1, 1]


async def test_a_fault_goes_to_whoever_asked_and_the_next_one_is_served() -> None:
    def fails() -> bytes:
        raise ValueError("wrong")

    aside = ThreadOffload()
    with pytest.raises(ValueError, match="wrong"):
        await aside.run(ORG, SMALL_BYTES * 2, fails)
    assert await aside.run(ORG, SMALL_BYTES * 2, lambda: b"right") == b"right"


async def test_the_dearest_selection_leaves_the_loop_its_turns() -> None:
    body = msgspec.json.encode({"eventName": "x", "data": {"a": [[[[{}]]]] * 25_000}})
    shape = shape_of(Fields(drop=("data.a[*][*][*][*].q",)), {"data.a[*][*][*][*].x": "y"})
    assert shape is not None

    pace = slowness()
    aside = ThreadOffload()
    done = asyncio.ensure_future(
        aside.run(ORG, len(body), lambda: write_exactly(shape.apply(read_exactly(body))))
    )
    gaps = []  # in time of this process, its other thread's too: the loop waits for that
    while not done.done():
        started = time.process_time()
        await asyncio.sleep(0)
        gaps.append(time.process_time() - started)
    assert msgspec.json.decode(await done)["data"]["a"][0] == [[[{}]]]
    gaps = sorted(gap / pace for gap in gaps)
    assert len(gaps) > 5 and gaps[len(gaps) // 2] < LOOP_S, gaps[-5:]
