"""The way of a webhook that makes no call: whatever its URL says, nothing is dialled."""

from tidings.core.exchange import Ending, Fault, FaultKind

_SAID = "The webhook's type makes no call, so nothing was sent. Set webHookType to HTTP."


class Undialled:
    """An `Outlet` of no receiver. Its lane is closed, so that nothing is meant to come here."""

    async def send(
        self, method: str, headers: list[tuple[str, str]], body: bytes, deadline_s: float
    ) -> Ending:
        """See `egress.port.Outlet`."""
        return Fault(FaultKind.OURS, False, _SAID, 0.0)

    async def close(self) -> None:
        """Nothing is open."""
