"""An outlet that asks: GET on any path of one origin, through the same guard as deliveries.

Addresses are vetted, redirects are not followed, and a body is bounded in bytes and time, as for a
delivery. Asking twice harms nobody: a connection that was closed meanwhile is replaced at once.
"""

from datetime import timedelta
from time import monotonic

import msgspec
from pyreqwest.client import Client

from tidings.core.exchange import Ending, Fault, FaultKind
from tidings.egress.faults import NOT_CONNECTED, unsent
from tidings.egress.outlet import BLOCKED, HttpOutlet
from tidings.egress.pool import url_for

TRIES_MAX = 3
_AGAIN = (*NOT_CONNECTED, FaultKind.STALE, FaultKind.RESET)


class HttpOrigin(HttpOutlet):
    """See `egress.port.Origin`."""

    _turn = 0  # among the addresses

    async def get(self, path: str, headers: list[tuple[str, str]], deadline_s: float) -> Ending:
        """See `egress.port.Origin.get`."""
        started = monotonic()
        url = url_for(msgspec.structs.replace(self._target, path=path))
        if url is None:  # the client would read another path than ours
            return unsent(FaultKind.POLICY, BLOCKED, started)
        tries = 1
        while True:
            ending = await self._ask(str(url), headers, started, deadline_s)
            again = isinstance(ending, Fault) and ending.kind in _AGAIN
            if not again or tries == TRIES_MAX or monotonic() - started >= deadline_s:
                return ending
            tries += 1
            if isinstance(ending, Fault) and ending.kind in NOT_CONNECTED:
                await self._turn_to_next()

    async def _ask(
        self, url: str, headers: list[tuple[str, str]], started: float, deadline_s: float
    ) -> Ending:
        ready = await self._prepare(started, deadline_s - (monotonic() - started))
        if isinstance(ready, Fault):
            return ready
        self._in_flight += 1
        try:
            left_s = max(0.001, deadline_s - (monotonic() - started))
            request = (
                ready.request("GET", url)
                .headers(headers)
                .timeout(timedelta(seconds=left_s))
                .streamed_read_buffer_limit(0)
                .build_streamed()
            )
            response = await request.__aenter__()
            return await self._conclude(request, response, started, monotonic(), deadline_s)
        except Exception as error:  # as in `send`: every cause becomes a Fault
            return self._fault_of(error, started)
        finally:
            self._in_flight -= 1

    async def _make(self, address: str, deadline_s: float) -> Client:
        """Of the origin's vetted addresses the one whose turn it is."""
        chosen = self._addresses[self._turn % len(self._addresses)]
        return await super()._make(chosen, deadline_s)

    async def _turn_to_next(self) -> None:
        """Dial the next address, where there is more than one; the old client ends by itself."""
        async with self._lock:
            if len(self._addresses) > 1:
                self._turn += 1
                self._client = None
