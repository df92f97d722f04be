"""Test inboxes and what arrived at them."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId

KEPT_ARRIVALS = 1000  # of an inbox; older ones go
KEPT_BYTES = 16 << 20  # of their bodies together


class Inbox(msgspec.Struct, frozen=True, array_like=True):
    """A receiving address of an org. `answer` is opaque to the store."""

    number: int  # 0 asks the store for a new one
    org: OrgId
    token: str
    name: str
    answer: bytes
    created_ms: int = 0
    used_ms: int = 0  # the last arrival, or the last look
    revision: int = 1


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    """One request that came to an inbox."""

    number: int  # 0 asks the store for a new one
    inbox: int
    at_ms: int
    method: str
    headers: Sequence[tuple[str, str]]
    body: bytes  # its beginning
    size: int  # of all of it
    verdict: str
    reason: str
    status: int  # that it was answered with


class ArrivalPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first. `older` is the next question's `before`, `newer` its `after`."""

    arrivals: Sequence[Arrival]
    older: int | None = None
    newer: int | None = None


class InboxStore(Protocol):
    """The store of test inboxes."""

    def load_inboxes(self) -> Awaitable[Sequence[Inbox]]:
        """Load the inboxes of all orgs."""

    def put_inbox(self, inbox: Inbox) -> Awaitable[Inbox]:
        """Insert (number 0), or replace the revision before; as it is stored. Raise
        StaleChange."""

    def use_inbox(self, number: int, at_ms: int) -> Awaitable[None]:
        """Note that somebody has looked into an inbox; nothing is done where it is gone."""

    def drop_inbox(self, number: int) -> Awaitable[None]:
        """Forget an inbox with its arrivals."""

    def add_arrivals(self, arrivals: Sequence[Arrival]) -> Awaitable[Sequence[int]]:
        """Keep arrivals; their numbers. An inbox's oldest go beyond its bounds."""

    def arrivals(
        self, inbox: int, before: int | None, after: int | None, limit: int
    ) -> Awaitable[ArrivalPage]:
        """Return a page of an inbox's arrivals."""

    def arrival(self, inbox: int, number: int) -> Awaitable[Arrival | None]:
        """Return one arrival of an inbox; None where there is none."""
