"""The steps of a reception done: by a thread that waits, or by a coroutine."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from tidings_consumer.answers import Answer
from tidings_consumer.event import Event
from tidings_consumer.reception import Ask, Flow, Handler, Step, Turn

TURN_WAIT_S = 20.0
"""How long a request waits for its turn: less than the sender waits for the answer."""

Wake = Callable[[], None]


class Turns:
    """One at a time for each key, in the order in which they came, over all threads and loops of
    the process. A key that nobody uses costs nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Wake]] = {}

    def join(self, key: str, wake: Wake) -> None:
        """Stand in the queue of `key`; `wake` is called, by whichever thread, when the turn has
        come: at once where nobody is before."""
        with self._lock:
            queue = self._queues.setdefault(key, deque())
            queue.append(wake)
            first = len(queue) == 1
        if first:
            wake()

    def leave(self, key: str, wake: Wake) -> None:
        """Leave the queue, whether the turn has come or not: the next one's comes."""
        with self._lock:
            queue = self._queues[key]
            was_first = queue[0] is wake
            queue.remove(wake)
            following = queue[0] if queue and was_first else None
            if not queue:
                del self._queues[key]
        if following is not None:
            following()


class _Place:
    """A request's place in a queue; it has at most one. `given_up`: it was cancelled while a thread
    worked for it, and ends so when what the thread has done is written down."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.given_up: asyncio.CancelledError | None = None
        self._taken: tuple[str, Wake] | None = None

    def take(self, key: str, wake: Wake) -> None:
        self._taken = (key, wake)
        self._turns.join(key, wake)

    def leave(self) -> None:
        if self._taken is not None:
            self._turns.leave(*self._taken)
            self._taken = None


def run(flow: Flow, turns: Turns, wait_s: float = TURN_WAIT_S) -> Answer:
    """Run a flow in this thread and return its answer. A handler's coroutine runs in a loop of its
    own."""
    place = _Place(turns)
    try:
        step = next(flow)
        while True:
            try:
                result = _do(step, place, wait_s)
            except BaseException as fault:
                step = flow.throw(fault)
            else:
                step = flow.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        place.leave()


async def run_async(flow: Flow, turns: Turns, wait_s: float = TURN_WAIT_S) -> Answer:
    """Run a flow in this loop and return its answer. A handler that is no coroutine runs in a
    thread; a cancellation waits for that thread, which nothing can end."""
    place = _Place(turns)
    try:
        step = next(flow)
        while True:
            try:
                result = await _do_async(step, place, wait_s)
            except BaseException as fault:
                step = flow.throw(fault)
            else:
                step = flow.send(result)
    except StopIteration as end:
        if place.given_up is not None:
            raise place.given_up from None
        return end.value  # type: ignore[no-any-return]
    finally:
        place.leave()


def _do(step: Step, place: _Place, wait_s: float) -> Any:
    if isinstance(step, Ask):
        return step.call()
    if isinstance(step, Turn):
        turn = threading.Lock()  # not an Event, which costs ten times as much for each request
        turn.acquire()
        place.take(step.key, turn.release)  # called once at most: see `Turns`
        return turn.acquire(timeout=max(wait_s, 0.0))
    return run_handler(step.handler, step.event)


def run_handler(handler: Handler, event: Event[Any]) -> Any:
    """Let a handler handle an event in this thread; a coroutine in a loop of its own."""
    made = handler(event)
    return asyncio.run(_finished(made)) if inspect.isawaitable(made) else made


async def _do_async(step: Step, place: _Place, wait_s: float) -> Any:
    if isinstance(step, Ask):
        return await _in_a_thread(place, step.call) if step.blocks else step.call()
    if isinstance(step, Turn):
        return await _turn(step.key, place, wait_s)
    if place.given_up is not None:
        raise place.given_up  # while its id was claimed
    if is_coroutine_handler(step.handler):
        return await step.handler(step.event)
    made = await _in_a_thread(place, lambda: step.handler(step.event))
    return await made if inspect.isawaitable(made) else made


async def _in_a_thread(place: _Place, call: Callable[[], Any]) -> Any:
    """Return what a call gives in a thread, whoever cancels the request meanwhile: otherwise its
    claim and its turn would be given away while the thread is still at it."""

    def contained() -> Any:
        try:
            return call()
        except StopIteration as fault:  # a future takes none: it would be waited for for ever
            raise RuntimeError("it raised StopIteration") from fault

    run = functools.partial(contextvars.copy_context().run, contained)
    # A future and no task: at its end a loop cancels all tasks.
    work = asyncio.get_running_loop().run_in_executor(None, run)
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as end:
            place.given_up = end
    return work.result()


async def _turn(key: str, place: _Place, wait_s: float) -> bool:
    loop, turn = asyncio.get_running_loop(), asyncio.Event()
    thread = threading.get_ident()

    def wake() -> None:
        if threading.get_ident() == thread:
            turn.set()
        else:
            loop.call_soon_threadsafe(turn.set)

    place.take(key, wake)
    if turn.is_set():
        return True
    try:
        await asyncio.wait_for(turn.wait(), wait_s)
    except asyncio.TimeoutError:
        return False
    return True


async def _finished(made: Any) -> Any:
    return await made


def is_coroutine_handler(handler: Any) -> bool:
    """Return whether calling it gives a coroutine: a function, a partial, or an object with
    `__call__`."""
    while hasattr(handler, "func"):
        handler = handler.func
    call = getattr(handler, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)
