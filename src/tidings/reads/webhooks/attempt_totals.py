"""Two rates of some deliveries: attempts that failed, and events that never arrived. Pure.

One rule for every face, and two names: a receiver that fails every second attempt is in trouble,
and still nothing may be missing at it.

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
        return share_of(self.succeeded, self.counted)

    @property
    def percent_failed(self) -> float | None:
        """None where nothing was tried."""
        return share_of(self.failed + self.unsent, self.counted)


class ArrivalTotals(msgspec.Struct, frozen=True):
    """The events of some deliveries by whether they arrived at the webhook.

    One that replays have sent again counts once, at its first delivery, by whether any of them has
    arrived. What waits for its own time is none of them, and neither is what somebody has
    cancelled: nobody expects either to have arrived.
    """

    arrived: int = 0  # delivered, or failed or parked and delivered by a replay since
    never_arrived: int = 0  # failed or parked, and by no replay delivered since
    due: int = 0  # unfinished: it may still arrive

    @property
    def counted(self) -> int:
        """Of how many the shares are."""
        return self.arrived + self.never_arrived + self.due

    @property
    def percent_arrived(self) -> float | None:
        """None where nothing has ended or is due."""
        return share_of(self.arrived, self.counted)

    @property
    def percent_never_arrived(self) -> float | None:
        """None where nothing has ended or is due."""
        return share_of(self.never_arrived, self.counted)


def share_of(some: int, all: int) -> float | None:
    """Compute a share in percent, to two digits; None of nothing. Less than all never reads 100,
    and more than none never 0."""
    if not all:
        return None
    exact = round(100 * some / all, 2)
    if some < all:
        exact = min(exact, 99.99)
    return max(exact, 0.01) if some else exact
