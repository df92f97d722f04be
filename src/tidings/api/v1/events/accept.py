"""`POST /v1/events`: a bare ASGI application, because it is called for every event.

Order of the checks, cheapest first, and before the body is read where they can be: a repeated
header (400), a page of another site (403), credential (401, 403), rate (429), content encoding and
type (415), announced length (413), the body's bytes and time (413, 408), its form (400, 413), then
each event by itself. The answer, 202 or, where every event was refused, 422, has one row per event
in the order they came. 202 is sent after `Intake` has returned, and that is after the synced
commit. What the store cannot take now is 503 with `Retry-After`: nothing was promised, and the same
call can be made again.
"""

import asyncio
import traceback
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    MutableMapping,
    Sequence,
)
from functools import partial
from time import monotonic
from typing import Any, Protocol

import structlog

from tidings.api.answers import status_of, wait_of
from tidings.api.http.body import CallerDisconnected, Receive, RequestBodyReader
from tidings.api.http.body_guard import CALLER, BodyGuard, release_body
from tidings.api.http.foreign import CODE, FETCH_SITE, ORIGIN, foreign
from tidings.api.http.front import address_of
from tidings.api.http.gate import EVENTS_PATH
from tidings.api.http.refusals import (
    Answer,
    CallRefusal,
    failed,
    messages,
    refusal,
)
from tidings.api.http.whole_call import SMALL_DIGITS, WholeCall
from tidings.api.route import RouteEntry, usually
from tidings.api.v1.events.accept_answers import (
    AcceptResult,
    accept_result,
    accepted_answer,
    rows_answer,
    unavailable_answer,
)
from tidings.api.v1.events.accept_call import AcceptCall, ObserveOrg
from tidings.core.cells.call_parts import indices_among, indices_in
from tidings.core.cells.call_subject import Over
from tidings.core.cells.door import note_away
from tidings.core.events.call_items import Item, RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader
from tidings.core.events.call_split import call_refused, form_of, refuse_repeated, too_large
from tidings.core.events.trace_context import HEADER as TRACE_HEADER
from tidings.core.events.trace_context import KEPT as KEPT_TRACE
from tidings.core.running.histogram import LabelledHistograms
from tidings.engine.access.limits import Allowance
from tidings.engine.events.intake import Acceptance, Draft, Intake, Overloaded
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.engine.events.tracing import NoTracing, Tracing
from tidings.errors import Forbidden, RequestRefused, Throttled, Unsupported
from tidings.store.port import FamilyAway, NewRejection, StoreDown

ACCEPT = RouteEntry(
    method="POST",
    path=EVENTS_PATH,
    id="sendEvents",
    scope="events:write",
    over=Over.EVENTS,
    summary="Accept events",
    tag="events",
    refuses=usually(415),
    refusal="CallRefused",
    attributed=False,  # nobody is named for an event
)
BODY_S = 10.0
TURN_S = 0.004  # how long the events of one call are read before others have a turn

log = structlog.get_logger(__name__)

TOKEN_HEADER = b"x-cap-api-oauth-token"
_TRACEPARENT = TRACE_HEADER.encode()

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class CallAdmission(Protocol):
    """Identifies callers. Asked for every call: an answer must cost a look into a table."""

    def caller(
        self,
        authorization: bytes | None,
        scope: str,
        token: bytes | None,
        address: Callable[[], str],
        /,
    ) -> AuthenticatedCaller:
        """Return the caller with that `Authorization` header, or that access token. Raises Denied.

        `address` tells where the call comes from, and is asked only where that matters.
        """
        ...

    def acting(self, caller: AuthenticatedCaller, wanted: str | None) -> AuthenticatedCaller:
        """Return the caller acting for the org that `X-Tidings-Org` names. Raises Denied."""
        ...


class CallThrottle(Protocol):
    """Finds callers that send too many events. Asked only for callers whose events are counted."""

    def events(self, caller: AuthenticatedCaller) -> Allowance | None:
        """Count one event, before the body is read. None: nothing limits this caller."""
        ...

    def more_events(self, caller: AuthenticatedCaller, count: int) -> None:
        """Count the other events of a call that was let in."""
        ...


class AcceptApp:
    """For `POST /v1/events` alone, as ASGI 3 and as a `WholeCallApp`; routing happens above it."""

    def __init__(
        self,
        intake: Intake,
        reader: CallReader[Draft],
        access: CallAdmission,
        *,
        clock_ms: Callable[[], int],
        new_request_id: Callable[[], str],
        body_s: float = BODY_S,
        throttle: CallThrottle | None = None,
        late: LateChecks | None = None,
        bodies: BodyGuard | None = None,
        timings: LabelledHistograms | None = None,
        observe_org: ObserveOrg | None = None,
        address_of: Callable[[MutableMapping[str, Any]], str] = address_of,
        origins_of: Callable[[MutableMapping[str, Any]], Collection[str]] = lambda _: (),
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing or NoTracing()
        self._intake = intake
        self._late = late
        self._access = access
        self._clock_ms = clock_ms
        self._new_request_id = new_request_id
        self._limits = reader.limits
        # A length of fewer digits is within the bound, and is not counted.
        self._short_digits = min(len(str(reader.limits.body_bytes)), SMALL_DIGITS + 1)
        self._throttle = throttle
        self._address_of = address_of
        self._origins_of = origins_of
        self._reader = reader
        self._body = RequestBodyReader(reader.limits.body_bytes, body_s)
        self._bodies = bodies or BodyGuard()
        self._timings = timings or LabelledHistograms("accept_seconds")
        self._observe_org = observe_org
        self._answering: set[asyncio.Task[None]] = set()  # held until they are done

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one call (ASGI)."""
        pairs = scope["headers"]
        call = AcceptCall(
            dict(pairs), self._new_request_id, lambda: scope, self._timings, self._observe_org
        )
        try:
            caller = self._admit(call, pairs)
            length = call.headers.get(b"content-length")
            body = await self._body.read(self._guarded(scope, receive, caller, length))
            answer = await self._answered(
                call, caller, self._events(call, caller, body, indices_in(scope))
            )
        except CallerDisconnected:
            return
        except Exception as error:
            answer = _refused(error, call)
        finally:
            release_body(scope)
        start, end = messages(call.completed(answer))
        await send(start)
        await send(end)

    def begin(self, direct: WholeCall) -> bool:
        """Answer one call whose body has come, and is too small to be counted: with no task of its
        own where nothing has to be awaited but the commit of one event. Return False for others."""
        request = direct.request
        headers = dict(request.headers)
        length = headers.get(b"content-length")
        if length is None or len(length) >= self._short_digits:
            return False
        call = AcceptCall(
            headers, self._new_request_id, direct.scope, self._timings, self._observe_org
        )
        try:
            caller = self._admit(call, request.headers)
            indices = indices_among(request.facts)
            events = self._events(call, caller, request.take(), indices)
            if (draft := _only(events)) is None:
                self._answer_later(direct, call, self._answered(call, caller, events))
                return True
            call.org = draft.org
            verdicts = self._intake.accept([draft])
            if isinstance(verdicts, asyncio.Future):
                verdicts.add_done_callback(partial(_answer_committed, direct, call, draft))
            else:
                self._answer_later(direct, call, _committed(verdicts, draft, call))
        except Exception as error:
            direct.answer(*call.completed(_refused(error, call)))
        return True

    def _answer_later(
        self, direct: WholeCall, call: AcceptCall, answered: Coroutine[Any, Any, Answer]
    ) -> None:
        """Answer a call by a task of its own."""

        async def answer() -> None:
            try:
                found = await answered
            except Exception as error:
                found = _refused(error, call)
            direct.answer(*call.completed(found))

        task = asyncio.get_running_loop().create_task(answer())
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _admit(self, call: AcceptCall, pairs: list[tuple[bytes, bytes]]) -> AuthenticatedCaller:
        """Check all that a head says, but for the length; return who calls. RequestRefused."""
        headers = call.headers
        if len(headers) != len(pairs):
            refuse_repeated(pairs)
        caller = self._caller(call)
        call.of_many = caller.platform
        if not caller.platform:
            call.org = caller.org
        if caller.limited and self._throttle is not None:
            call.allowance = allowance = self._throttle.events(caller)
            if allowance is not None and allowance.wait_s:
                raise _too_many(allowance)
        content_type = headers.get(b"content-type")
        if b"content-encoding" in headers or content_type != b"application/json":
            _check_content(content_type, headers)
        return caller

    def _events(
        self,
        call: AcceptCall,
        caller: AuthenticatedCaller,
        body: bytes,
        indices: Sequence[int] = (),
    ) -> Iterable[Item[Draft]]:
        """Read the events of a body, one by one where there are several. `indices`: of a part's, in
        the whole call. RequestRefused."""
        call.read = True
        headers = call.headers
        call.span = self._tracing.begin_call(caller.org, headers.get(_TRACEPARENT))
        if call.span is not None:
            headers[KEPT_TRACE] = call.span.kept.encode()
        key = headers.get(b"idempotency-key")
        return self._reader.read_each(
            headers.get(b"content-type"),
            headers,
            body,
            caller,
            None if key is None else key.decode("latin-1"),
            self._clock_ms(),
            indices,
        )

    async def _answered(
        self, call: AcceptCall, caller: AuthenticatedCaller, events: Iterable[Item[Draft]]
    ) -> Answer:
        """Wait for the commit of a call's events; return the answer. RequestRefused."""
        if (draft := _only(events)) is not None:
            call.org = draft.org
            return await _committed(self._intake.accept([draft]), draft, call)
        items = events if isinstance(events, list) else await _slowly(events)
        return await self._several(await concluded(items, self._late), caller, call.request)

    def _caller(self, call: AcceptCall) -> AuthenticatedCaller:
        headers, scope = call.headers, call.scope
        if ORIGIN in headers or FETCH_SITE in headers:
            if (found := foreign(headers, lambda: self._origins_of(scope()))) is not None:
                raise call_refused(Forbidden, CODE, found[0], header=found[1])
        caller = self._access.caller(
            headers.get(b"authorization"),
            ACCEPT.scope,
            headers.get(TOKEN_HEADER),
            lambda: self._address_of(scope()),
        )
        named = headers.get(b"x-tidings-org")
        if named is None:
            return caller
        acting = self._access.acting(caller, named.decode("latin-1"))
        return AuthenticatedCaller(  # what that org may do, and no more
            acting.org,
            False,
            acting.credential,
            events_per_s=acting.events_per_s,
            limited=acting.limited,
        )

    def _guarded(
        self,
        scope: MutableMapping[str, Any],
        receive: Receive,
        caller: AuthenticatedCaller,
        length: bytes | None,
    ) -> Receive:
        """Return what receives a body that may be large, counted until the call ends. 413 where
        its announced length is above the bound; that it is true is the server's to see."""
        if length is not None:
            if len(length) < self._short_digits:
                return receive
            if length.isdigit() and int(length[:19]) > self._limits.body_bytes:
                raise too_large(self._limits.body_bytes, int(length[:19]))
        scope[CALLER] = caller
        return self._bodies.around(scope, receive).receive

    async def _several(
        self, items: list[Draft | RejectedEvent], caller: AuthenticatedCaller, request: bytes
    ) -> Answer:
        if caller.limited and self._throttle is not None:
            self._throttle.more_events(caller, len(items) - 1)
        drafts = [draft for draft in items if isinstance(draft, Draft)]
        verdicts = iter(await self._intake.accept(drafts) if drafts else ())
        rows: list[AcceptResult] = []
        refused: list[NewRejection] = []
        for draft in items:
            if isinstance(draft, Draft):
                rows.append(accept_result(draft, next(verdicts)))
                continue
            error = CallRefusal(draft.code, draft.message, draft.path)
            rows.append(AcceptResult(draft.event_id or None, "rejected", None, error=error))
            refused.append(
                NewRejection(
                    org=caller.org,
                    name=draft.name,
                    event_id=draft.event_id,
                    code=draft.code,
                    message=draft.message,
                    path=draft.path,
                    body=draft.body,
                    passage=None if draft.passage is None else draft.passage.text(),
                )
            )
        if refused:
            self._intake.note_rejections(refused)
        return rows_answer(rows, request)


def _only(events: Iterable[Item[Draft]]) -> Draft | None:
    """Return the event of a call, where there is one alone and it can be accepted."""
    if events.__class__ is list and len(events) == 1 and events[0].__class__ is Draft:
        return events[0]
    return None


async def _committed(
    verdicts: Awaitable[list[Acceptance]], draft: Draft, call: AcceptCall
) -> Answer:
    """Wait for the commit of a call's only event; return the answer."""
    (verdict,) = await verdicts
    return accepted_answer(draft, verdict, call.request)


def _answer_committed(
    direct: WholeCall, call: AcceptCall, draft: Draft, verdicts: asyncio.Future[list[Acceptance]]
) -> None:
    """Answer a call after the commit of its only event."""
    try:
        (verdict,) = verdicts.result()
        answer = accepted_answer(draft, verdict, call.request)
    except asyncio.CancelledError:
        answer = unavailable_answer(StoreDown("the service stops"), call.request)
    except Exception as error:
        answer = _refused(error, call)
    direct.answer(*call.completed(answer))


def _refused(error: Exception, call: AcceptCall) -> Answer:
    """Build the answer to a call that an error has ended."""
    if isinstance(error, FamilyAway) and not call.of_many:  # of many, others may be written
        note_away(call.scope())
    if isinstance(error, StoreDown | Overloaded):
        return unavailable_answer(error, call.request)
    if isinstance(error, RequestRefused):
        return refusal(
            status_of(error),
            error.reason,
            call.request,
            retry_after=wait_of(error),
            close=not call.read,
        )
    # As text: local variables would show what is sent.
    trace = "".join(traceback.format_exception(error))
    request = call.request.decode()
    log.error("call failed", request=request, traceback=trace)
    return refusal(500, failed(request), call.request, close=not call.read)


async def _slowly(events: Iterable[Item[Draft]]) -> list[Item[Draft]]:
    """The events of a large call, with turns for others in between."""
    items = []
    until_s = monotonic() + TURN_S
    for event in events:
        items.append(event)
        if monotonic() > until_s:
            await asyncio.sleep(0)
            until_s = monotonic() + TURN_S
    return items


def _too_many(allowance: Allowance) -> Throttled:
    message = (
        "Events must stay within eventsPerSecond of the credential and of its org; got more. Wait "
        "for the time in Retry-After, then send them again."
    )
    return Throttled.because("too_many_events", message, allowance.wait_s, place="credential")


def _check_content(content_type: bytes | None, headers: dict[bytes, bytes]) -> None:
    """415 for an encoded body, and for one of a type that is not taken."""
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding.lower() != b"identity":
        got = encoding[:40].decode("latin-1")
        message = (
            f'The body must be uncompressed; got Content-Encoding "{got}". Send it uncompressed.'
        )
        raise call_refused(Unsupported, "content_encoding", message, header="Content-Encoding")
    form_of(content_type, headers)
