"""A rate with bursts, for what is refused or put off, not spread. Pure; time is passed in."""

ROUNDING = 1e-6  # of a token: after the wait that was told there is one


class TokenBucket:
    """At most `rate` starts a second, with a burst of one second's worth (at least one)."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._tokens = max(1.0, rate)
        self._at = 0.0

    def take(self, now_s: float) -> bool:
        """Take a token if there is one."""
        self._fill(now_s)
        if self._tokens < 1 - ROUNDING:
            return False
        self._tokens -= 1
        return True

    def wait_s(self, now_s: float) -> float:
        """Compute the seconds until there is a token; 0 if there is one."""
        self._fill(now_s)
        return max(0.0, (1 - self._tokens) / self.rate)

    def _fill(self, now_s: float) -> None:
        self._tokens = min(
            max(1.0, self.rate), self._tokens + max(0.0, now_s - self._at) * self.rate
        )
        self._at = now_s
