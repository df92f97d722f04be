"""How often an action is done for one subject: counted before it is done, so that no kill lets one
through.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import DeliveryId


class CapUse(msgspec.Struct, frozen=True, array_like=True):
    """One delivery of a webhook, which wants to be among the `most` of a subject within a time."""

    webhook: int
    subject: bytes  # a digest of whom, or what, is counted
    delivery: DeliveryId
    most: int
    within_ms: int


class CapStore(Protocol):
    """The store of caps."""

    def take_caps(self, uses: Sequence[CapUse]) -> Awaitable[Sequence[int | None]]:
        """Count each that its cap admits; of each that it does not, in milliseconds, when one is
        admitted again. They are judged one after the other. On the disk when it is answered.

        A delivery is counted once, however often it asks, and not while it is failed, parked or
        cancelled: it was never done.
        """
