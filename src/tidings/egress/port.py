"""The port through which attempts leave: what the engine knows of the network, and nothing else."""

from typing import Protocol

import msgspec

from tidings.core.exchange import Ending


class Target(msgspec.Struct, frozen=True):
    """A receiver's address, parsed once by `egress.address.parse_target` and never parsed again."""

    scheme: str  # "http" or "https"
    host: str  # lower-case ASCII (IDNA) name, dotted quad, or IPv6 without brackets
    port: int
    path: str  # path and query exactly as sent in the request line, starting with "/"


class Outlet(Protocol):
    """The connections of one webhook to its own origin; never shared with another webhook."""

    async def send(
        self, method: str, headers: list[tuple[str, str]], body: bytes, deadline_s: float
    ) -> Ending:
        """One attempt under one absolute deadline in seconds. Raises nothing but CancelledError."""
        ...

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        ...


class Sender(Protocol):
    """Makes outlets. The engine holds one sender; tests and the simulation pass their own."""

    def open(self, target: Target, connections_max: int, *, keep_answers: bool) -> Outlet:
        """An outlet for one webhook. Nothing is dialled or resolved until the first send.

        Headers and body of a 2xx answer are read only with `keep_answers`.
        """
        ...
