"""A refused event once more: read and checked by today's rules, and accepted if it now fits."""

from tidings.core.audit.audit_actions import REJECTION_RETRIED
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader
from tidings.core.events.call_split import call_refused
from tidings.core.events.passage import HEADER
from tidings.core.ids import OrgId, show
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import ReadMs
from tidings.engine.events.intake import Acceptance, Draft, Intake
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.errors import NotFound, Unprocessable
from tidings.store import port

PLAIN, STRUCTURED = b"application/json", b"application/cloudevents+json"


class UnknownRejection(NotFound):
    """The org has no refused event of this number."""


class Readmission:
    """Over the acceptor, with the reader of calls that every event passes."""

    def __init__(
        self,
        *,
        store: port.RejectionStore,
        audit: AuditLog,
        intake: Intake,
        reader: CallReader[Draft],
        clock_ms: ReadMs,
        late: LateChecks | None = None,
    ) -> None:
        self._late = late
        self._store = store
        self._audit = audit
        self._intake = intake
        self._reader = reader
        self._clock_ms = clock_ms

    async def again(self, org: OrgId, number: int) -> tuple[str, Acceptance] | RejectedEvent:
        """Accept a refused event if it now fits. Return its id and what became of it; or why it is
        still refused.

        Once it is accepted, or known to be, the refusal is forgotten. Raise UnknownRejection,
        StoreDown, Overloaded, and Invalid, TooLarge or Unprocessable where its bytes are no event
        at all.
        """
        kept = await self._store.rejection(org, number)
        if kept is None:
            raise UnknownRejection
        item = await self._read(org, kept.body, kept.passage)
        if isinstance(item, RejectedEvent):
            return item
        with self._audit.recording(REJECTION_RETRIED, org, show("rej", number)):
            (verdict,) = await self._intake.accept([item])
        await self._store.drop_rejection(org, number)
        return item.event_id, verdict

    async def take(
        self, org: OrgId, body: bytes, passage: str | None = None
    ) -> tuple[str, Acceptance] | RejectedEvent:
        """Accept one event that somebody offers by hand. It returns and raises as `again` does, but
        for UnknownRejection. `passage`: how it came, where that is known.

        A refusal is not kept: who offers it sees it, and can offer it again.
        """
        item = await self._read(org, body, passage)
        if isinstance(item, RejectedEvent):
            return item
        (verdict,) = await self._intake.accept([item])
        return item.event_id, verdict

    async def _read(self, org: OrgId, body: bytes, passage: str | None) -> Draft | RejectedEvent:
        """Read the bytes of one event. Raise what `take` raises, but for StoreDown."""
        media = STRUCTURED if b'"specversion"' in body[:4096] else PLAIN
        headers = {} if passage is None else {HEADER.encode(): passage.encode("latin-1")}
        read = self._reader.read(
            media, headers, body, AuthenticatedCaller(org), None, self._clock_ms()
        )
        items = await concluded(read, self._late)
        if len(items) != 1:
            message = f"The body must be one event; got {len(items)}. Send them one by one."
            raise call_refused(Unprocessable, "one_event", message)
        return items[0]
