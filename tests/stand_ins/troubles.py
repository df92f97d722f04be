"""How a stand-in misbehaves by order: for some calls, for some time, or until it is healed."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["status", "slow", "reset", "silent"]


@dataclass
class Trouble:
    """One of them. With `done` the call has its effect, and only its answer is lost."""

    kind: Kind
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    done: bool = False
    path: str = ""  # a regular expression that is looked for in the path
    method: str = ""
    after: int = 0  # so many calls first pass well
    times: int | None = None  # None: without an end of its own
    until_s: float | None = None

    def meets(self, method: str, path: str, now_s: float) -> bool:
        """Whether this call meets it; it is counted then."""
        if self.method not in ("", method) or not re.search(self.path, path) or self.over(now_s):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def over(self, now_s: float) -> bool:
        """Whether it is past."""
        return self.times == 0 or (self.until_s is not None and now_s >= self.until_s)


class Limit:
    """At most so many calls in any window of so many seconds."""

    def __init__(self, most: int, window_s: float, now: Callable[[], float]) -> None:
        self._most, self._window_s, self._now = most, window_s, now
        self._taken: deque[float] = deque()

    def wait_s(self) -> float:
        """0 where a call may pass, which is counted then; else how long until one may."""
        now = self._now()
        while self._taken and self._taken[0] <= now - self._window_s:
            self._taken.popleft()
        if len(self._taken) < self._most:
            self._taken.append(now)
            return 0.0
        return (self._taken[0] if self._taken else now) + self._window_s - now


class Tokens:
    """Access tokens of a party: made by its own call, good for the seconds that it announces."""

    def __init__(self, ttl_s: float, now: Callable[[], float], new: Callable[[], str]) -> None:
        self.ttl_s = ttl_s
        self.issued = 0
        self._now, self._new = now, new
        self._ends: dict[str, float] = {}

    def issue(self) -> str:
        """A new one."""
        self.issued += 1
        token = self._new()
        self._ends[token] = self._now() + self.ttl_s
        return token

    def good(self, token: str) -> bool:
        """Whether it was issued here and is still good."""
        return self._ends.get(token, float("-inf")) > self._now()

    def revoke(self) -> None:
        """None that was issued so far is good any longer."""
        self._ends.clear()
