"""No message that is brought to a source, through whichever door, holds the event loop.

What one callback takes of the processor is measured, and not the time that passes: what others on
the machine take is charged to nobody.
"""

import ast
import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import tidings
from tests.api.control_client import Service
from tests.api.v1.source_calls import KEY, STATIC
from tests.core.sources.bombs import BOMBS, DOCUMENTED
from tests.engine.sources.event_fields import fields_of, held_s, longest, real
from tests.engine.sources.topic import Topic, fetched, until
from tidings.core.budget import MAPPING_LOOP_S
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MessagePlan


async def by_inbound(s: Service, plan: MessagePlan, message: ForeignMessage) -> None:
    body = {"name": "shop", "verification": STATIC} | fields_of(plan)
    assert (await s.call("POST", "/v1/sources", body)).status == 201
    headers = {name.replace("-", "_"): value for name, value in message.headers} | KEY
    calls = [s.call("POST", "/in/1/shop", message.body, auth=None, **headers) for _ in range(8)]
    for reply in await asyncio.gather(*calls):
        assert reply.status in (202, 413), reply.body


async def by_a_topic(s: Service, plan: MessagePlan, message: ForeignMessage) -> None:
    topic = Topic(batch=10)
    topic.messages = [
        msgspec.structs.replace(message, place=f"t/0/{number}") for number in range(4)
    ]
    await fetched(s, topic, **fields_of(plan))
    await until(lambda: topic.taken == 4, 60)
    await s.parts.sources.pumps.stop()


async def by_redrive(s: Service, plan: MessagePlan, message: ForeignMessage) -> None:
    """Set aside by a mapping that it does not fit, and tried again by the bomb's."""
    topic = Topic(batch=10)
    topic.messages = [message]
    await fetched(s, topic, mapping={"eventName": {"path": "nowhere.at.all"}})
    await until(lambda: topic.taken == 1, 60)
    await s.parts.sources.pumps.stop()
    changed = await s.call(
        "PATCH", "/v1/sources/t", {"mapping": None, "messageId": None} | fields_of(plan)
    )
    assert changed.status == 200, changed.body
    assert (await s.call("POST", "/v1/sources/t/redrive")).status == 200


async def by_preview(s: Service, plan: MessagePlan, message: ForeignMessage) -> None:
    """As large as its body may be."""
    body = message.body
    if len(body) > 200_000:  # a list is cut; what is none is no JSON then, and read all the same
        body = body[:200_000]
    source = {"name": "shop", "verification": STATIC} | fields_of(plan)
    sample = {"headers": dict(message.headers), "body": body.decode()}
    calls = [
        s.call("POST", "/v1/sources/preview", {"source": source, "message": sample})
        for _ in range(4)
    ]
    for reply in await asyncio.gather(*calls):
        assert reply.status in (200, 400, 413), reply.body


DOORS = {"inbound": by_inbound, "topic": by_a_topic, "redrive": by_redrive, "preview": by_preview}
Door = Callable[[Service, MessagePlan, ForeignMessage], Awaitable[None]]


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("door", DOORS)
async def test_no_bomb_holds_the_loop(
    door: str, bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, message = BOMBS[bomb]

    async def send() -> list[float]:
        async with real() as s:
            with longest(monkeypatch) as worst:
                await DOORS[door](s, plan, message)
        return worst

    worst_s = await held_s(send)
    assert worst_s <= MAPPING_LOOP_S, f"{worst_s * 1e3:.1f} ms"


async def test_an_ordinary_message_asks_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async with real() as s:
        monkeypatch.setattr(s.parts.sources.sources.intake._messages, "_mapper", None)
        body = b'{"order":{"id":1,"total":10.50},"customer":{"id":7},"x":"%b"}' % (b"y" * 1000)
        await by_a_topic(s, DOCUMENTED, ForeignMessage("", [("X-Topic", "orders/paid")], body))
        assert s.parts.sources.sources.all()[0].activity.totals == {"accepted": 4}


# Who hands messages to be read, and by which door of the tests that is tried. `reads/sources.py`
# is the preview of the API and the console's form alike.
CALLERS = {
    ("engine/sources/inbound.py", "take"): by_inbound,
    ("engine/sources/pump.py", "take"): by_a_topic,  # of every driver: topics, outboxes
    ("engine/sources/sources.py", "again"): by_redrive,
    ("reads/sources.py", "preview"): by_preview,
}
MAPPERS = {"core/sources/mapping_cost.py", "transform/worker.py"}
"""Where a plan runs: to know its cost, and behind `MessageReader`, in the loop or beside it."""


def calls_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What is called of what, by the last two names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = ast.unparse(node.func).split(".")
            yield (words[-2] if len(words) > 1 else ""), words[-1]


def test_every_door_goes_through_the_one_function_and_is_tried() -> None:
    root = Path(tidings.__file__).parent
    callers: set[tuple[str, str]] = set()
    mappers: set[str] = set()
    readers: set[str] = set()
    previews: set[str] = set()
    for file in root.rglob("*.py"):
        place, text = file.relative_to(root).as_posix(), file.read_text("utf-8")
        if not any(word in text for word in ("intake", "PlanRunner", "try_message", "_messages")):
            continue
        for owner, name in calls_in(ast.parse(text)):
            if owner.lstrip("_") == "intake" and name in ("take", "again", "preview"):
                callers.add((place, name))
            if name == "PlanRunner":
                mappers.add(place)
            if name == "try_message":
                previews.add(place)
            if (owner, name) == ("_messages", "read"):
                readers.add(place)
    assert callers == set(CALLERS), "a new door needs a row, and a function that sends bombs by it"
    assert mappers == MAPPERS and readers == {"engine/sources/intake.py"}
    assert set(CALLERS.values()) == set(DOORS.values())
    assert previews == {"api/v1/sources.py", "console/pages/sources/edit.py"}
