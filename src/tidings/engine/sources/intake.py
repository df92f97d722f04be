"""The one way of foreign messages: each becomes events, which are accepted, or it is set aside.

Whoever has brought messages acknowledges them when `take` has returned: all that became of them is
on stable storage then. A message taken twice is accepted once: an event without an id gets one that
is made of the message's place, and a place that comes again with other content is set aside, and so
is an id of another event (`conflicts.py`).
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec
import structlog

from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.sources.message import (
    TOO_LARGE,
    ForeignMessage,
)
from tidings.core.sources.source import NAMED
from tidings.engine.access.limits import Allowance
from tidings.engine.callables import ReadMs
from tidings.engine.events.intake import Draft, Intake, Overloaded
from tidings.engine.listeners import OrgNotices
from tidings.engine.sources.activity import MessageActivity
from tidings.engine.sources.conflicts import ConflictFinder
from tidings.engine.sources.dead_letters import DeadLetterQueue
from tidings.engine.sources.elsewhere import pass_foreign
from tidings.engine.sources.intake_results import IntakeResult, fate_of, unwritable_refusal
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.message_reader import MessageReader, ReadMessage
from tidings.engine.sources.passed_events import CellsOfEvents, NoOtherCells
from tidings.errors import Busy, FieldRefusal, Throttled, Unavailable
from tidings.store import port
from tidings.store.port import NotKept, StoreDown

# Of one commit, and of those whose events are made meanwhile; but always one message.
CHUNK, CHUNK_EVENTS, CHUNK_BYTES = 500, 500, 4 << 20
TOO_MANY = (
    "Events must stay within eventsPerSecond of the org's limits; there were more. Wait for the "
    "time in Retry-After."
)

log = structlog.get_logger(__name__)


class SourceThrottle(Protocol):
    """Finds senders of too many events."""

    def events(self, caller: AuthenticatedCaller, /) -> Allowance | None:
        """Count one event. None: nothing limits this caller."""

    def more_events(self, caller: AuthenticatedCaller, count: int, /) -> None:
        """Count the other events of what was let in."""


class SourceIntake:
    """Over the acceptor."""

    def __init__(
        self,
        *,
        store: port.SourceStore,
        intake: Intake,
        messages: MessageReader,
        conflicts: ConflictFinder,
        clock_ms: ReadMs,
        throttle: SourceThrottle,
        notices: OrgNotices,
    ) -> None:
        self._store = store
        self._dead_letters = DeadLetterQueue(store, notices, clock_ms)
        self._conflicts = conflicts
        self._throttle = throttle
        self._intake = intake
        self._messages = messages
        self.clock_ms = clock_ms
        self.cells: CellsOfEvents = NoOtherCells()

    async def take(
        self, live: LiveSource, messages: Sequence[ForeignMessage]
    ) -> list[IntakeResult]:
        """Take messages in; return what became of each, in order. DeadLettersFull, Throttled,
        StoreDown, Overloaded: nothing was promised, and all of them are to be brought again."""
        live.refuse_full()
        fates = await self._accept(live, messages)
        await self._dead_letters.put(live, [fate for fate in fates if fate.code])
        now_ms = self.clock_ms()
        live.activity.note(_arrival(fate, now_ms) for fate in fates)
        return fates

    async def again(
        self, live: LiveSource, kept: Sequence[port.DeadLetter]
    ) -> list[tuple[port.DeadLetter, IntakeResult]]:
        """Try messages again that were set aside, by today's mapping and rules. Those of which
        events were made are gone from there; of the others the new reason is kept. Raise Throttled,
        StoreDown or Overloaded."""
        messages = [_kept(kept_message) for kept_message in kept]
        pairs = list(zip(kept, await self._accept(live, messages), strict=True))
        await self._dead_letters.keep(
            [
                msgspec.structs.replace(pair, code=fate.code, reason=fate.reason, field=fate.field)
                for pair, fate in pairs
                if fate.code
            ]
        )
        gone = [pair.number for pair, fate in pairs if not fate.code]
        live.count(await self._store.drop_dead_letters(live.stored.number, gone))
        return pairs

    async def preview(self, live: LiveSource, message: ForeignMessage) -> ReadMessage:
        """Read the events that a message would become, how many items of it are passed over, and
        what keeps the message as a whole from becoming any. Nothing is accepted. Raise Overloaded,
        and Busy where the cell of an org does not answer."""
        read = await self._messages.read(live, message)
        if live.source.orgs == NAMED:
            try:
                await pass_foreign(self.cells.try_out, live.caller(), [read])
            except StoreDown as error:
                raise Busy.because(
                    "cell_away",
                    "The cells of all orgs that the message names must answer; one of them does "
                    "not. Try again.",
                ) from error
        return read

    # -- inside -----------------------------------------------------------------------------------

    async def _accept(
        self, live: LiveSource, messages: Sequence[ForeignMessage]
    ) -> list[IntakeResult]:
        """Commit them a chunk at a time. The events of the next chunk are made while one is on its
        way, and go when that one is kept: a chunk that is refused is never overtaken."""
        caller = live.caller()
        allowance = self._throttle.events(caller)
        if allowance is not None and allowance.wait_s:
            raise Throttled.because("too_many_events", TOO_MANY, allowance.wait_s)
        let_in = 1
        fates: list[IntakeResult] = []
        on_its_way: asyncio.Task[list[IntakeResult]] | None = None
        at = 0
        try:
            while at < len(messages):
                chunk = await self._read_chunk(live, messages, at)
                at += len(chunk)
                self._throttle.more_events(
                    caller, sum(len(message.items) for message in chunk) - let_in
                )
                let_in = 0
                if on_its_way is not None:
                    fates += await on_its_way
                if at >= len(messages):
                    return fates + await self._commit(live, chunk)
                on_its_way = asyncio.create_task(self._commit(live, chunk))
                await asyncio.sleep(0)  # it is begun
        finally:
            if on_its_way is not None:
                on_its_way.cancel()
        return fates

    async def _read_chunk(
        self, live: LiveSource, messages: Sequence[ForeignMessage], at: int
    ) -> list[ReadMessage]:
        """Read the next messages with their events, as many as go into one commit. Raise
        Overloaded."""
        chunk: list[ReadMessage] = []
        events = size = 0
        for message in messages[at : at + CHUNK]:
            read = await self._messages.read(live, message)
            chunk.append(read)
            events += len(read.items)
            size += len(message.body)
            if events >= CHUNK_EVENTS or size >= CHUNK_BYTES:
                break
        return chunk

    async def _commit(
        self, live: LiveSource, chunk: Sequence[ReadMessage], *, alone: bool = False
    ) -> list[IntakeResult]:
        """Have the events of messages accepted. Where something is wrong with one of them it is
        parted from the others, down to the message. StoreDown, Overloaded."""
        drafts = [draft for read in chunk for _, draft in read.items if isinstance(draft, Draft)]
        try:
            verdicts = await self._intake.accept(drafts) if drafts else []
            conflicts = await self._conflicts.find(drafts, verdicts)
            if live.source.orgs == NAMED:
                await pass_foreign(self.cells.accept, live.caller(), chunk)
        except NotKept as error:
            return await self._commit_apart(live, chunk, error, alone=alone)
        except (StoreDown, Overloaded):
            raise
        except (Unavailable, MemoryError, OSError) as error:  # nothing of theirs
            raise Overloaded(f"events cannot be kept now: {type(error).__name__}") from error
        except Exception as error:
            return await self._commit_apart(live, chunk, error, alone=alone)
        judged = iter(list(zip(verdicts, conflicts, strict=True)))
        return [fate_of(read, judged) for read in chunk]

    async def _commit_apart(
        self, live: LiveSource, chunk: Sequence[ReadMessage], error: Exception, *, alone: bool
    ) -> list[IntakeResult]:
        """Commit each half by itself. A single message that fails twice is to blame. Raise
        StoreDown, Overloaded."""
        if len(chunk) > 1:
            half = len(chunk) // 2
            return [
                *await self._commit(live, chunk[:half]),
                *await self._commit(live, chunk[half:]),
            ]
        if not alone:
            return await self._commit(live, chunk, alone=True)
        [read] = chunk
        log.error("events of a message cannot be kept", source=live.id, reason=repr(error)[:500])
        read.items, read.fault = [], unwritable_refusal()
        return [fate_of(read, iter(()))]


def _kept(message: port.DeadLetter) -> ForeignMessage:
    """Return a dead letter as the message that it was. One that was cut stays refused."""
    cut = message.code == TOO_LARGE
    return ForeignMessage(
        message.place,
        message.headers,
        message.body,
        defect=FieldRefusal(message.code, message.reason, message.field) if cut else None,
    )


def _arrival(fate: IntakeResult, at_ms: int) -> MessageActivity:
    event_id, event_name = fate.first
    return MessageActivity(
        at_ms=at_ms,
        place=fate.message.place,
        outcome=fate.outcome,
        events=fate.accepted + fate.duplicates,
        event_id=event_id,
        event_name=event_name,
        reason=fate.reason,
    )
