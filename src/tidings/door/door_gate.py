"""Before the application: a call is served here, passed on to its owner, or refused.

What another door has passed on is served here or handed back as not ours, whatever the map says:
no call makes two hops. Where there is one cell nothing of this is installed.
"""

from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any

from tidings.core.cells.door import (
    AnswerNotMine,
    DoorDecision,
    PassOn,
    RefuseNow,
    ServeHere,
    is_noted_away,
)
from tidings.door import refusals
from tidings.door.admission import passed_on
from tidings.door.head import DOOR_HEADER, NOT_MINE_STATUS, NotMine, write_not_mine
from tidings.door.hop import AskFirst, DoorParts, RoutedCall
from tidings.door.hop_request import request_of, target_of
from tidings.door.streamed_hop import Receive, Send, StreamedHop, UploadedBody
from tidings.door.whole_hop import WholeHop
from tidings.server import App, DirectApp, DirectCall, Message

Pairs = list[tuple[bytes, bytes]]
Facts = Mapping[str, Any] | None


class DoorGate:
    """ASGI 3, and a `DirectApp`."""

    def __init__(
        self, app: App, direct: DirectApp, parts: DoorParts, first: DirectApp | None = None
    ) -> None:
        """`first` takes calls whose bodies tell whose they are, before their heads are looked at;
        those of other doors too."""
        self._app = app
        self._direct = direct
        self._parts = parts
        self._first = first

    def begin(self, call: DirectCall) -> bool:
        """See `DirectApp`. What is passed on is never made as an ASGI call."""
        request = call.request
        passed = passed_on(request.facts)
        is_late = passed is not None and passed.until_s <= monotonic()
        if self._first is not None and not is_late and self._first.begin(call):
            return True
        routed = RoutedCall(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            passed_on=passed,
        )
        decision = self._parts.router.decide(routed)
        if isinstance(decision, AskFirst):
            return False  # an answer is waited for, which takes a task
        if _is_served_here(decision) and not is_late:
            if passed is not None:
                call.amend = partial(self._amended, routed, request.facts)
            return self._direct.begin(call)
        request_id = self._parts.request_id(request.headers)
        if is_late:
            call.answer(*refusals.owner_late().answer(request_id, self._parts.headers))
            return True
        if not isinstance(decision, PassOn) or passed is not None:
            call.answer(*self._refusal_of(decision, request_id))
            return True
        body = request.take()
        length = len(body) if body or request.length or request.chunked else None
        if length is None and any(name == b"content-length" for name, _ in request.headers):
            length = 0
        target = target_of(request.raw_path, request.query)
        hop_request = request_of(request.method, target, request.headers, length=length)
        hop = WholeHop(self._parts, routed, hop_request, request_id, direct=call, body=body)
        hop.begin(decision)
        return True

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Take one call whose body may still be coming."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passed = passed_on(scope.get("extensions"))
        method, query, headers = scope["method"], scope["query_string"], scope["headers"]
        routed = RoutedCall(
            method=method, path=scope["path"], query=query, headers=headers, passed_on=passed
        )
        decision = self._parts.router.decide(routed)
        if isinstance(decision, AskFirst):
            decision = await self._parts.router.find_out(routed)
        if _is_served_here(decision):
            if passed is not None:
                send = self._amending(routed, scope, send)
            await self._app(scope, receive, send)
            return
        request_id = self._parts.request_id(headers)
        if not isinstance(decision, PassOn) or passed is not None:
            status, answer_headers, body = self._refusal_of(decision, request_id)
            start = {"type": "http.response.start", "status": status, "headers": answer_headers}
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        lengths = [int(value) for name, value in headers if name == b"content-length"]
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        target = target_of(scope["raw_path"], query)
        hop = StreamedHop(
            self._parts,
            routed,
            request_of(
                method, target, headers, length=lengths[0] if lengths else None, chunked=chunked
            ),
            scope["client"][0],
            request_id,
            body=UploadedBody(receive, chunked),
            send=send,
        )
        await hop.run(decision)

    def _amended(
        self, call: RoutedCall, facts: Facts, status: int, headers: Pairs, body: bytes
    ) -> refusals.Answer:
        """Return the answer to a call that another door has passed on; handed back instead, where
        its family has gone to another cell since it was decided."""
        if is_noted_away(facts):
            decision = self._parts.router.decide(call)
            if isinstance(decision, AnswerNotMine):
                return self._refusal_of(decision, b"")
        return status, headers, body

    def _amending(self, call: RoutedCall, scope: Message, send: Send) -> Send:
        """Have the answer amended that an ASGI application sends."""
        is_handed_back = False

        async def amended(message: Message) -> None:
            nonlocal is_handed_back
            if is_handed_back:
                return
            facts = scope.get("extensions")
            if message["type"] == "http.response.start" and is_noted_away(facts):
                status, headers, body = self._amended(call, facts, message["status"], [], b"")
                is_handed_back = status == NOT_MINE_STATUS
                if is_handed_back:
                    head = {"type": "http.response.start", "status": status, "headers": headers}
                    await send(head)
                    message = {"type": "http.response.body", "body": body}
            await send(message)

        return amended

    def _refusal_of(self, decision: DoorDecision | None, request_id: bytes) -> refusals.Answer:
        """Build the answer to a call that is neither served here nor passed on."""
        if isinstance(decision, RefuseNow):
            refused = refusals.no_owner(decision.why, decision.retry_s)
            return refused.answer(request_id, self._parts.headers)
        # Handed back; also where another door has passed it on, and our map has it elsewhere.
        if isinstance(decision, PassOn):
            decision = AnswerNotMine(decision.cell, decision.owner)
        elif not isinstance(decision, AnswerNotMine):
            decision = AnswerNotMine(None, None)
        return not_mine_answer(decision)


def not_mine_answer(found: AnswerNotMine) -> refusals.Answer:
    """Build the answer by which a call is handed back to the door that has passed it on."""
    epoch, address = found.owner or (0, "")
    known = NotMine(
        family=found.family, cell=found.cell, number=found.number, epoch=epoch, address=address
    )
    headers = [(b"content-length", b"0"), (DOOR_HEADER, write_not_mine(known))]
    return NOT_MINE_STATUS, headers, b""


def _is_served_here(decision: DoorDecision | None) -> bool:
    return decision is None or isinstance(decision, ServeHere)
