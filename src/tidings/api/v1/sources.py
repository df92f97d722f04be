"""`/v1/sources`: where events come from that nobody sends to `/v1/events`."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object, refuse_unknown_fields
from tidings.api.http.held_answer import answer_within
from tidings.api.models import body_of, change_body, new_body
from tidings.api.paging import PAGE, WHOLE, both_sides, described
from tidings.api.route import GONE, PLATFORM, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source
from tidings.engine.sources.live_source import LiveSource
from tidings.reads.filters import PAGING
from tidings.reads.questions import read_question
from tidings.reads.sources import (
    TRIED_BYTES,
    redrive_dead_letters,
    show_dead_letter,
    show_newest,
    show_redriven,
    show_source,
    show_whole_dead_letter,
    try_message,
)
from tidings.values import describe_value

_EXAMPLE = {
    "name": "shop",
    "verification": {
        "type": "hmac",
        "header": "X-Shop-Hmac-Sha256",
        "secret": "a-secret-that-the-shop-knows",
        "encoding": "base64",
    },
    "messageId": {"header": "X-Shop-Webhook-Id"},
    "mapping": {
        "eventName": {
            "header": "X-Shop-Topic",
            "names": {"orders/paid": "transactionAdded", "*": None},
        },
        "data": {"path": "order"},
    },
}
SOURCE_BODY = new_body("What makes a source.", Source, example=_EXAMPLE)
SOURCE_CHANGE = change_body(
    "What changes a source; what is left out stays.",
    Source,
    example={"mapping": _EXAMPLE["mapping"]},
)
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "description": "As its sender would send it.",
    "properties": {
        "headers": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "body": {"description": "Its bytes as text, or any JSON."},
    },
    "required": ["body"],
    "additionalProperties": False,
}
_SAMPLE = {
    "headers": {"X-Shop-Topic": "orders/paid"},
    "body": {"order": {"id": 4711, "total": "10.50"}},
}


def _preview_body(source: dict[str, Any], about: str) -> dict[str, Any]:
    needed = ["message", "source"] if source else ["message"]
    schema = {"type": "object", "description": about}
    return body_of(
        lambda: {
            "type": "object",
            "description": "A message, and the source that it is tried on.",
            "properties": {"message": _MESSAGE, "source": schema},
            "required": needed,
            "additionalProperties": False,
        },
        example={"message": _SAMPLE} | ({"source": source} if source else {}),
    )


NEW_PREVIEW = _preview_body(_EXAMPLE, "As for making one.")
PREVIEW = _preview_body({}, "What would be changed of it.")


def source_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of sources over the services."""
    route = Routes(services, tag="sources")
    sources = services.sources.sources

    @route(
        "GET",
        "/v1/sources",
        id="listSources",
        scope="sources:read",
        summary="Sources of the org",
        answers=ok("By name", {"sources": ["#Source"]} | PAGE),
    )
    async def sources_of(request: Request, caller: AuthenticatedCaller) -> Response:
        """By name."""
        org = caller.org
        return answer(
            {"sources": [_shown(services, request, live) for live in sources.of(org)]} | WHOLE
        )

    @route(
        "POST",
        "/v1/sources",
        id="createSource",
        scope="sources:write",
        summary="Make a source",
        answers=ok("The source", "#Source", 201),
        refuses=usually(409),
        body=SOURCE_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller) -> Response:
        """An inbound webhook: what is sent to its `url` becomes events, by its `mapping`."""
        live = await sources.create(caller, await read_object(request))
        return answer(_shown(services, request, live), 201)

    @route(
        "POST",
        "/v1/sources/preview",
        id="previewNewSource",
        scope="sources:write",
        summary="Try a message on a source to be",
        answers=ok("What would become of it", "#SourcePreview"),
        body=NEW_PREVIEW,
    )
    async def preview_new(request: Request, caller: AuthenticatedCaller) -> Response:
        """The events that it would become. Nothing is made or accepted."""
        return await _preview(services, request, caller, None)

    @route(
        "GET",
        "/v1/sources/{source_id}",
        id="getSource",
        scope="sources:read",
        summary="A source",
        answers=ok("The source", "#WholeSource"),
    )
    async def get(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """By its id or name, with its newest messages."""
        live = sources.get(caller.org, source_id)
        return answer(_shown(services, request, live) | {"newest": show_newest(live)})

    _add_changes(route, services)
    _add_switches(route, services)
    _add_dead_letters(route, services)
    return route.made


def _add_changes(route: Routes, services: Services) -> None:
    """Add the routes that change or try one source."""
    sources = services.sources.sources

    @route(
        "PATCH",
        "/v1/sources/{source_id}",
        id="updateSource",
        scope="sources:write",
        summary="Change a source",
        answers=ok("The source", "#Source"),
        refuses=usually(409),
        body=SOURCE_CHANGE,
    )
    async def change(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """Each field that is named is set as a whole. Messages that are set aside stay there until
        they are redriven."""
        live = await sources.change(caller, source_id, await read_object(request))
        return answer(_shown(services, request, live))

    @route(
        "DELETE",
        "/v1/sources/{source_id}",
        id="deleteSource",
        scope="sources:write",
        summary="Delete a source",
        answers=GONE,
        refuses=usually(409),
    )
    async def delete(caller: AuthenticatedCaller, source_id: str) -> Response:
        """With what it has set aside. What is sent to its address then is answered 401."""
        org = caller.org
        await sources.delete(org, source_id)
        return Response(status_code=204)

    @route(
        "POST",
        "/v1/sources/{source_id}/preview",
        id="previewSource",
        scope="sources:write",
        summary="Try a message",
        answers=ok("What would become of it", "#SourcePreview"),
        body=PREVIEW,
    )
    async def preview(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """The events that it would become, by the source as it is or as it would be."""
        return await _preview(services, request, caller, sources.get(caller.org, source_id))

    @route(
        "POST",
        "/v1/sources/{source_id}/redrive",
        id="redriveSource",
        scope="sources:write",
        summary="Try what was set aside again",
        answers=ok("What became of them", "#Redriven"),
    )
    async def redrive(caller: AuthenticatedCaller, source_id: str) -> Response:
        """By the mapping and the rules of today, the oldest first, at most 1,000 of them."""
        live = sources.get(caller.org, source_id)
        fates = await redrive_dead_letters(services.web.answer_memory, sources, live)
        return answer(show_redriven(fates, live))


def _shown(services: Services, request: Request, live: LiveSource) -> dict[str, Any]:
    return show_source(live, services.reached_at(request), services.clock.now_ms())


def _add_switches(route: Routes, services: Services) -> None:
    sources = services.sources.sources

    @route(
        "POST",
        "/v1/sources/{source_id}/pause",
        id="pauseSource",
        scope="sources:write",
        summary="Pause a source",
        answers=ok("The source", "#Source"),
        refuses=usually(409),
    )
    async def pause(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """Its senders are told to come again later."""
        org = caller.org
        return answer(_shown(services, request, await sources.pause(org, source_id, paused=True)))

    @route(
        "POST",
        "/v1/sources/{source_id}/resume",
        id="resumeSource",
        scope="sources:write",
        summary="Resume a source",
        answers=ok("The source", "#Source"),
        refuses=usually(409),
    )
    async def resume(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """It takes messages again."""
        org = caller.org
        return answer(_shown(services, request, await sources.pause(org, source_id, paused=False)))

    @route(
        "POST",
        "/v1/sources/{source_id}/takeOver",
        id="takeOverSource",
        scope=PLATFORM + "sources:write",
        summary="Take over a table",
        answers=ok("The source", "#Source"),
    )
    async def take_over(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """Read the table of an outbox from now on, though another installation of Tidings reads it.
        Only the platform's credential may."""
        org = caller.org
        return answer(_shown(services, request, await sources.take_over(org, source_id)))


def _add_dead_letters(route: Routes, services: Services) -> None:
    sources = services.sources.sources

    @route(
        "GET",
        "/v1/sources/{source_id}/aside",
        id="listAsideMessages",
        scope="sources:read",
        summary="Messages set aside",
        answers=ok("The newest first", {"messages": ["#AsideMessage"]} | PAGE),
        parameters=described(PAGING),
    )
    async def aside(request: Request, caller: AuthenticatedCaller, source_id: str) -> Response:
        """The newest first, each with why no event could be made of it."""
        org = caller.org
        live = sources.get(org, source_id)
        asked = read_question(
            request.query_params, PAGING, services.zone(org), services.clock.now_ms()
        )
        page = await sources.list_dead_letters(live, asked.before, asked.after, asked.limit)
        rows = [show_dead_letter(message) for message in page.messages]
        return answer({"messages": rows} | both_sides(asked, page.older, page.newer))

    @route(
        "GET",
        "/v1/sources/{source_id}/aside/{aside_id}",
        id="getAsideMessage",
        scope="sources:read",
        summary="A message set aside",
        answers=ok("The message", "#WholeAsideMessage"),
    )
    async def aside_message(caller: AuthenticatedCaller, source_id: str, aside_id: str) -> Response:
        """With its headers and bytes."""
        live = sources.get(caller.org, source_id)
        return answer(show_whole_dead_letter(await sources.dead_letter(live, aside_id)))

    @route(
        "DELETE",
        "/v1/sources/{source_id}/aside/{aside_id}",
        id="deleteAsideMessage",
        scope="sources:write",
        summary="Drop a message set aside",
        answers=GONE,
    )
    async def drop(caller: AuthenticatedCaller, source_id: str, aside_id: str) -> Response:
        """For good: it becomes no event."""
        live = sources.get(caller.org, source_id)
        message = await sources.dead_letter(live, aside_id)
        await sources.drop_dead_letters(live, [message.number])
        return Response(status_code=204)

    @route(
        "POST",
        "/v1/sources/{source_id}/aside/{aside_id}/redrive",
        id="redriveAsideMessage",
        scope="sources:write",
        summary="Try one message again",
        answers=ok("What became of them", "#Redriven"),
    )
    async def redrive_one(caller: AuthenticatedCaller, source_id: str, aside_id: str) -> Response:
        """By the mapping and the rules of today."""
        live = sources.get(caller.org, source_id)
        message = await sources.dead_letter(live, aside_id)
        fates = await redrive_dead_letters(services.web.answer_memory, sources, live, message)
        return answer(show_redriven(fates, live))


async def _preview(
    services: Services, request: Request, caller: AuthenticatedCaller, live: LiveSource | None
) -> Response:
    body = await read_object(request)
    refuse_unknown_fields(body, ("message", "source"))
    old = None if live is None else live.source
    source_fields = body.get("source", {})
    if not isinstance(source_fields, dict):
        raise _bad("source", "an object of the fields of a source", source_fields)
    source: Source = services.sources.sources.checked(caller, source_fields, old)
    message, now_ms = _message(body.get("message")), services.clock.now_ms()

    memory = services.web.answer_memory

    async def make() -> Response:
        return answer(
            await try_message(
                memory, services.sources.sources, caller, live, source, message, now_ms
            )
        )

    return await answer_within(memory, caller.org, TRIED_BYTES, make)


def _message(sample: object) -> ForeignMessage:
    if not isinstance(sample, dict) or "body" not in sample:
        raise _bad("message", "an object of headers and body", sample)
    refuse_unknown_fields(sample, ("headers", "body"), "message.")
    headers = sample.get("headers")
    if headers is None:
        headers = {}
    if not isinstance(headers, dict) or not all(
        isinstance(header, str) for header in headers.values()
    ):
        raise _bad("message.headers", "an object of texts by name", headers)
    body = sample["body"]
    raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    return ForeignMessage("", list(headers.items()), raw)


def _bad(field: str, must: str, got: object) -> Exception:
    return refused(
        400,
        "bad_type",
        f'{field} must be {must}; got {describe_value(got)}. Write {{"message": {{"body": '
        f"{{…}}}}}}.",
        field=field,
    )
