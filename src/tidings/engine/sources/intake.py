"""The one way of foreign messages: each becomes events, which are accepted, or it is put aside.

Whoever has brought messages acknowledges them when `take` has returned: all that became of them is
on stable storage then. A message taken twice is accepted once: an event without an id gets one that
is made of the message's place, and a place that comes again with other bytes is put aside.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec
import structlog

from tidings.core.events.call_reader import Caller, RejectedEvent
from tidings.core.ids import OrgId, derived_event_id
from tidings.core.notices.kinds import SOURCE_ASIDE, Fact, source_aside
from tidings.core.sources.message import (
    TOO_LARGE,
    ForeignMessage,
    bounded_body,
    bounded_headers,
)
from tidings.core.sources.verification import secret_headers
from tidings.core.webhooks.masks import masked_by_name, masked_of
from tidings.engine.access.limits import Allowance
from tidings.engine.events.committer import DIFFERS
from tidings.engine.events.intake import Acceptance, Intake, Overloaded
from tidings.engine.sources.activity import ACCEPTED, ASIDE, DUPLICATE, PASSED, Arrival
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.message_reader import MessageReader, ReadMessage
from tidings.errors import Refusal, Throttled, Unavailable
from tidings.store import port
from tidings.store.port import NotKept, StoreDown

# Of one commit, and of those whose events are made meanwhile; but always one message.
CHUNK, CHUNK_EVENTS, CHUNK_BYTES = 500, 500, 4 << 20
ASIDE_TOLD_EVERY_MS = 3_600_000
TOO_MANY = (
    "Events must stay within the limit of the org; there were more. Wait for the time in "
    "Retry-After. (too_many_events, -)"
)
PLACE_REUSED = (
    "A message's place must be its own; another message came with the same place and other bytes, "
    "and was accepted. A topic that was made anew counts from 0 again: then delete the source and "
    "make it anew. (place_reused, message)"
)


NOT_KEPT = (
    "The events of a message must be such that they can be written; these cannot, though others "
    "can. See the server log for the cause, and try the message again when it is mended. "
    "(not_kept, -)"
)

log = structlog.get_logger(__name__)


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
    """Over the acceptor."""

    def __init__(
        self,
        *,
        store: port.SourceStore,
        intake: Intake,
        messages: MessageReader,
        clock_ms: Callable[[], int],
        throttle: Throttle,
        tell: Tell,
    ) -> None:
        self._store = store
        self._throttle = throttle
        self._tell = tell
        self._intake = intake
        self._messages = messages
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
        messages = [_kept(one) for one in kept]
        pairs = list(zip(kept, await self._accept(live, messages), strict=True))
        await self._keep_aside(
            [
                msgspec.structs.replace(one, code=fate.code, reason=fate.reason, field=fate.field)
                for one, fate in pairs
                if fate.code
            ]
        )
        gone = [one.number for one, fate in pairs if not fate.code]
        live.count(await self._store.drop_aside(live.stored.number, gone))
        return pairs

    async def preview(self, live: LiveSource, message: ForeignMessage) -> ReadMessage:
        """The events that a message would become, how many items of it are passed over, and what
        keeps the message as a whole from becoming any. Nothing is accepted. Overloaded."""
        return await self._messages.read(live, message)

    async def put_aside(self, live: LiveSource, fates: Sequence[Fate]) -> None:
        """Keep messages with their reasons. StoreDown."""
        if not fates:
            return
        now_ms = self.clock_ms()
        verification = live.source.verification
        secret = frozenset[str]() if verification is None else secret_headers(verification)
        await self._keep_aside(
            [
                port.AsideMessage(
                    0,
                    live.stored.number,
                    now_ms,
                    storable(one.message.place),
                    one.code,
                    storable(one.reason),
                    storable(one.field),
                    [(storable(name), storable(value)) for name, value in _shown(one, secret)],
                    bounded_body(one.message.body)[0],
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
        live.aside_bytes += sum(len(bounded_body(one.message.body)[0]) for one in fates)

    async def _keep_aside(self, messages: Sequence[port.AsideMessage]) -> None:
        """StoreDown, whatever the store fails with: nothing of a message is put to it unchecked."""
        try:
            await self._store.put_aside(messages)
        except StoreDown:
            raise
        except Exception as error:
            raise StoreDown(f"messages cannot be put aside: {error!r}") from error

    # -- inside -----------------------------------------------------------------------------------

    async def _accept(self, live: LiveSource, messages: Sequence[ForeignMessage]) -> list[Fate]:
        """Commit them a chunk at a time. The events of the next chunk are made while one is on its
        way, and go when that one is kept: a chunk that is refused is never overtaken."""
        caller = live.caller()
        allowance = self._throttle.events(caller)
        if allowance is not None and allowance.wait_s:
            raise Throttled.because("too_many_events", TOO_MANY, allowance.wait_s)
        let_in = 1
        fates: list[Fate] = []
        on_its_way: asyncio.Task[list[Fate]] | None = None
        at = 0
        try:
            while at < len(messages):
                chunk = await self._read_chunk(live, messages, at)
                at += len(chunk)
                self._throttle.more_events(caller, sum(len(one.items) for one in chunk) - let_in)
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
        """The next messages with their events, as many as go into one commit. Overloaded."""
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
    ) -> list[Fate]:
        """Have the events of messages accepted. Where something is wrong with one of them it is
        parted from the others, down to the message. StoreDown, Overloaded."""
        drafts = [
            item for read in chunk for _, item in read.items if not isinstance(item, RejectedEvent)
        ]
        try:
            verdicts = iter(await self._intake.accept(drafts) if drafts else ())
        except NotKept as error:
            return await self._commit_apart(live, chunk, error, alone=alone)
        except (StoreDown, Overloaded):
            raise
        except (Unavailable, MemoryError, OSError) as error:  # nothing of theirs
            raise Overloaded(f"events cannot be kept now: {type(error).__name__}") from error
        except Exception as error:
            return await self._commit_apart(live, chunk, error, alone=alone)
        return [_fate(read, verdicts) for read in chunk]

    async def _commit_apart(
        self, live: LiveSource, chunk: Sequence[ReadMessage], error: Exception, *, alone: bool
    ) -> list[Fate]:
        """Each half by itself; a message twice before it is to blame. StoreDown, Overloaded."""
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
        read.items, read.fault = [], Refusal("not_kept", NOT_KEPT, "")
        return [_fate(read, iter(()))]


def _fate(read: ReadMessage, verdicts: Iterator[Acceptance]) -> Fate:
    """What became of a message, of whose events some are accepted, and some refused."""
    accepted = duplicates = 0
    first, why = ("", ""), read.fault
    for index, item in read.items:
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


def _kept(message: port.AsideMessage) -> ForeignMessage:
    """A message as it was put aside; of one that was cut nothing can be made any more."""
    cut = message.code == TOO_LARGE
    return ForeignMessage(
        message.place,
        message.headers,
        message.body,
        Refusal(message.code, message.reason, message.field) if cut else None,
    )


def _shown(fate: Fate, secret: frozenset[str]) -> Sequence[tuple[str, str]]:
    return masked_by_name(masked_of(bounded_headers(fate.message.headers), secret))


def storable(text: str) -> str:
    """A text as it can be written: half of a surrogate pair, which no UTF-8 has, as a mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _arrival(fate: Fate, at_ms: int) -> Arrival:
    return Arrival(
        at_ms,
        fate.message.place,
        fate.outcome,
        fate.accepted + fate.duplicates,
        *fate.first,
        fate.reason,
    )
