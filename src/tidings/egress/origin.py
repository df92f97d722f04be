"""An outlet that asks: GET on any path of one origin, through the same guard as deliveries.

Addresses are vetted, redirects are not followed, and a body is bounded in bytes and time, as for a
delivery. Asking twice harms nobody: a connection that was closed meanwhile is replaced at once.
"""

from time import monotonic

import msgspec

from tidings.core.delivery.exchange import Ending, Fault, FaultKind
from tidings.egress import faults
from tidings.egress.outlet import HttpOutlet, reads_back
from tidings.egress.port import Headers

TRIES_MAX = 3
_AGAIN = (*faults.NOT_CONNECTED, FaultKind.STALE, FaultKind.RESET)


class HttpOrigin(HttpOutlet):
    """See `egress.port.Origin`."""

    async def get(self, path: str, headers: Headers, deadline_s: float) -> Ending:
        """See `egress.port.Origin.get`."""
        started = monotonic()
        if not reads_back(msgspec.structs.replace(self._target, path=path)):
            return faults.unsent(FaultKind.POLICY, faults.BLOCKED, started)
        tries = 1
        while True:
            left_s = max(0.001, deadline_s - (monotonic() - started))
            ending = await self._exchange("GET", lambda: headers, b"", left_s, path)
            assert ending is not None
            again = isinstance(ending, Fault) and ending.kind in _AGAIN
            if not again or tries == TRIES_MAX or monotonic() - started >= deadline_s:
                return ending
            tries += 1
