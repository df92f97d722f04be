"""An event loop with virtual time and a seeded choice of what runs next. No real IO.

It leans on CPython's own `_run_once`, `_scheduled` and `_ready`; `test_loop.py` pins what it needs.
"""

import asyncio
import functools
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from typing import Any


class SimulatedTask(asyncio.Task[Any]):
    """A task whose place in a set follows from when it was made, and not from its address: what
    ends, waits for or cancels those of a set does so in the same order in each run."""

    number: int

    def __new__(cls, coro: Any, *, loop: "SimulatedLoop", **_: Any) -> "SimulatedTask":
        """Number it before it is anywhere."""
        task: SimulatedTask = super().__new__(cls)
        task.number = next(loop.numbers)
        return task

    def __hash__(self) -> int:
        return self.number


def _number_task(loop: Any, coro: Any, **options: Any) -> SimulatedTask:
    return SimulatedTask(coro, loop=loop, **options)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs ready callbacks in a seeded order; when none is ready, time jumps to the next timer."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self._bits = self.rng.getrandbits
        self._now = 0.0
        self._failed: BaseException | None = None
        self.numbers = itertools.count(1)
        self.set_task_factory(_number_task)

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def close(self) -> None:
        """What killed processes have left hanging ends first: their stores never answer."""
        self._failed = None
        while tasks := asyncio.all_tasks(self):
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._failed = None
        super().close()

    def fail(self, error: BaseException) -> None:
        """End the run before anything else is done."""
        self._failed = self._failed or error

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An invariant that is broken in a callback or a task of the engine ends the run."""
        if isinstance(error := context.get("exception"), AssertionError):
            self._failed = error
        super().call_exception_handler(context)

    def _run_once(self) -> None:
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed
        scheduled, ready = self._scheduled, self._ready  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                raise RuntimeError("nothing is ready and nothing is scheduled: a deadlock")
            self._now = max(self._now, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                ready.append(handle)
        if ready:
            # What `randrange` does, without its checks: each of millions of callbacks comes by.
            many = len(ready)
            bits = many.bit_length()
            at = self._bits(bits)
            while at >= many:
                at = self._bits(bits)
            if at:
                handle = ready[at]
                del ready[at]
            else:
                handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


def ends_run(check: Callable[..., Any]) -> Callable[..., Any]:
    """A check whose failure ends the run, whoever catches what it raises: the engine's guards take
    an error in the middle of an attempt for a fault of its own, and go on."""

    @functools.wraps(check)
    def checked(*given: Any) -> Any:
        try:
            return check(*given)
        except AssertionError as error:
            fail(error)
            raise

    return checked


def fail(error: BaseException) -> None:
    """End the run that is under way, with the first of its errors."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, SimulatedLoop):
        loop.fail(error)


def simulate(seed: int, main: Coroutine[Any, Any, None]) -> None:
    """Run `main` to its end on a loop of its own."""
    loop = SimulatedLoop(seed)
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()
