"""`Idempotency-Key` for the calls of `/v1` that make something: an entry says that its route is
`keyed`, and it is held to it here."""

import re
from contextlib import AsyncExitStack
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidings.api.answers import refused
from tidings.api.context import WHOLE_BODY, Services
from tidings.api.field_schemas import KEY
from tidings.api.route import RouteEntry
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.engine.keyed_calls import HEADER, AsksForCall, KeptAnswer
from tidings.errors import Denied
from tidings.values import describe_value

REPEATED = (b"idempotent-replayed", b"true")
KEY_PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "description": "The same call within 24 hours is answered the same and does nothing "
    "again; with another body it is refused (422).",
    "schema": {"type": "string", "pattern": KEY},
}
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def read_key(request: Request) -> str | None:
    """Return the idempotency key of a call, None without one. Raise RefusalAnswer where it is
    malformed."""
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise refused(
            400,
            "bad_idempotency_key",
            "Idempotency-Key must be 1 to 255 visible ASCII characters; got "
            f"{describe_value(key) if key.isprintable() else 'another character'}. Use a UUID.",
            header="Idempotency-Key",
        )
    return key


class _Answered(Exception):
    """The call was made before: out of its route, whose work is not done again."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__()
        self.answer = answer


def once(app: ASGIApp, services: Services, entry: RouteEntry) -> ASGIApp:
    """Answer the calls of a route once by their key. Whether its entry admits the caller is looked
    at before the body is read, and before an answer is shown again."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if (key := read_key(request)) is None:
            await app(scope, receive, send)
            return
        try:
            caller: AuthenticatedCaller | None = services.known(request)
        except Denied:
            caller = None
        if caller is None or not entry.admits(caller):
            await app(scope, receive, send)  # which counts and refuses it
            return
        answer, made = await services.web.keyed_calls.run(
            _answer_once(app, services, request, key, receive)
        )
        start: Message = {"type": "http.response.start", "status": answer.status}
        start["headers"] = [*answer.headers, *(() if made else (REPEATED,))]
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    return serve


async def _answer_once(
    app: ASGIApp, services: Services, request: Request, key: str, receive: Receive
) -> tuple[KeptAnswer, bool]:
    """Run the route, or return its kept answer; the flag says whether it ran now.

    The route itself finds whether its caller may, and how long the body may be; it is looked up
    between its body and its work.
    """
    scope, keyed_calls = request.scope, services.web.keyed_calls
    parts: list[Message] = []
    asked: AsksForCall | None = None

    async def send(message: Message) -> None:
        parts.append(message)

    async with AsyncExitStack() as turn:

        async def look_up(body: bytes) -> None:
            nonlocal asked
            caller = services.known(request)
            named = f"{scope['method']} {scope['path']}"
            asks = AsksForCall(
                org=caller.org,
                who=caller.credential,
                call=named,
                key=key,
                body=body,
                grants=caller.grants,
            )
            first = await turn.enter_async_context(keyed_calls.turn(asks))
            if first is not None:
                raise _Answered(first)
            asked = asks

        scope[WHOLE_BODY] = look_up
        try:
            await app(scope, receive, send)
        except _Answered as answered:
            return answered.answer, False
        start, *rest = parts
        headers = [(bytes(name), bytes(value)) for name, value in start["headers"]]
        body = b"".join(part.get("body", b"") for part in rest)
        answer = KeptAnswer(start["status"], headers, body)
        if asked is not None:
            await keyed_calls.end(asked, answer)
        elif answer.status < 300:
            raise AssertionError(f"{scope['path']} has not read the body that its key is of")
        return answer, True
