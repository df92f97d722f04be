"""A message on its way to a reader: offered, then out under a lease until its reader says what
became of it, or the lease ends."""

import asyncio
from time import monotonic

from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.destinations.port import Headers, Message

DELIVERED, REFUSED = 200, 422  # as a receiver that is called would answer
_EXPIRED = (
    "A reader fetched the message, and its lease ended before it was acknowledged. It can be "
    "fetched again: ask for a longer lease, or acknowledge sooner."
)
_KEPT_BACK = (
    "The message was not handed out, because Tidings could not be sure that it still owns its "
    "store. It can be fetched as soon as that is known."
)
_RELEASED = "A reader fetched the message, and gave it back. It can be fetched again."


class Offer:
    """One attempt of a delivery, which waits for a reader and then for its word."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.result: asyncio.Future[AttemptResult | None] = (
            asyncio.get_running_loop().create_future()
        )
        self.headers: Headers = []
        self.size = len(message.body)
        self.token = ""  # by which its reader names it; blank until it is out
        self.cursor = ""  # of the answer that it went out with
        self._began_s = monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def may_leave(self, token: str) -> bool:
        """Return whether it may still be handed out; if so, it is out."""
        headers = self.message.headers_if_current([])
        if headers is None:
            self.end(None)
            return False
        self.token, self.headers = token, headers
        return True

    def hold(self, lease_s: float) -> None:
        """Give the message to its reader for `lease_s` seconds from now, however long it was
        before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(lease_s, self.give_back, _EXPIRED)

    def acknowledge(self) -> None:
        """End the attempt as delivered: its reader has the message."""
        self.end(AttemptResult(DeliveryVerdict.DELIVERED, self._answer(DELIVERED, b"")))

    def refuse(self, why: str) -> None:
        """End the attempt for good: its reader will never take the message."""
        self.end(AttemptResult(DeliveryVerdict.NEVER, self._answer(REFUSED, why.encode())))

    def give_back(self, why: str = _RELEASED, wait_s: float = 0.0) -> None:
        """End the attempt so that the message is to be fetched again, not before `wait_s`
        seconds."""
        fault = TransportFault(
            FaultKind.LEASE, True, why, duration_ms=self._took_ms(), wait_s=wait_s
        )
        self.end(of_fault(fault))

    def keep_back(self) -> None:
        """End the attempt without having handed the message out: it is to be fetched again, at
        once."""
        took_ms = self._took_ms()
        fault = TransportFault(FaultKind.LEASE, False, _KEPT_BACK, duration_ms=took_ms, wait_s=0.0)
        self.end(of_fault(fault))

    def fail(self, error: Exception) -> None:
        """End the attempt by an error: the message cannot be handed out."""
        if not self.result.done():
            self.result.set_exception(error)

    def end(self, result: AttemptResult | None) -> None:
        """End the message with this result."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.result.done():
            self.result.set_result(result)

    def _answer(self, status: int, body: bytes) -> ReceiverAnswer:
        return ReceiverAnswer(status, (), body, truncated=False, duration_ms=self._took_ms())

    def _took_ms(self) -> float:
        return (monotonic() - self._began_s) * 1000
