"""E-mails that are not handed over to the mail server yet; alert channels of orgs, and what each
channel has heard of open incidents."""

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


class StoredChannel(msgspec.Struct, frozen=True, array_like=True):
    """An alert channel. `sealed` is opaque to the store."""

    id: str
    org: OrgId
    sealed: bytes
    created_ms: int = 0
    changed_ms: int = 0
    revision: int = 1


class StoredAlertMark(msgspec.Struct, frozen=True, array_like=True):
    """A mark of what a channel has heard of an incident of `org`. `mark`: JSON, opaque to the
    store."""

    channel: str
    incident: str
    org: OrgId
    mark: bytes = b"{}"


class AlertStore(Protocol):
    """The store of alert channels and of what they have heard."""

    def load_alert_channels(self) -> Awaitable[Sequence[StoredChannel]]:
        """Load the channels of all orgs."""

    def put_alert_channel(self, channel: StoredChannel) -> Awaitable[StoredChannel]:
        """Insert (revision 1), or replace the revision before; as it is stored. Raise
        StaleChange; NotKept on a schema before, which has no table of channels."""

    def drop_alert_channel(self, id: str) -> Awaitable[None]:
        """Forget a channel with what it has heard."""

    def alert_marks(self) -> Awaitable[Sequence[StoredAlertMark]]:
        """Return what all channels have heard."""

    def put_alert_marks(self, marks: Sequence[StoredAlertMark]) -> Awaitable[None]:
        """Insert or replace."""

    def drop_alert_marks(self, marks: Sequence[StoredAlertMark]) -> Awaitable[None]:
        """Forget what channels have heard of incidents that are over."""
