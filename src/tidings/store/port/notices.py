"""E-mails that are not handed over to the mail server yet."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class QueuedEmail(msgspec.Struct, frozen=True, array_like=True):
    """An e-mail to come: what it tells, and when it is tried next. To whom, and in which words, is
    said then."""

    id: str  # of the operational event that it began with
    org: OrgId
    kind: str
    fact: bytes  # JSON
    due_ms: int
    tries: int = 0


class EmailStore(Protocol):
    """The store of e-mails."""

    def put_email(self, email: QueuedEmail) -> Awaitable[bool]:
        """Insert or replace; whether it is new."""

    def drop_emails(self, ids: Sequence[str]) -> Awaitable[None]:
        """Drop e-mails that are handed over, or given up."""

    def emails(self) -> Awaitable[Sequence[QueuedEmail]]:
        """Return all e-mails that wait, in the order in which they are due."""
