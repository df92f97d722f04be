"""What every scheme of authentication is to a channel: a header, at hand or to be fetched."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from tidings.core.delivery.exchange import Ending, TransportFault
from tidings.destinations.port import Headers

Header = tuple[str, str]
Ask = Callable[[str, Headers, bytes, float], Awaitable[Ending]]
"""POST to a URL, through the guarded way out: its headers, body, and seconds for all of it."""


class Authenticator(Protocol):
    """Authenticates us to the receiver of one webhook."""

    lasts: bool  # whether what is at hand is for good, and no answer changes it

    def at_hand(self) -> Header | None:
        """Return the header to send now, without awaiting anything; None where it has to be fetched
        first."""

    async def fetched(self, deadline_s: float) -> Header | TransportFault:
        """Fetch the header; return the fault where there is none. Raise nothing but
        CancelledError."""

    def another(self, header: Header, status: int) -> bool:
        """Hear what the receiver answered to a header; whether it is worth to try at once with
        another one, which has to be fetched."""

    def secrets(self) -> Headers:
        """Return what an answer must not be kept with, beside the header that was sent."""

    async def close(self) -> None:
        """Fetch nothing more. Idempotent; it goes on with the next `fetched`."""


class LastingProof:
    """`Authenticator` by a header that is known for good."""

    lasts = True

    def __init__(self, header: Header, *secrets: str) -> None:
        """`secrets` stand in the header, in another form."""
        self._header = header
        self._secrets = [("", secret) for secret in secrets]

    def at_hand(self) -> Header:
        return self._header

    async def fetched(self, deadline_s: float) -> Header:
        return self._header

    def another(self, header: Header, status: int) -> bool:
        return False

    def secrets(self) -> Headers:
        return self._secrets

    async def close(self) -> None:
        """Do nothing: nothing is fetched."""
