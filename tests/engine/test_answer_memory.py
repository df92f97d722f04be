"""The memory of long answers: bounded, shared by orgs, in turns, and always given back."""

import asyncio

import pytest

from tidings.core.ids import OrgId
from tidings.engine.answer_memory import AnswerMemory, Release
from tidings.errors import Throttled

A, B, C = OrgId(1), OrgId(2), OrgId(3)


async def test_an_org_holds_as_much_as_it_leaves_to_others() -> None:
    memory = AnswerMemory(90, wait_s=0.01)
    await memory.hold(A, 30)
    with pytest.raises(Throttled) as refused:
        await memory.hold(A, 30)
    assert refused.value.wait_s and refused.value.refusals[0].code == "too_many_answers"
    await memory.hold(B, 20)
    await memory.hold(C, 15)
    assert memory.held == 65 and memory.refused == 1


async def test_who_waits_gets_room_in_turn_however_many_another_org_asks_for() -> None:
    memory = AnswerMemory(90, wait_s=5)
    first = await memory.hold(A, 30)
    got: list[str] = []

    async def ask(org: OrgId, name: str) -> Release:
        release = await memory.hold(org, 30)
        got.append(name)
        return release

    waits = [asyncio.ensure_future(ask(A, f"a{number}")) for number in range(3)]
    await asyncio.sleep(0)
    other = asyncio.ensure_future(ask(B, "b"))
    await other
    assert got == ["b"], "there was room for it"
    first()
    first()
    await waits[0]
    assert memory.held == 60, "given back once"
    for before, after in ((waits[0], waits[1]), (waits[1], waits[2])):
        before.result()()
        await after
    assert got == ["b", "a0", "a1", "a2"] and memory.waiting == 0


async def test_whoever_gives_up_leaves_nothing_behind() -> None:
    memory = AnswerMemory(90, waiting_max=4, wait_s=60)
    held = await memory.hold(A, 30)
    waits = [asyncio.ensure_future(memory.hold(A, 30)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Throttled):
        await memory.hold(A, 30)  # half of all places are its own
    other = await memory.hold(B, 20)
    held()  # room comes in the very moment in which they give up
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    other()
    assert (memory.held, memory.waiting) == (0, 0)
    (await memory.hold(A, 30))()


async def test_more_than_may_ever_be_is_taken_for_a_third() -> None:
    memory = AnswerMemory(90)
    release = await memory.hold(A, 1000)
    assert memory.held == 30
    release()
