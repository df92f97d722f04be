"""Orgs take turns, whatever one of them asks for."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.loops.own_time import own_time
from tidings.catalogue import SchemaViolation
from tidings.transform.port import CheckBy, RenderLater, RenderRefused
from tidings.transform.process import HANDED_MAX
from tidings.transform.renderer import ProcessRenderer
from tidings.transform.turns import FairQueue

GOOD = '{"id": {{ event.eventId }}}'
EVENT = b'{"eventId":"e-1","data":{"n":1}}'
DONE = b'{"id":"e-1"}'
KILLERS = [
    "{{ [%d] * 100000000 }}",
    "{%% set ns=namespace(x=['a%d']) %%}{%% for i in range(60) %%}"
    "{%% set ns.x = ns.x + ns.x %%}{%% endfor %%}{{ ns.x|length }}",
]
LOOP = "{%% for i in range(9000) %%}{%% endfor %%}"
SLOW = '{"n": ' + LOOP + LOOP + "{{ %d }} }"


@dataclass
class One:
    org: int
    number: int


def test_each_org_in_turn_and_first_come_first_served_within() -> None:
    queue: FairQueue[One] = FairQueue()
    for number in range(3):
        queue.push(One(1, number))
    queue.push(One(2, 0))
    first = queue.pop()
    queue.push_back([first])
    got = [(element.org, element.number) for element in (queue.pop() for _ in range(4))]
    assert got == [(1, 0), (2, 0), (1, 1), (1, 2)]
    with pytest.raises(IndexError):
        queue.pop()
    for org in (1, 2, 1):
        queue.push(One(org, 0))
    assert queue.of(1) == 2 and [element.org for element in queue.take(1)] == [1, 1]
    assert len(queue) == 1 and len(queue.take()) == 1 and len(queue) == 0


@pytest.mark.parametrize("kind", ["killers", "slow"])
async def test_one_org_does_not_delay_another(kind: str) -> None:
    """200 requests of one org that each take all they may: the other's wait for what is being made,
    and for no more. Counted, so that a machine that is busy with others changes nothing."""
    renderer = ProcessRenderer()
    templates = KILLERS if kind == "killers" else [SLOW]
    await renderer.render(GOOD, EVENT, 1)
    others = [
        asyncio.ensure_future(renderer.render(templates[n % len(templates)] % n, EVENT, 666))
        for n in range(200 if kind == "killers" else 1900)
    ]
    await asyncio.sleep(1.0 if kind == "killers" else 0.05)  # by now it is known
    waits = []
    for _ in range(40):
        before = sum(task.done() for task in others)
        assert await renderer.render(GOOD, EVENT, 7) == DONE
        waits.append(sum(task.done() for task in others) - before)
        await asyncio.sleep(0.01)
    assert not all(task.done() for task in others), "the test has waited for too long"
    assert max(waits) <= HANDED_MAX + 1, "what was with a process before it came"
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await renderer.close()


async def test_a_killed_process_penalises_its_org_only() -> None:
    renderer = ProcessRenderer()
    asked: list[Any] = []
    for n in range(12):
        asked.append(renderer.render(KILLERS[0] % n if n % 4 == 0 else GOOD, EVENT, n % 4))
    got = await asyncio.gather(*asked, return_exceptions=True)
    kinds = Counter((n % 4 == 0, type(element).__name__) for n, element in enumerate(got))
    assert kinds == {(True, "RenderRefused"): 3, (False, "bytes"): 9}
    before = renderer.deaths
    with pytest.raises(RenderRefused):
        await renderer.render(KILLERS[0] % 99, EVENT, 0)
    assert await renderer.render(GOOD, EVENT, 1) == DONE
    assert renderer.deaths == before + 1
    assert renderer._quick_line.deaths == 1, "the others' process has died once"
    await renderer.close()


def declared(schema: dict[str, Any]) -> CheckBy:
    return CheckBy("orderPacked", 1, {"description": "x", "schema": schema})


async def test_events_are_checked_apart() -> None:
    kind = declared({"properties": {"n": {"type": "integer"}}, "required": ["n"]})
    renderer = ProcessRenderer()
    good = b'{"eventName":"orderPacked","data":{"n":1}}'
    assert await renderer.check_event(kind, good, 1) == []
    (problem,) = await renderer.check_event(kind, good.replace(b"1", b'"x"'), 1)
    assert isinstance(problem, SchemaViolation)
    assert problem.message == 'data.n must be a whole number; got text "x".'
    await renderer.close()


async def test_a_check_that_takes_too_much_is_ended_and_the_type_goes_on() -> None:
    pattern = {"pattern": "(x{200}){90}"}
    kind = declared({"additionalProperties": {"anyOf": [pattern, {"items": pattern}]}})
    renderer = ProcessRenderer()
    hostile = b'{"eventName":"orderPacked","data":{"t":"%b"}}' % (b"x" * 17_000 * 14)
    with own_time() as took_s:
        for deaths in (1, 1):  # the same event is not even tried again
            with pytest.raises(RenderRefused, match="An event must be checked .* 100 ms or 50 MB"):
                await renderer.check_event(kind, hostile, 1)
            assert renderer.deaths == deaths
    assert took_s() < 10
    assert await renderer.check_event(kind, b'{"eventName":"orderPacked","data":{}}', 1) == []
    await renderer.close()


@pytest.mark.parametrize("bound", [("WAITING_MAX", 5), ("WAITING_BYTES_MAX", 5 * 60)])
async def test_an_org_cannot_have_any_number_of_requests_wait(
    bound: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"tidings.transform.renderer.{bound[0]}", bound[1])
    renderer = ProcessRenderer()
    waiting = [asyncio.ensure_future(renderer.render(GOOD, EVENT, 1)) for _ in range(8)]
    other = asyncio.ensure_future(renderer.render(GOOD, EVENT, 2))
    got = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(element) for element in got] == [bytes] * 5 + [RenderLater] * 3
    assert await other == DONE
    assert await renderer.render(GOOD, EVENT, 1) == DONE, "there is room again"
    await renderer.close()
