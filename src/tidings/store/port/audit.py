"""The audit log as the store keeps it, and how an entry goes along with its change.

Whoever makes a change calls the store inside `recorded(write)`: the store writes the entries in the
transaction of the change, or neither.
"""

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tidings.core.audit.chain import Anchor, ChainHead
from tidings.core.audit.entries import AuditDraft, AuditEntry

if TYPE_CHECKING:  # the processes of a store load no loop
    from asyncio import Future


class AuditWrite(msgspec.Struct, frozen=True, array_like=True):
    """Entries that are written together, and the key that seals them."""

    key: bytes
    entries: Sequence[AuditDraft]
    if_changed: bool = False  # only where the answer of the write says that it has done something

    def is_due(self, answer: object) -> bool:
        """Return whether the entries are written with a change that is answered like this."""
        return not self.if_changed or is_change(answer)

    def __repr__(self) -> str:
        """Without the key."""
        return f"AuditWrite({self.entries!r})"


class AuditQuery(msgspec.Struct, frozen=True, array_like=True):
    """A question of a chain. Empty fields ask for everything."""

    chain: int
    since_ms: int | None = None
    until_ms: int | None = None
    actor: str = ""
    action: str = ""  # or the kind of object before the point
    object_kind: str = ""
    object: str = ""
    before: int | None = None  # entries with a smaller number, newest first
    after: int | None = None  # those with a greater one
    limit: int = 100


class AuditPage(msgspec.Struct, frozen=True, array_like=True):
    """Newest first. `older` is the next question's `before`, `newer` its `after`; a page may hold
    fewer entries than were asked for, or none, and still have a further one: a question looks at
    some thousand entries and answers some megabytes."""

    entries: Sequence[AuditEntry]
    older: int | None = None
    newer: int | None = None


class AuditStore(Protocol):
    """The store of the audit log. Entries are only ever added, but for retention."""

    def append_audit(self, write: AuditWrite) -> Awaitable[None]:
        """Write entries of what is no change of the store: a sign-in, a look at a payload."""

    def audit_page(self, query: AuditQuery) -> Awaitable[AuditPage]:
        """Return a page of a chain."""

    def audit_slice(self, chain: int, after: int, limit: int) -> Awaitable[Sequence[AuditEntry]]:
        """Return up to `limit` entries of a chain with greater numbers than `after`, in their
        order: to be checked or exported."""

    def audit_heads(self) -> Awaitable[Sequence[ChainHead]]:
        """Return the newest entry of each chain, by chain."""

    def put_anchor(self, key: bytes, at_ms: int) -> Awaitable[Anchor | None]:
        """Keep the heads of all chains that have grown since the last anchor; None where none has.
        Synced."""

    def anchors(self) -> Awaitable[Sequence[Anchor]]:
        """Return all anchors that are kept, oldest first."""

    def overdue_audit(self, before_ms: int) -> Awaitable[Sequence[int]]:
        """Return the chains whose first entry is older, some hundred at most."""

    def shorten_audit(self, key: bytes, draft: AuditDraft, until_ms: int) -> Awaitable[int]:
        """Drop the beginning of a chain, as far as its entries are older, at most some hundred of
        them, with the mark `draft` as their last trace in the same transaction; how many were
        dropped. `draft.after` is filled in."""

    def shorten_anchors(
        self, key: bytes, draft: AuditDraft, until_ms: int, overdue_ms: int
    ) -> Awaitable[int]:
        """Drop the oldest anchors likewise, but for the newest one, if there is one before
        `overdue_ms`. What no other anchor names will be in the next one."""

    def note_restore(self, key: bytes, draft: AuditDraft) -> Awaitable[int | None]:
        """Write the entry `draft` where the store is a copy that nobody has opened yet; when the
        copy was made, in milliseconds since the epoch. None where it is no copy, or that was noted.
        `draft.after` is filled in."""


def is_change(answer: Any) -> bool:
    """Return whether the answer of a write says that it has done something: it is there, and where
    it knows (`is_change`), it says so."""
    return answer is not None and bool(getattr(answer, "is_change", True))


class _Pending:
    """A write that waits for the change that it belongs to."""

    def __init__(self, write: AuditWrite) -> None:
        self.write: AuditWrite | None = write


_PENDING: ContextVar[_Pending | None] = ContextVar("pending_audit", default=None)


@contextmanager
def recorded(write: AuditWrite) -> Iterator[None]:
    """Let entries go along with the first write that the block asks of the store. AssertionError
    where the block ends well and has asked for none."""
    pending = _Pending(write)
    token = _PENDING.set(pending)
    try:
        yield
    finally:
        _PENDING.reset(token)
    assert pending.write is None, "a change was recorded that the store was not asked for"


def take_audit(answered: "Future[Any] | None" = None) -> AuditWrite | None:
    """Return the entries that go along with the write that is asked for now, once. Where `answered`
    is given and fails, they wait again for the next write."""
    pending = _PENDING.get()
    if pending is None:
        return None
    write, pending.write = pending.write, None
    if write is not None and answered is not None:
        answered.add_done_callback(partial(_wait_again, pending, write))
    return write


def _wait_again(pending: _Pending, write: AuditWrite, answered: "Future[Any]") -> None:
    if answered.cancelled() or answered.exception() is not None:
        pending.write = write
