"""How fast a webhook may be sent to. Pure; time is passed in.

Who sets "10 deliveries per second" means a receiver that refuses the eleventh request of a second,
whichever second one looks at, and often one that refuses two at once. So there are two rules: no
second holds more starts than the rate says (rounded up), and starts are spread over it, `1 / rate`
apart. A start that comes late, because a timer rang late, lets the next ones follow sooner, by
`CATCH_UP_S` in all, as far as the first rule admits it.
"""

import math
from collections import deque

CATCH_UP_S = 0.02
STARTS_MAX = 1000  # remembered; a greater rate is counted in parts of a second
ROUNDING_S = 1e-6


class RateLimit:
    """At most `rate` starts in any second, evenly."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        parts = max(1, math.ceil(rate / STARTS_MAX))
        self._most = math.ceil(rate / parts)  # starts in any `_span_s`
        self._span_s = self._most / rate
        self._starts: deque[float] = deque(maxlen=self._most)
        self._next_s = -math.inf

    def changed(self, rate: float) -> "RateLimit":
        """Return another limit, which knows what was started under this one."""
        after = RateLimit(rate)
        after._starts.extend(self._starts)
        if self._starts:
            after._next_s = self._starts[-1] + 1 / rate
        return after

    def take(self, now_s: float) -> bool:
        """Start one if it may start now."""
        if self.wait_s(now_s):
            return False
        self._next_s = max(self._next_s, now_s - CATCH_UP_S) + 1 / self.rate
        self._starts.append(now_s)
        return True

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until one may start; 0 when it may now."""
        at_s = self._next_s
        if len(self._starts) == self._most:
            at_s = max(at_s, self._starts[0] + self._span_s)
        return at_s - now_s if at_s - now_s > ROUNDING_S else 0.0
