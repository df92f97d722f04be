"""The part of the port that completes a log's rows: what a delivery's own row does not hold.

Each method takes many ids at once (up to `LOOKUP_MAX`), because a page of a log asks for them all.
"""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from tidings.store.port import StoredWebhook

LOOKUP_MAX = 1000


class EventHead(msgspec.Struct, frozen=True, array_like=True):
    """What an event says of where it comes from. None where it does not, or its body is gone."""

    seq: int
    ref_id: str | None
    request_id: str | None


class FirstStart(msgspec.Struct, frozen=True, array_like=True):
    """When the first attempt of a delivery began."""

    delivery: int
    started_ms: int


class LookupStore(Protocol):
    """What the API asks for beside the logs themselves."""

    def webhook_version(self, webhook: int, version: int) -> "Awaitable[StoredWebhook | None]":
        """A version of a webhook, by its number, as it was stored."""
        ...

    def event_heads(self, events: Sequence[int]) -> Awaitable[Sequence[EventHead]]:
        """Of events by their sequence numbers; those that are gone are left out."""
        ...

    def first_starts(self, deliveries: Sequence[int]) -> Awaitable[Sequence[FirstStart]]:
        """Of deliveries whose first attempt is kept as a row; a plain first success has none."""
        ...

    def goes_first(self, delivery: int) -> Awaitable[int | None]:
        """The delivery that a HELD one waits for; None where it is not HELD, and where that one is
        not made yet or stands behind very many that are held too."""
        ...
