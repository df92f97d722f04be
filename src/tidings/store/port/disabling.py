"""What a settle has decided of a webhook, and is not done yet."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec


class Disabling(msgspec.Struct, frozen=True, array_like=True):
    """A webhook that an outcome disables; once it is disabled: one whose owner is to be told.

    It is written in the transaction of the outcome, and again in that of a version that is
    disabled, so that no kill between them forgets either.
    """

    webhook: int
    version: int  # that the attempt was made by; or that is disabled
    reason: str = ""
    parked: int = 0  # deliveries that were parked since that version


class DisablingStore(Protocol):
    """What the engine asks of a store for it; `Snapshot.disablings` tells a new owner."""

    def drop_disabling(self, webhook: int, version: int) -> Awaitable[None]:
        """It is done, or not wanted any more, as of that version of the webhook."""
        ...
