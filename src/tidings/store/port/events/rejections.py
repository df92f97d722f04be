"""Events that were refused, kept for a while to be seen and sent again."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class NewRejection(msgspec.Struct, frozen=True, array_like=True):
    """An event that was refused, kept for a while to be seen and sent again."""

    org: OrgId
    name: str
    event_id: str
    code: str
    message: str
    path: str
    body: bytes
    passage: str | None = None  # what its message said of its passage (core/events/passage.py)


class Rejection(msgspec.Struct, frozen=True, array_like=True):
    """A refused event."""

    id: int
    org: OrgId
    at_ms: int
    name: str
    event_id: str
    code: str
    message: str
    path: str
    body: bytes
    passage: str | None = None


class RejectionPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first."""

    rejections: Sequence[Rejection]
    older: int | None = None
    newer: int | None = None


class RejectionStore(Protocol):
    """The store of refused events."""

    def log_rejections(
        self, org: OrgId, before: int | None, after: int | None, limit: int
    ) -> Awaitable[RejectionPage]:
        """Return a page of an org's refused events."""

    def rejection(self, org: OrgId, number: int) -> Awaitable[Rejection | None]:
        """Return one refused event of an org; None where there is none."""

    def drop_rejection(self, org: OrgId, number: int) -> Awaitable[None]:
        """Forget a refused event: it was accepted after all."""
