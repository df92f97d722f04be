"""Which share of the attempts of some deliveries succeeded: one rule for every face. Pure.

Attempts are counted, not deliveries: a webhook that fails 15 of 100 attempts and delivers each at
the next one reads 85 %, though all have arrived. A delivery's attempts count at the time at which
its event was accepted, as the delivery itself does, and at most one of them has succeeded. What
waits unsent while its webhook is left alone would fail if it were tried, and counts as an attempt
that does.
"""

import msgspec


class AttemptTotals(msgspec.Struct, frozen=True):
    """The attempts of some deliveries."""

    ended: int = 0
    succeeded: int = 0
    unsent: int = 0  # deliveries that wait behind an open breaker

    @property
    def failed(self) -> int:
        """Count the attempts that failed or were cancelled."""
        return max(0, self.ended - self.succeeded)

    @property
    def counted(self) -> int:
        """Of how many the shares are."""
        return self.succeeded + self.failed + self.unsent

    @property
    def percent_succeeded(self) -> float | None:
        """None where nothing was tried. A failure never reads 100, a success never 0."""
        return self._percent(self.succeeded)

    @property
    def percent_failed(self) -> float | None:
        """None where nothing was tried."""
        return self._percent(self.failed + self.unsent)

    def _percent(self, some: int) -> float | None:
        if not self.counted:
            return None
        exact = round(100 * some / self.counted, 2)
        return min(exact, 99.99) if some < self.counted else exact
