"""Events of a source whose orgs are in other cells: passed to who accepts them, and taken from who
feeds it.

One process feeds a source, and reads its messages. An event of an org that this cell does not have
goes to the owner of the org's cell as it was made, with what its id is derived from: so it has the
same id wherever it is accepted, and a message that comes again is known by every owner. A message
is acknowledged once all its events are kept; while one owner does not answer, it waits, and those
events of it that are kept are repeats then.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import msgspec
import structlog

from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader
from tidings.core.events.envelope import EventFault, org_of
from tidings.core.events.passage import NEW
from tidings.engine.callables import ReadMs
from tidings.engine.events.intake import Draft, Intake, Overloaded
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.engine.sources.conflicts import ConflictFinder
from tidings.engine.sources.intake_results import conflict_refusal, unwritable_refusal
from tidings.engine.sources.message_reader import ReadMessage
from tidings.engine.sources.passed_events import PassedEvent, PassedVerdict
from tidings.errors import FieldRefusal, Unavailable
from tidings.store.port import NotKept, StoreDown

UNKNOWN_ORG = "unknown_org"  # the code of an event whose org this cell does not have

log = structlog.get_logger(__name__)


class _Org(msgspec.Struct):
    orgId: Any = None  # noqa: N815  # as it is written


_org_in = msgspec.json.Decoder(_Org).decode


def _foreign(
    source: AuthenticatedCaller, chunk: Sequence[ReadMessage]
) -> Iterator[tuple[ReadMessage, int, PassedEvent]]:
    """List the events of orgs that this cell does not have, each with where it stands in its
    message."""
    for read in chunk:
        for at, (index, refused) in enumerate(read.items):
            if not isinstance(refused, RejectedEvent) or refused.code != UNKNOWN_ORG:
                continue
            try:
                org = org_of(_org_in(refused.body).orgId, source.org, True)
            except (msgspec.DecodeError, EventFault, UnicodeDecodeError, RecursionError):
                continue
            event = PassedEvent(
                org=org,
                key=read.key,
                index=index,
                body=refused.body,
                door=read.door,
                place=read.place,
                passage=refused.passage,
                trace=read.trace,
            )
            yield read, at, event


async def pass_foreign(
    ask: Callable[
        [AuthenticatedCaller, Sequence[PassedEvent]], Awaitable[Sequence[PassedVerdict | None]]
    ],
    source: AuthenticatedCaller,
    chunk: Sequence[ReadMessage],
) -> None:
    """Have the events of other cells accepted there, or tried (`ask`: of `CellsOfEvents`), and put
    what became of each into its message. Raise StoreDown: the messages are to be brought again."""
    found = [*_foreign(source, chunk)]
    if not found:
        return
    verdicts = await ask(source, [event for _, _, event in found])
    for (read, at, event), verdict in zip(found, verdicts, strict=True):
        if verdict is not None:
            read.items[at] = event.index, verdict


class PassedIntake:
    """Takes the events that sources of other cells bring for orgs of this one."""

    def __init__(
        self,
        *,
        reader: CallReader[Draft],
        late: LateChecks,
        intake: Intake,
        conflicts: ConflictFinder,
        clock_ms: ReadMs,
    ) -> None:
        self._reader = reader
        self._late = late
        self._intake = intake
        self._conflicts = conflicts
        self._clock_ms = clock_ms

    async def take(self, source: str, events: Sequence[PassedEvent]) -> list[PassedVerdict]:
        """Accept events; return what became of each. `source`: its id. StoreDown, Overloaded:
        nothing was promised, and all of them are to be brought again."""
        return await self._accept(events, await self._read(source, events))

    async def try_out(self, source: str, events: Sequence[PassedEvent]) -> list[PassedVerdict]:
        """Read events as if they were accepted; return what would become of each."""
        return [
            _refused(event)
            if isinstance(event, RejectedEvent)
            else PassedVerdict(event.event_id, event.name, body=event.body, warning=event.warning)
            for event in await self._read(source, events)
        ]

    async def _read(
        self, source: str, events: Sequence[PassedEvent]
    ) -> list[Draft | RejectedEvent]:
        items: list[Draft | RejectedEvent] = []
        for event in events:
            caller = AuthenticatedCaller(event.org, platform=True, credential=source)
            now_ms = self._clock_ms()
            item = self._reader.read_one(
                event.body, event.body, caller, event.key, event.index, now_ms
            )
            [checked] = await concluded([item], self._late)
            if isinstance(checked, Draft):
                checked.passage = event.passage or NEW
                checked.door, checked.place, checked.trace = event.door, event.place, event.trace
            items.append(checked)
        return items

    async def _accept(
        self, events: Sequence[PassedEvent], items: Sequence[Draft | RejectedEvent]
    ) -> list[PassedVerdict]:
        drafts = [draft for draft in items if isinstance(draft, Draft)]
        try:
            acceptances = await self._intake.accept(drafts) if drafts else []
            conflicts = await self._conflicts.find(drafts, acceptances)
        except NotKept as error:
            return await self._accept_apart(events, items, error)
        except (StoreDown, Overloaded):
            raise
        except (Unavailable, MemoryError, OSError) as error:
            raise Overloaded(f"events cannot be kept now: {type(error).__name__}") from error
        judged = iter(list(zip(acceptances, conflicts, strict=True)))
        found: list[PassedVerdict] = []
        for event, draft in zip(events, items, strict=True):
            if isinstance(draft, RejectedEvent):
                found.append(_refused(draft))
                continue
            acceptance, conflict = next(judged)
            verdict = PassedVerdict(draft.event_id, draft.name, acceptance.status)
            if conflict is not None:
                refusal = conflict_refusal(conflict, draft, event.key, event.index)
                verdict = msgspec.structs.replace(
                    verdict, status="", refusal=refusal, conflicts=True
                )
            found.append(verdict)
        return found

    async def _accept_apart(
        self,
        events: Sequence[PassedEvent],
        items: Sequence[Draft | RejectedEvent],
        error: Exception,
    ) -> list[PassedVerdict]:
        """Commit each half by itself; a single event that cannot be kept is refused."""
        if len(events) > 1:
            half = len(events) // 2
            return [
                *await self._accept(events[:half], items[:half]),
                *await self._accept(events[half:], items[half:]),
            ]
        log.error("an event of another cell's source cannot be kept", reason=repr(error)[:500])
        return [PassedVerdict(refusal=unwritable_refusal())]


def _refused(event: RejectedEvent) -> PassedVerdict:
    refusal = FieldRefusal(event.code, event.message, event.path)
    return PassedVerdict(event.event_id, event.name, refusal=refusal)
