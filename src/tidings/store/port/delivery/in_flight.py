"""What outlives the process of the attempts that are on their way."""

from collections.abc import Sequence
from typing import Protocol

from tidings.core.ids import DeliveryId


class InFlight(Protocol):
    """Notes attempts as they leave. None of it waits, and nothing of it fails."""

    def left(self) -> Sequence[tuple[DeliveryId, int]] | None:
        """Return what a former owner had on its way when it ended: deliveries, each with its
        attempt.

        Nothing else had left without a settlement being written. None: that cannot be known.
        """

    def begin(self) -> None:
        """Forget what was left, and note what leaves from now on."""

    def note(self, delivery: DeliveryId, attempt: int) -> None:
        """Note that this attempt leaves now."""

    def forget(self, delivery: DeliveryId, attempt: int) -> None:
        """Forget an attempt whose settlement is on stable storage."""


class NullInFlight:
    """Keeps nothing: after every end that was not clean anything may have been on its way."""

    def left(self) -> None:
        """See `InFlight`."""

    def begin(self) -> None:
        """See `InFlight`."""

    def note(self, delivery: DeliveryId, attempt: int) -> None:
        """See `InFlight`."""

    def forget(self, delivery: DeliveryId, attempt: int) -> None:
        """See `InFlight`."""
