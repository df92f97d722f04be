"""Sending that is stopped, for an org or for all."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class SendingStop(msgspec.Struct, frozen=True, array_like=True):
    """Sending is stopped for an org, or (0) for all of them."""

    org: OrgId
    by: str
    since_ms: int = 0


class StopStore(Protocol):
    """The store of stops."""

    def put_stop(self, stop: SendingStop) -> Awaitable[None]:
        """Remember that sending is stopped."""

    def drop_stop(self, org: OrgId) -> Awaitable[None]:
        """Remember that it goes on."""

    def stops(self) -> Awaitable[Sequence[SendingStop]]:
        """Return all stops in force."""
