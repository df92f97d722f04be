"""What a test may tell every stand-in: its limit, its clock, and how it misbehaves."""

import copy
import functools
import threading
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from .calls import Call
from .troubles import Kind, Limit, Trouble

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Orders")
TOLD: set[str] = set()  # the names of methods that a test may call from another process


def told(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """For methods that tests call: never while a call is handled, and their result is a copy."""

    @functools.wraps(method)
    def alone(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.lock:
            return copy.deepcopy(method(self, *args, **kwargs))

    TOLD.add(method.__name__)
    return alone


class Orders:
    """The part of a stand-in that takes orders of tests."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._ahead_s = 0.0
        self._troubles: list[Trouble] = []
        self._limit: Limit | None = None
        self._most_at_once: int | None = None

    @told
    def limits(
        self, most: int | None, window_s: float = 1.0, *, at_once: int | None = None
    ) -> None:
        """From now on at most so many calls in so many seconds, and beside each other; None lifts
        it."""
        self._most_at_once = at_once
        self._limit = None if most is None else Limit(most, window_s, self.now)

    @told
    def fails(
        self,
        times: int | None = 1,
        *,
        status: int = 503,
        headers: dict[str, str] | None = None,
        done: bool = False,
        path: str = "",
        method: str = "",
        after: int = 0,
        for_s: float | None = None,
    ) -> None:
        """So many calls are answered with this status; None: until `for_s` or `heals`. `done`: they
        have their effect all the same. `path` is a regular expression; `after` calls pass first."""
        self._misbehave(
            "status", times, for_s, done, path, method, after, status=status, headers=headers or {}
        )

    @told
    def resets(
        self,
        times: int | None = 1,
        *,
        done: bool = False,
        path: str = "",
        method: str = "",
        after: int = 0,
        for_s: float | None = None,
    ) -> None:
        """The connections of so many calls are reset instead of an answer."""
        self._misbehave("reset", times, for_s, done, path, method, after)

    @told
    def keeps_silent(
        self,
        times: int | None = 1,
        *,
        done: bool = False,
        path: str = "",
        method: str = "",
        after: int = 0,
        for_s: float | None = None,
    ) -> None:
        """So many calls get no answer, until their caller leaves."""
        self._misbehave("silent", times, for_s, done, path, method, after)

    @told
    def slows(
        self,
        delay_s: float,
        times: int | None = None,
        *,
        path: str = "",
        method: str = "",
        after: int = 0,
        for_s: float | None = None,
    ) -> None:
        """So many calls are answered late, and otherwise well."""
        self._misbehave("slow", times, for_s, True, path, method, after, delay_s=delay_s)

    @told
    def heals(self) -> None:
        """No misbehaviour any longer."""
        self._troubles.clear()

    @told
    def passes(self, seconds: float) -> None:
        """Its clock goes ahead by this: tokens and limits run out without anybody waiting."""
        self._ahead_s += seconds

    def now(self) -> float:
        """Its clock, in seconds."""
        return time.monotonic() + self._ahead_s

    def _misbehave(
        self,
        kind: Kind,
        times: int | None,
        for_s: float | None,
        done: bool,
        path: str,
        method: str,
        after: int,
        **how: Any,
    ) -> None:
        until = None if for_s is None else self.now() + for_s
        self._troubles.append(
            Trouble(
                kind,
                done=done,
                path=path,
                method=method,
                after=after,
                times=None if for_s is not None else times,
                until_s=until,
                **how,
            )  # fmt: skip
        )

    def met(self, call: Call) -> Trouble | None:
        """The misbehaviour that this call meets."""
        now = self.now()
        self._troubles = [trouble for trouble in self._troubles if not trouble.over(now)]
        return next(
            (trouble for trouble in self._troubles if trouble.meets(call.method, call.path, now)),
            None,
        )
