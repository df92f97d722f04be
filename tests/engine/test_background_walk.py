"""Every background task of the running service, as it is found there: whatever meets it at its
waiting point, it is told of by its name and begun anew."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.engine.running.background import background, started
from tests.simulation.loop import simulate
from tidings.compose import App
from tidings.store import port

Meet = Callable[["asyncio.Task[Any]"], None]


async def at_rest(name: str) -> "asyncio.Task[Any]":
    """The task of a name, once it waits for something that has not come."""
    for _ in range(10_000):
        task = background().get(name)
        future = getattr(task, "_fut_waiter", None)
        if task is not None and future is not None and not future.done():
            return task
        await asyncio.sleep(0.01)
    raise AssertionError(f"{name} does not wait")


def waiting_point(task: "asyncio.Task[Any]") -> "asyncio.Future[Any]":
    future = getattr(task, "_fut_waiter", None)
    assert isinstance(future, asyncio.Future)
    return future


def raise_there(task: "asyncio.Task[Any]") -> None:
    waiting_point(task).set_exception(KeyError("at its waiting point"))


def cancel_there(task: "asyncio.Task[Any]") -> None:
    waiting_point(task).cancel()


class Deaf(deque["asyncio.Future[Any]"]):
    """The waiters of an event, of which it forgets one."""

    def __init__(self, waiters: Any, forgotten: "asyncio.Future[Any]") -> None:
        super().__init__(waiters)
        self._forgotten = forgotten

    def __iter__(self) -> Iterator["asyncio.Future[Any]"]:
        return (future for future in super().__iter__() if future is not self._forgotten)


def hang_there(task: "asyncio.Task[Any]") -> None:
    """What it waits for never comes: no timer nor event wakes it; it can be cancelled."""
    future = waiting_point(task)
    for timer in getattr(task.get_loop(), "_scheduled"):  # noqa: B009  # pinned by test_loop.py
        if timer._args and timer._args[0] is future:
            timer.cancel()
    inner: Any = task.get_coro()
    while getattr(inner.cr_await, "cr_frame", None) is not None:
        inner = inner.cr_await
    event = inner.cr_frame.f_locals.get("self")
    if isinstance(event, asyncio.Event):
        waiters = Deaf(event._waiters, future)
        event._waiters = waiters


async def names() -> list[str]:
    app = await started()
    found = sorted(background())
    await app.stop()
    return found


def walked(check: Callable[[App, str], Any]) -> None:
    """Look at each of them, in a service of its own."""
    found: list[str] = []

    async def find() -> None:
        found.extend(await names())

    simulate(1, find())
    assert len(found) > 7, found
    for name in found:

        async def scenario(name: str = name) -> None:
            app = await started()
            await check(app, name)
            await app.stop()
            assert background() == {}

        simulate(1, scenario())


def test_every_task_at_rest_has_a_heart_under_its_own_name() -> None:
    async def check(app: App, name: str) -> None:
        assert name in {finding.part.name for finding in app.base.heartbeats.findings()}

    walked(check)


@pytest.mark.parametrize("meet", [raise_there, cancel_there])
def test_whatever_ends_it_where_it_waits_is_told_and_it_is_begun_anew(meet: Meet) -> None:
    async def check(app: App, name: str) -> None:
        await asyncio.sleep(0.5)  # at the very end of a slice of waiting it ends by that alone
        before = await at_rest(name)
        assert app.running.readiness.problems() == [] == app.running.readiness.notices()
        meet(before)
        await asyncio.sleep(0.5)
        told = [*app.running.readiness.problems(), *app.running.readiness.notices()]
        assert any(f'"{name}"' in text for text in told), f"{name} is not told"
        await asyncio.sleep(5)
        after = background()[name]
        assert after is not before and not after.done() and before.done()
        await asyncio.sleep(120)
        assert app.running.readiness.problems() == [] == app.running.readiness.notices()

    walked(check)


def test_where_what_it_waits_for_never_comes_it_looks_by_itself_or_is_told_and_begun_anew() -> None:
    begun_anew = []

    async def check(app: App, name: str) -> None:
        told: list[str] = []
        await asyncio.sleep(0.5)  # at the very end of a slice of waiting nothing hangs any more
        before = await at_rest(name)
        hang_there(before)
        app.delivery.engine.commits.claim(1, 1)  # work comes
        for _ in range(30):
            await asyncio.sleep(1)
            told += [*app.running.readiness.problems(), *app.running.readiness.notices()]
        if before.done():
            assert any(f'"{name}"' in text for text in told), f"{name} is not told"
            begun_anew.append(name)
        await asyncio.sleep(120)
        assert app.running.readiness.problems() == [] == app.running.readiness.notices()
        await at_rest(name)

    walked(check)
    assert {"commits of events", "retention", "upkeep of access", "loop lag"} <= {*begun_anew}


def test_what_freezes_again_and_again_stays_told() -> None:
    async def check(app: App, name: str) -> None:
        if name != "upkeep of access":
            return
        await asyncio.sleep(0.5)  # at the very end of a slice of waiting nothing hangs any more
        for _ in range(4):
            hang_there(task := await at_rest(name))
            await asyncio.sleep(28)
            assert task.done()
        [told] = app.running.readiness.notices()
        assert name in told and "4 times" in told

    walked(check)


def test_a_store_that_never_answers_is_told_by_all_that_ask_it() -> None:
    async def scenario() -> None:
        app = await started()
        store: Any = app.base.store

        def never(*_: Any, **__: Any) -> "asyncio.Future[None]":
            return asyncio.get_running_loop().create_future()

        asked = [name for name in dir(port.Store) if not name.startswith("_")]
        answers = {name: getattr(store, name) for name in asked}
        for name in asked:
            setattr(store, name, never)
        app.delivery.engine.commits.claim(1, 1)
        await asyncio.sleep(30)
        assert any("commit" in text for text in app.running.readiness.problems())
        told: set[str] = set()
        for _ in range(700):
            await asyncio.sleep(1)
            told.update(app.running.readiness.notices())
        for name in ("retention", "upkeep of access"):
            assert any(f'"{name}" has not responded' in text for text in told), name
        for name, answer in answers.items():
            setattr(store, name, answer)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    simulate(1, scenario())
