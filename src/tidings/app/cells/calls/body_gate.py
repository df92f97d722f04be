"""Before the service's own gate: calls of which the body alone tells whose they are.

Most are few and small: who signs in, opens a link or asks for a token, and an org that is made. The
body is read as a whole; then the call is served here, or its owner is asked, whose answer is this
one's. What another door has passed on is served. Events of the platform's own credential are of the
orgs that they name: such a call is parted (`event_parts`).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from tidings.api.http.gate import EVENTS_PATH
from tidings.app.cells.calls.body_naming import opener_in, org_beside, read_fields
from tidings.app.cells.calls.call_naming import ORG_HEADER, CallNaming, Named, Unknown
from tidings.app.cells.calls.call_table import CallTable
from tidings.app.cells.calls.event_call import read_event_call
from tidings.app.cells.calls.event_parts import EventParts, handed_back
from tidings.app.cells.calls.family_placing import FamilyPlacing
from tidings.app.cells.calls.map_router import MapRouter
from tidings.app.cells.calls.whole_events import WholeEvents
from tidings.app.cells.installation import Installation
from tidings.core.cells.call_parts import note_indices
from tidings.core.cells.call_subject import Over
from tidings.core.cells.door import OWNERLESS_RETRY_S, TRIES, DoorDecision, PassOn, RefuseNow
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.door import refusals
from tidings.door.admission import PassedOn, passed_on
from tidings.door.door_gate import not_mine_answer
from tidings.door.head import DoorHead, read_not_mine
from tidings.door.hop import DoorParts
from tidings.door.hop_request import passed_back, request_of, target_of
from tidings.door.streamed_hop import Receive, Send
from tidings.server import App, DirectApp, DirectCall, Message

BODY_BYTES_MAX = 256 * 1024  # of an org; what opens something is far shorter
BODY_S = 10.0
ANSWER_S = 30.0

Pairs = list[tuple[bytes, bytes]]


class BodyGate:
    """ASGI 3, and a `DirectApp`."""

    def __init__(
        self,
        app: App,
        direct: DirectApp,
        installation: Installation,
        table: CallTable,
        *,
        naming: CallNaming,
        router: MapRouter,
        placing: FamilyPlacing,
        door: DoorParts,
    ) -> None:
        """`placing` chooses the cell of an org that is made; `door`: what calls are passed on
        with."""
        self._app = app
        self._direct = direct
        self._parts = EventParts(app, installation, naming, router)
        self.events = WholeEvents(direct, naming, router, self._parts, door)
        self._installation = installation
        self._table = table
        self._naming = naming
        self._router = router
        self._request_id = door.request_id
        self._placing = placing

    def begin(self, call: DirectCall) -> bool:
        """See `DirectApp`. What `events` leaves of the events of several cells takes tasks."""
        request = call.request
        if request.path == EVENTS_PATH and self._naming.is_parted(request.headers):
            return False
        return self._direct.begin(call)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take one call."""
        over = self._over(scope)
        if over is Over.EVENTS and self._naming.is_parted(scope["headers"]):
            await self._take_events(scope, receive, send)
            return
        if over is Over.EVENTS or passed_on(scope.get("extensions")) is not None:
            over = None
        if over is Over.NEW_FAMILY:
            scope = await self._for_no_org(scope)
        length = _length_of(scope["headers"]) if over is not None else None
        if over is None or length is None or length > BODY_BYTES_MAX:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        body = await _read(receive, held, BODY_BYTES_MAX)
        decision: DoorDecision | None = None
        if body is not None:
            decision = await self._decide(over, scope["headers"], body)
        if body is None or not isinstance(decision, PassOn | RefuseNow):
            await self._app(scope, _replayed(held, receive), send)
            return
        await _send(send, await self._ask(scope, body, decision, over))

    async def _for_no_org(self, scope: Message) -> Message:
        """Return a call of the platform's without the org that it acts for, if there is such a one:
        it is made in a cell that need not have it, and nothing of it is that org's."""
        headers: Pairs = scope["headers"]
        named = dict(headers).get(ORG_HEADER, b"").decode("latin-1")
        if not named or self._naming.proved_platforms(headers) is None:
            return scope
        if await self._router.decide_named(lambda: self._naming.of_org(named)) is None:
            return scope  # it is refused
        return {**scope, "headers": [pair for pair in headers if pair[0] != ORG_HEADER]}

    async def _take_events(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take a call whose events may be of any orgs, once who calls has proved it."""
        own_org = self._naming.proved_platforms(scope["headers"])
        if own_org is None:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        body = await _read(receive, held, DEFAULT_LIMITS.body_bytes)
        receive = _replayed(held, receive)
        passed = passed_on(scope.get("extensions"))
        answer = None
        if body is not None and passed is not None:
            answer = await self._handed_back(scope, body, own_org, passed)
            note_indices(scope, passed.head.indices)
        elif body is not None:
            request_id = self._request_id(scope["headers"])
            answer = await self._parts.answer(scope, body, own_org, request_id)
        if answer is None:
            await self._app(scope, receive, send)
        else:
            await _send(send, answer)

    async def _handed_back(
        self, scope: Message, body: bytes, own_org: int, passed: PassedOn
    ) -> refusals.Answer | None:
        """Answer a part of which one family is not here; None: all are."""
        call = read_event_call(dict(scope["headers"]), body)
        if call is None:
            return None
        found = handed_back(await self._parts.decide(call, own_org, passed))
        return None if found is None else not_mine_answer(found)

    def _over(self, scope: Message) -> Over | None:
        if scope["type"] != "http":
            return None
        found = self._table.find(scope["method"], scope["path"])
        over = None if found is None else found.subject.over
        return over if over in (Over.BODY, Over.NEW_FAMILY, Over.EVENTS) else None

    async def _decide(self, over: Over, headers: Pairs, body: bytes) -> DoorDecision | None:
        """Decide by a body; None: it is served here, where it will be refused too."""
        names = dict(headers)
        fields = read_fields(names.get(b"content-type", b""), body)
        if over is Over.BODY:
            return await self._router.decide_named(lambda: opener_in(fields, self._naming))
        is_proved = self._naming.proved_platforms(headers) is not None
        if not is_proved and not self._naming.has_session(headers):
            return None
        found = await self._router.decide_named(lambda: self._org_in(fields))
        if found is not None:
            return found
        key = names.get(b"idempotency-key", b"")
        cell = await self._placing.choose(key, is_made=is_proved)
        if cell is None:
            return RefuseNow("no cell takes new orgs", OWNERLESS_RETRY_S)
        return await self._router.decide_named(lambda: Named(None, cell))

    def _org_in(self, fields: Mapping[str, Any]) -> Named | Unknown | None:
        return org_beside(fields, self._naming)

    async def _ask(
        self, scope: Message, body: bytes, decision: DoorDecision, over: Over
    ) -> refusals.Answer:
        """Have the owner answer; once more at another one, where the first has nothing of it."""
        headers: Pairs = scope["headers"]
        request_id = self._request_id(headers)
        target = target_of(scope["raw_path"], scope["query_string"])
        request = request_of(scope["method"], target, headers, length=len(body))
        for _ in range(TRIES):
            if not isinstance(decision, PassOn):
                break
            head = DoorHead(
                cell=decision.cell,
                epoch=decision.owner.epoch,
                client=str(scope["client"][0]).partition("%")[0],
                request_id=request_id.decode("latin-1"),
                left_ms=int(ANSWER_S * 1e3),
            )
            questions = self._installation.questions
            answer = await questions.ask(decision.owner, request, body, head)
            if answer is None:
                return refusals.owner_gone().answer(request_id, [])
            not_mine = read_not_mine(answer.status, answer.headers)
            if not_mine is None:
                return answer.status, passed_back(answer.headers), answer.body
            await self._router.learn(not_mine)
            found = await self._decide(over, headers, body)
            if found is None or found == decision:
                break
            decision = found
        why = decision.why if isinstance(decision, RefuseNow) else "its owner is not known"
        return refusals.no_owner(why, OWNERLESS_RETRY_S).answer(request_id, [])


def _length_of(headers: Pairs) -> int | None:
    values = [value for name, value in headers if name == b"content-length"]
    return int(values[0][:19]) if len(values) == 1 and values[0].isdigit() else None


async def _send(send: Send, answer: refusals.Answer) -> None:
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive, held: list[Message], bytes_max: int) -> bytes | None:
    """Read a body, whose messages are held; None where it does not come to its end in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                held.append(message)
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > bytes_max:
                    return None
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return None


def _replayed(held: list[Message], receive: Receive) -> Receive:
    """Return what receives what was held, then what still comes."""
    messages = iter(held)

    async def replayed() -> Message:
        message = next(messages, None)
        return await receive() if message is None else message

    return replayed
