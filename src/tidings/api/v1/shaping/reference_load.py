"""`POST /v1/reference/{kind}:load`: a file of records, stored while it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import RefusalAnswer, answer, refused, status_of
from tidings.api.context import Services
from tidings.api.http.body_guard import streamed
from tidings.api.route import ok
from tidings.api.router import Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.shaping.reference_rows import LoadRefused, reader
from tidings.core.shaping.reference_rules import KINDS, kind_of
from tidings.engine.shaping.reference_load import Loader, as_json
from tidings.errors import FieldRefusal, TooLarge, TooSlow
from tidings.store.port import StoreDown
from tidings.values import describe_value

CHUNK_WAIT_S = 30.0
LOAD_BYTES_MAX = 4 << 30

KindOfPath = Annotated[str, Path(json_schema_extra={"enum": list(KINDS)})]

_LOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"id":41200777,"mobile":"15550100"}\n',
            },
            "text/csv": {"schema": {"type": "string"}, "example": "id,mobile\n41200777,15550100\n"},
        },
    }
}
_LOAD_BAD = {
    400: "The kind is unknown, or the body cannot be split into records",
    408: "The body stopped coming",
    413: "The body is too long",
    415: "Neither NDJSON nor CSV",
}


def add_load_route(route: Routes, services: Services) -> None:
    """Add the route."""
    reference = services.shaping.reference

    @route(
        "POST",
        "/v1/reference/{kind}:load",
        id="loadRecords",
        scope="reference:write",
        summary="Load records",
        answers=ok("What was stored, and what was not", "#Loaded"),
        refuses=_LOAD_BAD,
        body=_LOAD,
    )
    async def load(request: Request, caller: AuthenticatedCaller, kind: KindOfPath) -> Response:
        """Records from NDJSON or CSV, read while they come; rows that do not fit are told.

        A row is stored whole or not at all, and replaces what was there. When the call breaks off,
        what was stored stays: call again with the same body.
        """
        org = caller.org
        content_type = request.headers.get("content-type", "")
        found = reader(kind_of(kind), content_type)
        if found is None:
            raise refused(
                415,
                "bad_content_type",
                "Content-Type must be application/x-ndjson or text/csv; got "
                f"{describe_value(content_type or None)}. Name the type that you send.",
                header="Content-Type",
            )
        loader = Loader(reference, org, *found)
        try:
            async for chunk in _chunks(request):
                await loader.feed(chunk)
            return answer(as_json(await loader.end()))
        except (LoadRefused, TooSlow, TooLarge) as wrong:
            why = wrong.reason
            raise _broken_off(status_of(wrong), why.code, why.message, loader) from None
        except StoreDown:
            message = "The store must accept writes; it cannot at the moment."
            raise _broken_off(503, "store_down", message, loader) from None
        finally:  # also where the caller has gone
            await loader.break_off()


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes: no chunk may be waited for too long, nor may they be too many."""
    streamed(request.scope)
    stream, seen = request.stream(), 0
    while True:
        try:
            async with asyncio.timeout(CHUNK_WAIT_S):
                chunk = await anext(stream, None)
        except TimeoutError:
            message = f"The body must continue within {CHUNK_WAIT_S:.0f} s; it stopped."
            raise TooSlow(FieldRefusal("too_slow", message, "")) from None
        if chunk is None:
            return
        seen += len(chunk)
        if seen > LOAD_BYTES_MAX:
            message = f"The body must be at most {LOAD_BYTES_MAX} bytes; got more."
            raise TooLarge(FieldRefusal("too_large", message, ""))
        yield chunk


def _broken_off(status: int, code: int | str, message: str, loader: Loader) -> RefusalAnswer:
    advice = f"{loader.done.loaded} rows were stored and stay; load the file again to go on."
    refusal = FieldRefusal.build(code, f"{message} {advice}", place="body")
    headers = {"connection": "close"} | ({"retry-after": "5"} if status == 503 else {})
    return RefusalAnswer(status, [refusal], headers)
