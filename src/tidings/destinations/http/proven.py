"""One attempt with a header that says who we are, and may have to be fetched first."""

from collections.abc import Awaitable, Callable
from time import monotonic

import msgspec

from tidings.core.delivery.exchange import (
    AttemptResult,
    Ending,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.destinations.http.authentication.authenticator import Authenticator, Header

Send = Callable[[Header, float], Awaitable[Ending | None]]
"""Send with this header, within so many seconds; None where it must not leave any more."""
Judged = Callable[[Ending, Header], AttemptResult]
"""What an ending means; nothing of the header is kept of it."""


async def send_proven(
    proof: Authenticator, deadline_s: float, send: Send, judged: Judged
) -> AttemptResult | None:
    """Send, and once more with another header where the receiver refuses the first one and there is
    time. None: it must not leave any more, and has not."""
    began_s, first = monotonic(), None
    while True:
        left_s = deadline_s - (monotonic() - began_s)
        if first is not None and left_s <= 0:
            return first
        header = proof.at_hand() or await proof.fetched(left_s)
        if isinstance(header, TransportFault):
            return first or of_fault(header)
        before_s = monotonic() - began_s
        ending = await send(header, max(0.001, deadline_s - before_s))
        if ending is None:
            return first
        taken_ms = before_s * 1e3 + ending.duration_ms
        ending = msgspec.structs.replace(ending, duration_ms=taken_ms)
        result = judged(ending, header)
        if first is not None or not isinstance(ending, ReceiverAnswer):
            return result
        if not proof.another(header, ending.status):
            return result
        first = result
