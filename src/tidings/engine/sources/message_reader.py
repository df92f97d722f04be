"""The one way in which a message of a source is read, whoever brings it: inbound webhooks, brokers,
tables, what was set aside and is tried again, and messages that are only tried.

A message that may take longer than the event loop has is read in a process of its own, where orgs
take turns. Whatever is wrong with a message is found here and told as its fault. What the platform
refuses is not: then nothing can be said of the message now (Overloaded), and it is read again.
"""

import asyncio
import hashlib
import traceback
import uuid

import msgspec
import structlog

from tidings.core.events.call_items import Item, RejectedEvent, UncheckedEvent, pass_on
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader
from tidings.core.events.passage import NEW, Doors, Passage, find_passage, read_passage
from tidings.core.events.trace_context import HEADER as TRACE_HEADER
from tidings.core.events.trace_context import trace_to_keep
from tidings.core.sources.mapping_cost import CostedPlan
from tidings.core.sources.message import UNREADABLE, ForeignMessage, defect_of
from tidings.core.sources.message_plan import PLACE_MAX, MappedMessage
from tidings.core.sources.source_types import FETCHED
from tidings.core.sources.unsigned_ids import MESSAGE_ID
from tidings.engine.callables import ReadMs
from tidings.engine.events.intake import Draft, Overloaded
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.engine.events.tracing import NoTracing, Tracing
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.passed_events import PassedVerdict
from tidings.errors import FieldRefusal, RequestRefused, Unavailable, end_with_place
from tidings.transform.port import Mapper, RenderLater, RenderRefused

NOWHERE = "none "  # what a place begins with that was made for a message without one
TURN_S = 0.003  # of work, after which others have their turn
MESSAGE_S, EVENT_S, BYTE_S = 20e-6, 40e-6, 50e-9  # what reading what was mapped costs
APART_CODE = "mapping_too_costly"

log = structlog.get_logger(__name__)


class ReadMessage(msgspec.Struct):
    """A message and the events that were made of it, each with its number in it; or its fault."""

    message: ForeignMessage
    key: str
    known_by: str = ""  # what a repeat is known by; empty where the message says nothing of it
    items: list[tuple[int, Draft | RejectedEvent | PassedVerdict]] = []
    passed_over: int = 0
    fault: FieldRefusal | None = None
    passage: Passage | None = None  # how it came, if it says so
    door: str = ""  # by which its events come in
    place: str = ""  # source and place, for whoever meets its events again
    trace: str = ""  # that it belongs to, as it is kept with its events


class LoopTurns:
    """Lets others have their turn on the event loop after some work."""

    def __init__(self) -> None:
        self._worked_s = 0.0

    def are_due(self, work_s: float) -> bool:
        """Count work that is about to be done: whether others are to have their turn first."""
        self._worked_s += work_s
        due = self._worked_s > TURN_S
        if due:
            self._worked_s = work_s
        return due


class MessageReader:
    """Over the reader that every event passes."""

    def __init__(
        self,
        *,
        reader: CallReader[Draft],
        late: LateChecks,
        mapper: Mapper,
        clock_ms: ReadMs,
        doors: Doors,
        tracing: Tracing | None = None,
    ) -> None:
        self._doors = doors
        self._tracing = tracing or NoTracing()
        self._reader = reader
        self._late = late
        self._mapper = mapper
        self._clock_ms = clock_ms
        self._turns = LoopTurns()

    async def read(self, live: LiveSource, message: ForeignMessage) -> ReadMessage:
        """Read one message by what its source is set to. Overloaded: nothing can be said now."""
        try:
            return await self._read(live, message, apart=False)
        except MemoryError:  # the process's, or the message's: elsewhere it can only be the latter
            pass
        try:
            return await self._read(live, message, apart=True)
        except MemoryError:
            return _failed(live, message, MemoryError.__name__)

    async def _read(self, live: LiveSource, message: ForeignMessage, apart: bool) -> ReadMessage:
        try:
            return await self._attempt(live, message, apart=apart)
        except (Overloaded, MemoryError):
            raise
        except (Unavailable, OSError) as error:
            raise Overloaded(f"a message cannot be read now: {type(error).__name__}") from error
        except Exception as error:
            trace = traceback.format_exc()  # as text: local variables would show what was sent
            log.error("a message could not be read", source=live.id, traceback=trace)
            return _failed(live, message, type(error).__name__)

    async def _attempt(self, live: LiveSource, message: ForeignMessage, apart: bool) -> ReadMessage:
        if self._turns.are_due(MESSAGE_S):
            await asyncio.sleep(0)
        if (defect := defect_of(message)) is not None:
            return _faulty(live, message, defect)
        plan, caller = live.plan, live.caller()
        mapped = MappedMessage(message.place)
        if plan is not None:
            mapped = await self._mapped(plan, message, live, apart=apart)
        read = _placed(live, message, mapped.place)
        read.door = self._doors.of_source(live.stored.number)
        read.trace = self._tracing.admit(trace_to_keep(message.header(TRACE_HEADER)))
        if (passage_text := find_passage(message.headers)) is not None:
            read.passage = read_passage(passage_text, message.header(MESSAGE_ID) or "")
        if mapped.fault is not None:
            read.fault = FieldRefusal(*mapped.fault)
        elif live.source.mapping is not None:
            await self._take_mapped(read, mapped, caller)
        else:
            try:
                await self._take_as_it_is(read, caller)
            except Overloaded:
                raise
            except RequestRefused as refused:
                read.items, read.fault = [], refused.reason
        return read

    async def _mapped(
        self, plan: CostedPlan, message: ForeignMessage, live: LiveSource, apart: bool
    ) -> MappedMessage:
        """Map a message to events, here or in another process. Raise RequestRefused, Overloaded."""
        expected_s = plan.cost.of_message_s(message)
        if not apart and plan.cost.fits_loop(expected_s):
            if self._turns.are_due(expected_s):
                await asyncio.sleep(0)
            return plan.read(message)
        try:
            return await self._mapper.map_message(plan.plan, message, live.org, expected_s)
        except RenderLater as later:
            raise Overloaded(later.reason) from None
        except MemoryError as error:  # ours: that of the other process ends it
            raise Overloaded("a message cannot be handed over now") from error
        except RenderRefused as refused:
            reason = end_with_place(refused.reason, APART_CODE, "-")
            return MappedMessage(message.place, fault=(APART_CODE, reason, ""))

    async def _take_as_it_is(self, read: ReadMessage, caller: AuthenticatedCaller) -> None:
        message = read.message
        headers = {
            name.lower().encode("utf-8", "replace"): value.encode("latin-1", "replace")
            for name, value in message.headers
        }
        media = headers.get(b"content-type", b"application/json")
        if self._turns.are_due(len(message.body) * BYTE_S):
            await asyncio.sleep(0)
        items = self._reader.read_each(
            media, headers, message.body, caller, read.key, self._clock_ms()
        )
        for index, draft in enumerate(items):
            await self._add(read, index, draft)
            if self._turns.are_due(EVENT_S + len(message.body) * BYTE_S / (index + 1)):
                await asyncio.sleep(0)

    async def _take_mapped(
        self, read: ReadMessage, mapped: MappedMessage, caller: AuthenticatedCaller
    ) -> None:
        now_ms = self._clock_ms()
        for index, flat in enumerate(mapped.events):
            if flat is None:
                read.passed_over += 1
                continue
            if self._turns.are_due(EVENT_S + len(flat) * BYTE_S):
                await asyncio.sleep(0)
            item = self._reader.read_one(flat, flat, caller, read.key, index, now_ms)
            await self._add(read, index, item)

    async def _add(self, read: ReadMessage, index: int, item: Item[Draft]) -> None:
        """Add a checked event of the message to what was read. Raise Overloaded."""
        item = pass_on(item, read.passage)
        if isinstance(item, UncheckedEvent):
            [checked] = await concluded([item], self._late)
        else:
            checked = item
        if isinstance(checked, Draft):
            checked.passage, checked.door = checked.passage or NEW, read.door
            checked.place = read.place
            checked.trace = checked.trace or read.trace
        read.items.append((index, checked))


def _placed(live: LiveSource, message: ForeignMessage, known_by: str) -> ReadMessage:
    """Give a message a place, its own or a new one; its events get ids by what it is known by. A
    fetched message keeps the place where it lay."""
    if not known_by and live.source.message_id is None:
        known_by = (message.header(MESSAGE_ID) or "")[:PLACE_MAX]
    same_by = known_by or f"{NOWHERE}{uuid.uuid4()}"
    digest = hashlib.blake2b(same_by.encode("utf-8", "replace"), digest_size=16).hexdigest()
    key = f"source-{live.stored.number}-{digest}"
    place = message.place if message.place and live.source.kind in FETCHED else same_by
    read = ReadMessage(msgspec.structs.replace(message, place=place), key, known_by)
    if known_by or message.place:
        read.place = f"{live.id} {place}"
    return read


def _faulty(live: LiveSource, message: ForeignMessage, fault: FieldRefusal) -> ReadMessage:
    read = _placed(live, message, message.place)
    read.fault = fault
    return read


def _failed(live: LiveSource, message: ForeignMessage, kind: str) -> ReadMessage:
    reason = (
        f"Tidings must be able to read a message; it failed on this one ({kind}). See the server "
        "log for the cause, and retry the message once it is fixed."
    )
    return _faulty(live, message, FieldRefusal.build(UNREADABLE, reason))
