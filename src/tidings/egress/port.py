"""The guarded way out, as those see it who call out: drivers, look-ups, letters and inboxes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.exchange import Ending
from tidings.core.inbox_rules import ArrivalAnswer
from tidings.errors import RemoteError

Headers = list[tuple[str, str]]
Leaves = Callable[[], Headers | None]
"""Asked once, in the moment before the first byte of a request is written, and never if none is:
the request's headers, or None where it must not leave any more. Must be quick."""


class ReceiverAddress(msgspec.Struct, frozen=True):
    """A receiver's address, parsed once by `egress.address.parse_target` and never parsed again."""

    scheme: str  # "http" or "https"
    host: str  # lower-case ASCII (IDNA) name, dotted quad, or IPv6 without brackets
    port: int
    path: str  # path and query exactly as sent in the request line, starting with "/"


class Outlet(Protocol):
    """The connections of one webhook to its own origin; never shared with another webhook."""

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        """Make one attempt under one absolute deadline in seconds. Raise nothing but
        CancelledError.

        Return None where it was ready to leave, and `leaves` said no, or the lease of the store is
        over; nothing of it was written then.
        """

    async def close(self) -> None:
        """Close every connection. Idempotent."""


class PathOutlet(Outlet, Protocol):
    """An outlet whose messages may each go to another path of its origin."""

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float, path: str | None = None
    ) -> Ending | None:
        """See `Outlet`. `path`: with its query, as `Target.path`; None: the target's own. One that
        would end the request's line, or holds a fragment, is not sent."""


class OriginServer(Protocol):
    """The connections to one HTTP server that is asked, not told: the platform's own API."""

    async def get(self, path: str, headers: Headers, deadline_s: float) -> Ending:
        """Fetch a path (and query) by GET, under one absolute deadline in seconds, body and all.

        Raise nothing but CancelledError. Keep at most 16 KiB of the body, or of a 2xx as many bytes
        as the connections were made for.
        """

    async def close(self) -> None:
        """Close every connection. Idempotent."""


class Origins(Protocol):
    """Makes connections to servers that are asked."""

    def origin(
        self, target: ReceiverAddress, connections_max: int, kept_bytes: int = ..., /
    ) -> OriginServer:
        """Return the connections to the target's origin; its path is not used. Nothing is dialled
        or resolved until the first question. `kept_bytes`: of the body of a 2xx."""


class OutletMaker(Protocol):
    """Makes outlets. The driver of HTTP holds one; tests and the simulation pass their own."""

    def open(self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool) -> Outlet:
        """Open an outlet for one webhook. Nothing is dialled or resolved until the first send.

        Headers and body of a 2xx answer are read only with `keep_answers`.
        """


class PathSender(Protocol):
    """Makes outlets for messages that have paths of their own. See `OutletMaker`."""

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool
    ) -> PathOutlet: ...


class MailFailed(RemoteError):
    """A letter was not taken. `final`: it never will be, trying again cannot help; `deferred`: the
    server works, and asks for a later try."""

    def __init__(self, reason: str, *, final: bool = False, deferred: bool = False) -> None:
        super().__init__(reason)
        self.final = final
        self.deferred = deferred


class MailHeld(RemoteError):
    """A letter has not left, because the store may be another owner's by now."""


class Mailer(Protocol):
    """Sends letters to people. One at a time; the same `id` at every try of the same letter."""

    async def send(self, id: str, to: Sequence[str], subject: str, text: str) -> None:
        """Hand one letter over. MailFailed; MailHeld where nothing of it has left."""


class Receive(Protocol):
    """Takes what arrives at a test inbox, and says how it is answered."""

    def __call__(
        self, token: str, method: str, headers: list[tuple[str, str]], body: bytes, /
    ) -> ArrivalAnswer: ...


class Poster(Protocol):
    """Posts JSON to addresses that people have named, over connections that are used once."""

    async def post(self, url: str, body: bytes, deadline_s: float) -> Ending | None:
        """Post under one absolute deadline in seconds. Raise nothing but CancelledError.

        Return None where nothing of it was written, for the lease of the store is over.
        """
