"""What waits for the lease of the store goes on when it is renewed, which tells nobody by itself.

It is over only in trouble, so only then is it looked at by a timer.
"""

import asyncio

from tidings.core.running.lease import OwnerLease
from tidings.engine.delivery.runner import LaneDriver

LOOK_S = 0.1


class LeaseWatch:
    """Asks the lease for lanes that start, and gives them their turns when it holds again."""

    def __init__(self, lease: OwnerLease, lanes: LaneDriver) -> None:
        self._lease = lease
        self._lanes = lanes
        self._timer: asyncio.TimerHandle | None = None

    def holds(self) -> bool:
        """Return whether it holds. Where it does not, lanes have turns as soon as it does."""
        if self._lease.holds():
            return True
        if self._timer is None:
            self._look_later()
        return False

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._lanes.stopping:
            return
        if self._lease.holds():
            self._lanes.give_turns()
        else:
            self._look_later()
