"""How much a caller may do: a quantity for each window, as a token bucket that may run into debt.

A call of many events is only counted after it was read, so it is let in by one token and charged
for the rest: the average holds exactly, and what was taken in advance is waited for by the next.
"""

import math

ROUNDING = 1e-6  # of a token: after the wait that was told there is one


class Quota:
    """`quantity` for each `window_s` seconds, all of it at once at most. Time is passed in.

    Less than one in a window is one in a longer window.
    """

    def __init__(self, name: str, quantity: float, window_s: float, now_s: float) -> None:
        self.name = name
        self.asked = (quantity, window_s)
        if quantity < 1:
            quantity, window_s = 1.0, window_s / quantity
        self._most = quantity
        self._window_s = window_s
        self._tokens = quantity
        self._at = now_s

    def take(self, now_s: float) -> bool:
        """Take one if there is one."""
        self._fill(now_s)
        if self._tokens < 1 - ROUNDING:
            return False
        self._tokens -= 1
        return True

    def charge(self, count: float) -> None:
        """Take `count` whether they are there or not."""
        self._tokens -= count

    def give_back(self) -> None:
        """Have one again that was taken for nothing."""
        self._tokens = min(self._most, self._tokens + 1)

    def wait_s(self, now_s: float) -> float:
        """Compute the seconds until a token can be taken; 0 if it can be now."""
        self._fill(now_s)
        missing = 1 - self._tokens
        return missing * self._window_s / self._most if missing > ROUNDING else 0.0

    @property
    def policy(self) -> str:
        """Return the value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers):
        `"calls";q=1000;w=60`."""
        return f'"{self.name}";q={math.floor(self._most)};w={math.ceil(self._window_s)}'

    @property
    def state(self) -> str:
        """Return the value of `RateLimit`: what is left, and the seconds until the quota is full
        again."""
        left = max(0, math.floor(self._tokens + ROUNDING))
        full_s = (self._most - self._tokens) * self._window_s / self._most
        return f'"{self.name}";r={left};t={math.ceil(full_s - ROUNDING)}'

    @property
    def full(self) -> bool:
        """Return whether nothing was taken that is not there again, as of the last look."""
        return self._tokens >= self._most

    def _fill(self, now_s: float) -> None:
        passed_s = max(0.0, now_s - self._at)
        self._tokens = min(self._most, self._tokens + passed_s * self._most / self._window_s)
        self._at = now_s
