"""Questions of the store belong to the org that they are asked for: one org's many neither fill
the places of the others nor stand before their turn."""

import asyncio
import inspect
import os
import signal
from typing import Any

import msgspec

from tests.api.control_client import BASIC, service
from tests.store.sqlite.hosting.watched_reader import Watched, ask, watched
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.hosting.calls import answerers, methods
from tidings.store.hosting.questions import asker_of
from tidings.store.hosting.reader import HANDED_MAX, StoreReader
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf

__all__ = ["watched"]  # the fixture
GREEDY, QUIET = 1, 2


class SlowChild:
    """A reading process that answers when it is let."""

    is_gone = False
    pid = 1

    def __init__(self) -> None:
        self.asked: list[tuple[int, asyncio.Future[Any]]] = []

    def call(self, decoder: Any, operation: str, arguments: tuple[Any, ...]) -> Any:
        future = asyncio.get_running_loop().create_future()
        self.asked.append((arguments[0], future))
        return future

    async def close(self) -> None:
        """It has nothing to end."""

    async def answer(self) -> int:
        """Answer the oldest question; whose it was."""
        org, future = self.asked.pop(0)
        future.set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return org


def reader_over(child: SlowChild) -> StoreReader:
    async def never(died: Any) -> Any:
        raise AssertionError

    reader = StoreReader(never)
    reader.take(child)  # type: ignore[arg-type]
    return reader


def question(reader: StoreReader, org: int) -> "asyncio.Future[Any]":
    return reader.call(msgspec.msgpack.Decoder(None), "event", (org, "e1"))


async def test_an_org_that_asks_without_end_neither_fills_all_places_nor_goes_first() -> None:
    child = SlowChild()
    reader = reader_over(child)
    greedy = [question(reader, GREEDY) for _ in range(6000)]
    refused = [future for future in greedy if future.done() and future.exception()]
    assert 2000 < len(refused) < 4000
    quiet = [question(reader, QUIET) for _ in range(50)]
    assert not any(future.done() for future in quiet)
    order = [await child.answer() for _ in range(60)]
    assert order[: HANDED_MAX + 1].count(QUIET) == 1, "what the process has already comes first"
    turns = order[HANDED_MAX:]
    assert abs(turns.count(QUIET) - turns.count(GREEDY)) <= 1
    await reader.close()
    done = [future for future in [*greedy, *quiet] if future.done()]
    await asyncio.gather(*done, return_exceptions=True)


async def test_of_what_the_process_has_at_a_time_an_org_among_others_has_one() -> None:
    child = SlowChild()
    reader = reader_over(child)
    asked = [question(reader, org) for org in (QUIET, *[GREEDY] * 20)]
    assert [org for org, _ in child.asked] == [QUIET, GREEDY]
    asked += [question(reader, 3)]
    assert [org for org, _ in child.asked] == [QUIET, GREEDY, 3]
    await reader.close()
    for future in asked:
        future.exception() if future.done() else future.cancel()


async def test_an_org_alone_has_all_that_the_process_takes() -> None:
    child = SlowChild()
    reader = reader_over(child)
    asked = [question(reader, GREEDY) for _ in range(20)]
    assert len(child.asked) == HANDED_MAX
    await reader.close()
    for future in asked:
        future.exception() if future.done() else future.cancel()


def test_every_question_that_names_an_org_is_asked_for_that_org() -> None:
    halves = {"reads": ReadingHalf, "writes": WritingHalf}
    by_caller, checked = set(), 0
    for operation, half in answerers(port.Store, halves).items():
        if half != "reads":
            continue
        parameters = inspect.signature(methods(port.Store)[operation]).parameters
        names = [name for name in parameters if name != "self"]
        if "org" in names:
            checked += 1
            arguments = tuple(77 if name == "org" else None for name in names)
            assert asker_of(operation, arguments) == 77, operation
        elif operation not in ("candidates", "count_replay", "incidents", "log_events"):
            token = port.ASKING_ORG.set(5)
            assert asker_of(operation, tuple(None for _ in names)) == 5, operation
            port.ASKING_ORG.reset(token)
            assert asker_of(operation, tuple(None for _ in names)) is None
            by_caller.add(operation)
    assert checked > 8 and "log_deliveries" in by_caller
    query = port.EventQuery(OrgId(9), [], 0, 1, [], None, None, None, 10)
    assert asker_of("log_events", (query,)) == 9
    assert asker_of("incidents", (port.IncidentQuery(OrgId(9)),)) == 9


async def test_what_a_call_asks_without_a_name_is_its_callers() -> None:
    async with service() as made:
        auth = await made.add_org(OrgId(7))
        assert (await made.call("POST", "/v3/webHooks", BASIC, auth)).status == 200
        asked: list[int | None] = []
        look = made.store.log_deliveries

        async def noted(query: port.DeliveryQuery) -> port.DeliveryPage:
            asked.append(asker_of("log_deliveries", (query,)))
            return await look(query)

        made.store.log_deliveries = noted  # type: ignore[method-assign]
        assert (await made.call("GET", "/v1/deliveries", None, auth)).status == 200
        assert asked == [7]


async def test_beside_a_flood_of_another_org_real_questions_are_answered(watched: Watched) -> None:
    watched.reader._room.most = 300
    os.kill(watched.reader.pid, signal.SIGSTOP)
    greedy = [asyncio.ensure_future(ask(watched, 0)) for _ in range(400)]
    await asyncio.sleep(0)
    quiet = [asyncio.ensure_future(ask(watched, 1)) for _ in range(20)]
    await asyncio.sleep(0)
    os.kill(watched.reader.pid, signal.SIGCONT)
    await asyncio.gather(*quiet)
    assert sum(task.done() for task in greedy) < len(greedy), "and before all of the flood"
    await asyncio.gather(*greedy, return_exceptions=True)
