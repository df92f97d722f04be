"""How tokens are asked for: by the same guarded way out as messages, on a connection of its own."""

from collections.abc import Callable

from tidings.core.delivery.exchange import Ending, FaultKind, TransportFault
from tidings.destinations.http.authentication.authenticator import Ask
from tidings.destinations.port import Headers
from tidings.egress.port import OutletMaker, ReceiverAddress
from tidings.errors import Invalid


def asking_over(sender: OutletMaker, target_of: Callable[[str], ReceiverAddress]) -> Ask:
    """Make an `Ask` over a sender. `target_of` parses a URL, which it may refuse."""

    async def ask(url: str, headers: Headers, body: bytes, deadline_s: float) -> Ending:
        try:
            target = target_of(url)
        except Invalid:  # it was admitted once, and would not be today
            return TransportFault(FaultKind.POLICY, False, "", duration_ms=0.0)
        outlet = sender.open(target, 1, keep_answers=True)
        try:
            ending = await outlet.send("POST", lambda: headers, body, deadline_s)
        finally:
            await outlet.close()
        return ending or TransportFault(FaultKind.OURS, False, _NOT_OURS, duration_ms=0.0)

    return ask


_NOT_OURS = (
    "Tidings could not be sure that it still owns its store, so it asked for no access token. It "
    "does as soon as that is known."
)
