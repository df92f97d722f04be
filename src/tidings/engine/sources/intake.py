"""The one way of foreign messages: each becomes events, which are accepted, or it is put aside.

Whoever has brought messages acknowledges them when `take` has returned: all that became of them is
on stable storage then. A message taken twice is accepted once: an event without an id gets one that
is made of the message's place, and a place that comes again with other bytes is put aside.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from tidings.core.events.call_reader import Caller, CallReader, Item, RejectedEvent
from tidings.core.ids import OrgId, derived_event_id
from tidings.core.notices.kinds import SOURCE_ASIDE, Fact, source_aside
from tidings.core.sources.mapping import events_of
from tidings.core.sources.message import ForeignMessage, bounded_headers
from tidings.core.sources.verification import secret_headers
from tidings.core.webhooks.masks import masked_by_name, masked_of
from tidings.engine.access.limits import Allowance
from tidings.engine.events.committer import DIFFERS
from tidings.engine.events.intake import Acceptance, Draft, Intake
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.engine.sources.activity import ACCEPTED, ASIDE, DUPLICATE, PASSED, Arrival
from tidings.engine.sources.live_source import LiveSource
from tidings.errors import Refusal, RequestRefused, Throttled
from tidings.store import port

CHUNK = 500  # messages of one commit, and of those whose events are made meanwhile
SLICE = 50  # messages that are read in one turn of the loop
ASIDE_TOLD_EVERY_MS = 3_600_000
NOWHERE = "none "  # what a place begins with that was made for a message without one
TOO_MANY = (
    "Events must stay within the limit of the org; there were more. Wait for the time in "
    "Retry-After. (too_many_events, -)"
)
PLACE_REUSED = (
    "A message's place must be its own; another message came with the same place and other bytes, "
    "and was accepted. A topic that was made anew counts from 0 again: then delete the source and "
    "make it anew. (place_reused, message)"
)


class Fate(msgspec.Struct, frozen=True):
    """What became of one message: the events accepted and known of it, or why it is put aside."""

    message: ForeignMessage
    accepted: int = 0
    duplicates: int = 0
    passed_over: int = 0
    first: tuple[str, str] = ("", "")  # id and name of its first event
    code: str = ""
    reason: str = ""
    field: str = ""

    @property
    def outcome(self) -> str:
        """In one word."""
        if self.code:
            return ASIDE
        if self.accepted:
            return ACCEPTED
        return DUPLICATE if self.duplicates else PASSED


class _Read(msgspec.Struct):
    """A message and the events that were made of it, each with its number in it."""

    message: ForeignMessage
    key: str
    items: list[tuple[int, Item[Draft]]] = []
    passed_over: int = 0
    fault: RequestRefused | None = None


_Made = tuple[_Read, Sequence[Draft | RejectedEvent]]


class Throttle(Protocol):
    """Who sends too many events."""

    def events(self, caller: Caller, /) -> Allowance | None:
        """Count one event. None: nothing limits this caller."""

    def more_events(self, caller: Caller, count: int, /) -> None:
        """Count the other events of what was let in."""


class Tell(Protocol):
    """Tells an org a fact of `core.notices`."""

    def __call__(self, kind: str, org: OrgId, fact: Fact, /) -> None:
        """It never waits and never fails."""


class SourceIntake:
    """Over the acceptor, with the reader that every event passes."""

    def __init__(
        self,
        *,
        store: port.SourceStore,
        intake: Intake,
        reader: CallReader[Draft],
        late: LateChecks,
        clock_ms: Callable[[], int],
        throttle: Throttle,
        tell: Tell,
    ) -> None:
        self._store = store
        self._throttle = throttle
        self._tell = tell
        self._intake = intake
        self._reader = reader
        self._late = late
        self.clock_ms = clock_ms

    async def take(self, live: LiveSource, messages: Sequence[ForeignMessage]) -> list[Fate]:
        """What became of each, in order. AsideFull, Throttled, StoreDown, Overloaded: nothing was
        promised, and all of them are to be brought again."""
        live.refuse_full()
        fates = await self._accept(live, messages)
        await self.put_aside(live, [one for one in fates if one.code])
        now_ms = self.clock_ms()
        live.activity.note(_arrival(one, now_ms) for one in fates)
        return fates

    async def again(
        self, live: LiveSource, kept: Sequence[port.AsideMessage]
    ) -> list[tuple[port.AsideMessage, Fate]]:
        """Messages that were put aside, by today's mapping and rules. Those of which events were
        made are gone from there; of the others the new reason is kept. Throttled,
        StoreDown, Overloaded."""
        messages = [ForeignMessage(one.place, one.headers, one.body) for one in kept]
        pairs = list(zip(kept, await self._accept(live, messages), strict=True))
        await self._store.put_aside(
            [
                msgspec.structs.replace(one, code=fate.code, reason=fate.reason, field=fate.field)
                for one, fate in pairs
                if fate.code
            ]
        )
        gone = [one.number for one, fate in pairs if not fate.code]
        live.count(await self._store.drop_aside(live.stored.number, gone))
        return pairs

    async def preview(
        self, live: LiveSource, message: ForeignMessage
    ) -> tuple[list[Draft | RejectedEvent], int, RequestRefused | None]:
        """The events that a message would become, how many items of it are passed over, and what
        keeps the message as a whole from becoming any. Nothing is accepted. Overloaded."""
        read = self._read(live, live.caller(), message, self.clock_ms())
        items = await concluded([item for _, item in read.items], self._late)
        return items, read.passed_over, read.fault

    async def put_aside(self, live: LiveSource, fates: Sequence[Fate]) -> None:
        """Keep messages with their reasons. StoreDown."""
        if not fates:
            return
        now_ms = self.clock_ms()
        verification = live.source.verification
        secret = frozenset[str]() if verification is None else secret_headers(verification)
        await self._store.put_aside(
            [
                port.AsideMessage(
                    0,
                    live.stored.number,
                    now_ms,
                    one.message.place,
                    one.code,
                    one.reason,
                    one.field,
                    masked_by_name(masked_of(bounded_headers(one.message.headers), secret)),
                    one.message.body,
                )
                for one in fates
            ]
        )
        told_ms = live.aside_told_ms
        if not live.aside and (told_ms is None or now_ms - told_ms >= ASIDE_TOLD_EVERY_MS):
            live.aside_told_ms = now_ms
            fact = source_aside(live.words, now_ms, fates[0].code, fates[0].reason)
            self._tell(SOURCE_ASIDE, live.org, fact)
        live.aside += len(fates)
        live.aside_bytes += sum(len(one.message.body) for one in fates)

    # -- inside -----------------------------------------------------------------------------------

    async def _accept(self, live: LiveSource, messages: Sequence[ForeignMessage]) -> list[Fate]:
        """Commit them a chunk at a time. The events of the next chunk are made while one is on its
        way, and go when that one is kept: a chunk that is refused is never overtaken."""
        now_ms, caller = self.clock_ms(), live.caller()
        allowance = self._throttle.events(caller)
        if allowance is not None and allowance.wait_s:
            raise Throttled.because("too_many_events", TOO_MANY, allowance.wait_s)
        let_in = 1
        fates: list[Fate] = []
        on_its_way: asyncio.Task[list[Fate]] | None = None
        try:
            for at in range(0, len(messages), CHUNK):
                made = await self._made(live, caller, messages[at : at + CHUNK], now_ms)
                self._throttle.more_events(caller, sum(len(one.items) for one, _ in made) - let_in)
                let_in = 0
                if on_its_way is not None:
                    fates += await on_its_way
                if at + CHUNK >= len(messages):
                    return fates + await self._commit(made)
                on_its_way = asyncio.create_task(self._commit(made))
                await asyncio.sleep(0)  # it is begun
        finally:
            if on_its_way is not None:
                on_its_way.cancel()
        return fates

    async def _made(
        self, live: LiveSource, caller: Caller, messages: Sequence[ForeignMessage], now_ms: int
    ) -> list[_Made]:
        """The events of messages, checked. Overloaded."""
        made: list[_Made] = []
        for number, message in enumerate(messages):
            if number % SLICE == 0 and len(messages) > SLICE:
                await asyncio.sleep(0)  # others have their turn
            read = self._read(live, caller, message, now_ms)
            made.append((read, await concluded([item for _, item in read.items], self._late)))
        return made

    async def _commit(self, made: Sequence[_Made]) -> list[Fate]:
        """StoreDown, Overloaded."""
        drafts = [one for _, items in made for one in items if isinstance(one, Draft)]
        verdicts = iter(await self._intake.accept(drafts) if drafts else ())
        return [_fate(read, items, verdicts) for read, items in made]

    def _read(
        self, live: LiveSource, caller: Caller, message: ForeignMessage, now_ms: int
    ) -> _Read:
        """Its events, none of them checked elsewhere yet."""
        number = live.stored.number
        place = message.place or f"{NOWHERE}{uuid.uuid4()}"
        digest = hashlib.blake2b(place.encode(), digest_size=16).hexdigest()
        read = _Read(msgspec.structs.replace(message, place=place), f"source-{number}-{digest}")
        mapping = live.source.mapping
        try:
            if mapping is None:
                headers = {
                    name.lower().encode(): value.encode("latin-1", "replace")
                    for name, value in message.headers
                }
                media = headers.get(b"content-type", b"application/json")
                made = self._reader.read(media, headers, message.body, caller, read.key, now_ms)
                read.items = list(enumerate(made))
                return read
            for index, flat in enumerate(events_of(mapping, message)):
                if flat is None:
                    read.passed_over += 1
                else:
                    item = self._reader.read_one(
                        flat, message.body, caller, read.key, index, now_ms
                    )
                    read.items.append((index, item))
        except RequestRefused as error:
            read.items, read.passed_over, read.fault = [], 0, error
        return read


def _fate(
    read: _Read, items: Sequence[Draft | RejectedEvent], verdicts: Iterator[Acceptance]
) -> Fate:
    """What became of a message, of whose events some are accepted, and some refused."""
    accepted = duplicates = 0
    first, why = ("", ""), None if read.fault is None else read.fault.reason
    for (index, _), item in zip(read.items, items, strict=True):
        if isinstance(item, RejectedEvent):
            why = why or Refusal(item.code, item.message, item.path)
            continue
        verdict = next(verdicts)
        accepted += verdict.status == ACCEPTED
        duplicates += verdict.status == DUPLICATE
        first = first if first[0] else (item.event_id, item.name)
        if verdict.warning == DIFFERS and item.event_id == derived_event_id(
            item.org, read.key, index
        ):
            why = why or Refusal("place_reused", PLACE_REUSED, "")
    return Fate(
        read.message,
        accepted,
        duplicates,
        read.passed_over,
        first,
        *(("", "", "") if why is None else (str(why.code), why.message, why.field)),
    )


def _arrival(fate: Fate, at_ms: int) -> Arrival:
    return Arrival(
        at_ms,
        fate.message.place,
        fate.outcome,
        fate.accepted + fate.duplicates,
        *fate.first,
        fate.reason,
    )
