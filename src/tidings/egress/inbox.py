"""Deliveries to the service's own test inboxes: handed over in process, nothing is dialled.

The service may listen on loopback, which no receiver's URL may name. An inbox's URL is therefore
recognised as a whole, by the service's public address and a token that it knows, and never becomes
a connection: no other address is reached by this way, whatever the URL says.
"""

import asyncio
import re
from collections.abc import Callable
from time import monotonic
from typing import Generic, Protocol, TypeVar

from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.egress.port import Leaves, Outlet, Receive, ReceiverAddress

SCHEME = "inbox"  # of a Target that is no address
ANSWER_BYTES_KEPT = 16 * 1024
TICK_S = 0.001  # of the event loop's timers, which count from the beginning of its turn
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}")


class OwnAddress:
    """The addresses of inboxes: those that are shown begin with `base`; `others` are known too,
    because webhooks may have been given them before."""

    def __init__(self, base: str, *others: str) -> None:
        stems = (base_url.rstrip("/") + "/inbox/" for base_url in (base, *others))
        self._stems = tuple(dict.fromkeys(stems))

    def url(self, token: str) -> str:
        """Return the receiving URL of an inbox."""
        return self._stems[0] + token

    def urls(self, url: str) -> list[str]:
        """List an inbox's URL as it was ever shown; nothing for any other URL."""
        token = self.token(url)
        return [] if token is None else [stem + token for stem in self._stems]

    def token(self, url: str) -> str | None:
        """Return the token in an inbox's URL; None for any other URL."""
        for stem in self._stems:
            rest = url.removeprefix(stem)
            if rest != url and _TOKEN.fullmatch(rest):
                return rest
        return None

    def target(self, url: str) -> ReceiverAddress | None:
        """Return an inbox as a target; None for any other URL."""
        token = self.token(url)
        return None if token is None else ReceiverAddress(SCHEME, token, 0, path="/")


Outlet_co = TypeVar("Outlet_co", bound=Outlet, covariant=True)


class _Opens(Protocol[Outlet_co]):
    """A `Sender`, or a `PathSender`."""

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool
    ) -> Outlet_co: ...


class InboxSender(Generic[Outlet_co]):
    """A `Sender` that hands deliveries to inboxes over, and leaves all others to another sender; a
    `PathSender` where that is one."""

    def __init__(self, others: _Opens[Outlet_co], receive: Receive) -> None:
        self._others = others
        self._receive = receive

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool
    ) -> "Outlet_co | InboxOutlet":
        """See `egress.port.OutletMaker`."""
        if target.scheme == SCHEME:
            return InboxOutlet(target.host, self._receive, keep_answers=keep_answers)
        return self._others.open(target, connections_max, keep_answers=keep_answers)


class InboxOutlet:
    """One webhook's way to an inbox."""

    def __init__(
        self,
        token: str,
        receive: Receive,
        *,
        keep_answers: bool,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._token = token
        self._receive = receive
        self._keep_answers = keep_answers
        self._clock_s = clock_s

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float, path: str | None = None
    ) -> Ending | None:
        """See `egress.port.PathOutlet`. An inbox has no paths."""
        if (headers := leaves()) is None:
            return None
        began = self._clock_s()
        answered = self._receive(self._token, method, headers, body)
        wait_s = min(answered.delay_s, deadline_s)
        await asyncio.sleep(wait_s)
        if (early_s := wait_s - (self._clock_s() - began)) > 0:
            await asyncio.sleep(early_s + TICK_S)
        took_ms = (self._clock_s() - began) * 1000
        if answered.delay_s > deadline_s:
            detail = (
                f"The test inbox did not answer within {deadline_s:g} s, as configured. Lower its "
                "delay, or raise deadlineInSeconds."
            )
            return TransportFault(FaultKind.TIMEOUT, True, detail, duration_ms=took_ms)
        if 200 <= answered.status < 300 and not self._keep_answers:
            return ReceiverAnswer(answered.status, (), b"", truncated=False, duration_ms=took_ms)
        kept = answered.body[:ANSWER_BYTES_KEPT]
        truncated = len(kept) < len(answered.body)
        return ReceiverAnswer(
            answered.status, answered.headers, kept, truncated=truncated, duration_ms=took_ms
        )

    async def close(self) -> None:
        """Do nothing: nothing is open."""
