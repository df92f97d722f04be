"""What waits for the next commit: events, settlements, claims of due retries, refusals, commands.

Whoever has something to write puts it here; the committer (`committer.py`) takes what waits, and
puts back what the store has refused. So who asks for a write knows the queue and not its writer.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId
from tidings.core.shares.budget import leaves_room
from tidings.engine.events.commit_commands import CommitCommands, Plan
from tidings.engine.events.intake import Acceptance, Draft, Overloaded
from tidings.store import port

BATCH_EVENTS_MAX = 1000
BATCH_BYTES_MAX = 8 << 20
SETTLE_WAIT_S = 0.006
SETTLE_ALONE_AT = 128
REJECTIONS_MAX = 1000
UNWRITTEN_MAX = 1000  # settlements, from which on no attempt begins
UNWRITTEN_BYTES_MAX = 32 << 20  # of what they keep, likewise; what is under way then comes on top


class QueuedEvent(msgspec.Struct):
    """A draft with what the commit adds to it."""

    draft: Draft
    digest: bytes
    terms: bytes
    key: int | None  # hash of the ordering key
    name: str  # as it is kept: with what else it is heard as
    passage: str | None = None  # as it is kept


class QueuedCall(msgspec.Struct):
    """The events of one call, which are answered together."""

    events: list[QueuedEvent]
    answered: asyncio.Future[list[Acceptance]]
    since_s: float
    bytes: int
    org: OrgId  # of its first event
    audit: port.AuditWrite | None = None  # where it is a change that somebody makes

    def refuse(self, error: port.StoreDown) -> None:
        """Tell who waits for it that nothing is promised."""
        if not self.answered.done():
            self.answered.set_exception(error)


class CommitContents(msgspec.Struct):
    """Everything that waits, or goes into one transaction."""

    calls: list[QueuedCall] = []
    settled: list[port.Settlement] = []
    claims: dict[int, int] = {}  # how many due retries, by webhook
    rejections: list[port.NewRejection] = []
    commands: CommitCommands = msgspec.field(default_factory=CommitCommands)

    def __bool__(self) -> bool:
        return bool(self.calls or self.settled or self.claims or self.rejections or self.commands)

    @property
    def events(self) -> list[QueuedEvent]:
        """List the events of all calls."""
        return [event for call in self.calls for event in call.events]

    @property
    def audits(self) -> list[port.AuditWrite]:
        """List the entries of the audit log that go along with its calls; its commands have
        their own."""
        return [call.audit for call in self.calls if call.audit is not None]


class Commits(Protocol):
    """The next commit, as lanes ask for it."""

    def settle(self, settled: port.Settlement) -> None:
        """Write what came of an attempt."""

    def claim(self, webhook: int, limit: int) -> None:
        """Bring so many due retries of a webhook, their attempts written down."""

    @property
    def halted(self) -> bool:
        """Return whether the store refuses: nothing is sent meanwhile."""

    @property
    def unwritten(self) -> int:
        """Count the settlements that are not on stable storage yet."""

    @property
    def unwritten_bytes(self) -> int:
        """Count the bytes that settlements hold until they are on stable storage."""


class CommitQueue:
    """Bounded by the bytes of events and by how long the oldest has waited.

    A settlement is never refused, for its attempt has been made: where too many wait, or too many
    bytes of what they keep, lanes start nothing until some are written.
    """

    def __init__(self, waiting_bytes_max: int, waiting_s_max: float) -> None:
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_s_max = waiting_s_max
        self._waiting = CommitContents()
        self._waiting_bytes = 0
        self._waiting_of: dict[OrgId, int] = {}  # of these, by the org of a call's first event
        self._settled_bytes = 0  # of settlements that wait
        self._taken_bytes = 0  # of those in the transaction under way
        self._wake = asyncio.Event()
        self._settle_timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failure: str | None = None
        self.halted = False  # the store has refused, and has not taken anything since

    # -- for who has something to write -----------------------------------------------------------

    def add(self, events: list[QueuedEvent]) -> asyncio.Future[list[Acceptance]]:
        """Wait for a call's commit. Overloaded when too much waits, or for too long."""
        size = sum(len(event.draft.body) for event in events)
        now, calls = self._loop.time(), self._waiting.calls
        if self._waiting_bytes and self._waiting_bytes + size > self._waiting_bytes_max:
            raise Overloaded("too many bytes wait for their commit")
        org = events[0].draft.org if events else OrgId(0)
        own = self._waiting_of.get(org, 0)
        if self._waiting_bytes * 2 > self._waiting_bytes_max and not leaves_room(
            self._waiting_bytes_max, self._waiting_bytes, own, size
        ):
            raise Overloaded("too many bytes of the org wait for their commit")
        if calls and now - calls[0].since_s > self._waiting_s_max:
            raise Overloaded("commits take too long")
        self._must_not_be_halted()
        answered: asyncio.Future[list[Acceptance]] = self._loop.create_future()
        calls.append(
            QueuedCall(
                events=events,
                answered=answered,
                since_s=now,
                bytes=size,
                org=org,
                audit=port.take_audit(answered),
            )
        )
        self._waiting_bytes += size
        self._waiting_of[org] = own + size
        self.wake()
        return answered

    def settle(self, settled: port.Settlement) -> None:
        """Write a settlement with the next commit; what frees the next of a key does not wait."""
        self._waiting.settled.append(settled)
        self._settled_bytes += _kept_bytes(settled)
        self._idle.clear()
        if settled.key is not None or len(self._waiting.settled) >= SETTLE_ALONE_AT:
            self._wake.set()
        elif self._settle_timer is None:
            self._settle_timer = self._loop.call_later(SETTLE_WAIT_S, self._wake.set)

    def claim(self, webhook: int, limit: int) -> None:
        """Ask for due retries with the next commit; the receipt brings them."""
        self._waiting.claims[webhook] = limit
        self.wake()

    def slice(self, plan: Plan, org: OrgId) -> asyncio.Future[port.ReplayReceipt]:
        """Make a slice of a replay of an org with the next commit. StoreDown: it was not made."""
        self._must_not_be_halted()
        self.wake()
        return self._waiting.commands.slice(plan, org)

    def cancel(
        self, slice: port.CancelSlice, org: OrgId | None = None
    ) -> asyncio.Future[port.CancelReceipt]:
        """Cancel deliveries of an org, or of all of them, with the next commit. StoreDown: they
        were not."""
        self._must_not_be_halted()
        self.wake()
        return self._waiting.commands.cancel(slice, org)

    def note_rejections(self, rejections: Sequence[port.NewRejection]) -> None:
        """Keep refused events with the next commit; the newest are let go beyond the bound, of
        which an org has as much as it leaves to others."""
        kept = self._waiting.rejections
        for rejection in rejections:
            if len(kept) * 2 >= REJECTIONS_MAX:
                own = sum(other.org == rejection.org for other in kept)
                if not leaves_room(REJECTIONS_MAX, len(kept), own):
                    continue
            kept.append(rejection)
        self.wake()

    @property
    def unwritten(self) -> int:
        """Count the settlements that are not on stable storage yet."""
        return len(self._waiting.settled)

    @property
    def unwritten_bytes(self) -> int:
        """Count the bytes that settlements hold until they are on stable storage: of what was sent,
        and of what was answered."""
        return self._settled_bytes + self._taken_bytes

    @property
    def failure(self) -> str:
        """Say why the store has refused; empty while it takes what comes."""
        return self._failure or ""

    async def drained(self) -> None:
        """Wait until nothing waits."""
        await self._idle.wait()

    def _must_not_be_halted(self) -> None:
        if self._failure is not None:
            raise port.StoreDown(self._failure)

    # -- for the committer ------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wake(self) -> None:
        """Wake the committer: something is to be done."""
        self._idle.clear()
        self._wake.set()

    async def woken(self) -> None:
        """Wait until something is to be done at once."""
        await self._wake.wait()
        self._wake.clear()
        if self._settle_timer is not None:
            self._settle_timer.cancel()
            self._settle_timer = None

    def rest(self) -> None:
        """Rest: everything that waited is done."""
        self._idle.set()

    def close(self) -> CommitContents:
        """Close the batch and return what goes into the next transaction: all that waits, of the
        calls as many as it holds."""
        batch, events, size, at = self._waiting, 0, 0, 0
        for call in batch.calls:
            at += 1
            events += len(call.events)
            size += call.bytes
            self._waiting_of[call.org] -= call.bytes
            if events >= BATCH_EVENTS_MAX or size >= BATCH_BYTES_MAX:
                break
        batch.calls, later = batch.calls[:at], batch.calls[at:]
        self._waiting = CommitContents(later)
        self._taken_bytes, self._settled_bytes = self._settled_bytes, 0
        self._waiting_bytes -= size
        if not later:
            self._waiting_of.clear()
        return batch

    def put_back(self, batch: CommitContents, *, calls: bool = True) -> None:
        """Put back what was not written. It goes first the next time; but for its commands, whose
        askers were told. Its calls too only where they were not."""
        waiting = self._waiting
        if calls:
            waiting.calls = batch.calls + waiting.calls
            for call in batch.calls:
                self._waiting_bytes += call.bytes
                self._waiting_of[call.org] = self._waiting_of.get(call.org, 0) + call.bytes
        waiting.settled = batch.settled + waiting.settled
        self._settled_bytes += sum(map(_kept_bytes, batch.settled))
        self._taken_bytes = 0
        waiting.claims = batch.claims | waiting.claims
        waiting.rejections = (batch.rejections + waiting.rejections)[:REJECTIONS_MAX]

    def halt(self, failure: str) -> None:
        """Halt while the store refuses: callers are told, and nothing more is sent."""
        self._failure, self.halted = failure, True

    def give_up(self, failure: str) -> None:
        """Halt while a commit does not end. Who waits for the one behind it is told: nothing of
        theirs has begun."""
        self.halt(failure)
        down, waiting = port.StoreDown(failure), self._waiting
        for call in waiting.calls:
            call.refuse(down)
        waiting.commands.refuse(down)
        waiting.calls, waiting.commands = [], CommitCommands()
        self._waiting_bytes = 0
        self._waiting_of.clear()

    def go_on(self) -> None:
        """Go on: the store has taken a commit."""
        self._taken_bytes = 0
        self._failure, self.halted = None, False


def _kept_bytes(settled: port.Settlement) -> int:
    """Return the bytes of what a settlement keeps of its message and of the answer."""
    size = 0 if settled.sent is None else len(settled.sent)
    if (evidence := settled.evidence) is None:
        return size
    headers = sum(len(name) + len(value) for name, value in evidence.headers)
    return size + headers + len(evidence.body)
