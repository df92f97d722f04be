"""`/v1/replays`: send again what was missed; `/v1/deliveries/…/cancel`: take back what waits.

A job of another org answers exactly like one that does not exist.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.field_schemas import OLDER_CURSOR
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, new_body
from tidings.api.paging import moved, page_of
from tidings.core.ids import read
from tidings.core.replay import ReplayKind, ReplayTransition
from tidings.core.replay_rules import NARROWS, CancelRequest, ResendRequest
from tidings.reads.columns import show_delivery
from tidings.reads.delivery.next_attempts import see
from tidings.reads.questions import OLDER, read_older
from tidings.reads.questions import cursor as cursor_to
from tidings.reads.replay import A_REPLAY, ReplayCalls, unknown

_NARROWED = {
    "additionalProperties": False,
    "anyOf": [
        {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in NARROWS
    ],
}
REPLAY_BODY = new_body("What is sent again, to whom, and how fast.", ResendRequest)
CANCEL_BODY = new_body(
    "Which unfinished deliveries are taken back. At least one filter must be given.",
    CancelRequest,
    more=_NARROWED,
)


LIMIT_MAX = 200
BODY_BYTES_MAX = 8 << 20  # a list of 100,000 ids
NEWEST = (1 << 63) - 1


def replay_routes(services: Services) -> APIRouter:
    """The routes of jobs, over the services."""
    router = APIRouter(prefix="/v1/replays", tags=["replays"], responses=V1_ERRORS)
    calls, store = ReplayCalls(services), services.store

    @router.post("", summary="Replay", status_code=201, openapi_extra=REPLAY_BODY | KEYED)
    async def create(request: Request) -> Response:
        """Make new deliveries from old events. With `dryRun` it only says what it would do."""
        return await _ask(services, calls, ReplayKind.REPLAY, request)

    @router.get("", summary="Replays and cancels of the org")
    async def list_all(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        cursor: Annotated[
            str | None, Query(description="paging.next of a page.", json_schema_extra=OLDER_CURSOR)
        ] = None,
        before_id: Annotated[
            str | None,
            Query(alias="before", deprecated=True, description="The last id of the page before."),
        ] = None,
    ) -> Response:
        """The newest first."""
        org = services.caller(request, "replay:read").org
        given, warnings = moved("before", before_id, cursor)
        number = NEWEST if before_id is None else read("rpl", before_id)
        if number is None:
            raise unknown("before", A_REPLAY, before_id or "")
        if given:
            number = read_older(given)
        found = await store.replays(org, number, limit)
        more = cursor_to(OLDER, found[-1].number) if len(found) == limit else None
        return answer(
            {"replays": [calls.shown(job) for job in found]}
            | page_of(limit, more)
            | ({"warnings": warnings} if warnings else {})
        )

    @router.get("/{replay_id}", summary="A replay and how far it is")
    async def get(request: Request, replay_id: str) -> Response:
        """Return a replay: what it has made, what came of that, and how long the rest takes."""
        org = services.caller(request, "replay:read").org
        number = read("rpl", replay_id)
        job = None if number is None else await store.replay(org, number)
        if job is None:
            raise unknown("id", A_REPLAY, replay_id)
        return answer(calls.shown(job))

    @router.post("/{replay_id}/pause", summary="Pause a replay")
    async def pause(request: Request, replay_id: str) -> Response:
        """It makes nothing more until it is resumed; what it has made is sent."""
        return await _move(services, calls, request, replay_id, ReplayTransition.PAUSE)

    @router.post("/{replay_id}/resume", summary="Start or resume a replay")
    async def resume(request: Request, replay_id: str) -> Response:
        """It continues where it stopped."""
        return await _move(services, calls, request, replay_id, ReplayTransition.RESUME)

    @router.post("/{replay_id}/cancel", summary="Cancel a replay")
    async def cancel(request: Request, replay_id: str) -> Response:
        """It makes nothing more, and what it has made and is unfinished is cancelled."""
        return await _move(services, calls, request, replay_id, ReplayTransition.CANCEL)

    return router


def cancel_routes(services: Services) -> APIRouter:
    """The routes that take deliveries back, over the services."""
    router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], responses=V1_ERRORS)
    calls = ReplayCalls(services)

    @router.post(
        "/cancel",
        summary="Cancel deliveries by filter",
        status_code=201,
        openapi_extra=CANCEL_BODY | KEYED,
    )
    async def cancel_many(request: Request) -> Response:
        """A job like a replay. With `dryRun` it only says how many there are."""
        return await _ask(services, calls, ReplayKind.CANCEL, request)

    @router.post("/{delivery_id}/cancel", summary="Cancel one delivery")
    async def cancel_one(request: Request, delivery_id: str) -> Response:
        """It is sent no more, and what waits behind it goes on."""
        caller = services.caller(request, "replay:write")
        now, record = await calls.cancel(caller, delivery_id)
        seen = see(services, now, record)
        return answer(show_delivery(seen.row, record, seen.next_ms))

    return router


async def _ask(
    services: Services, calls: ReplayCalls, kind: ReplayKind, request: Request
) -> Response:
    """Make a job of what a body asks for, or only count."""
    caller = services.caller(request, "replay:write")
    body = await read_object(request, bytes_max=BODY_BYTES_MAX)
    job_request, wanted = await calls.look_up(caller.org, kind, body)
    warnings = [
        {"code": warning.code, "message": warning.message, "field": warning.field}
        for warning in job_request.warnings
    ]
    more = {"unknownIds": wanted.unknown, "warnings": warnings}
    if job_request.dry_run:
        return answer(await calls.dry_run(job_request, wanted) | more)
    made = await calls.begin(caller, job_request, wanted)
    return answer(calls.shown(made) | more, 201)


async def _move(
    services: Services, calls: ReplayCalls, request: Request, replay_id: str, what: ReplayTransition
) -> Response:
    """Pause, resume or cancel a job."""
    org = services.caller(request, "replay:write").org
    return answer(calls.shown(await calls.moved(org, replay_id, what)))
