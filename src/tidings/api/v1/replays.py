"""`/v1/replays`: send again what was missed; `/v1/deliveries/…/cancel`: take back what waits.

A job of another org answers exactly like one that does not exist.
"""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.field_schemas import OLDER_CURSOR
from tidings.api.models import new_body
from tidings.api.paging import PAGE, WARNED, moved, page_of
from tidings.api.route import AnswerForm, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
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


def replay_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of replays over the services."""
    route = Routes(services, tag="replays")
    calls, store = ReplayCalls(services), services.store

    @route(
        "POST",
        "/v1/replays",
        id="createReplay",
        scope="replay:write",
        summary="Replay",
        answers=[
            AnswerForm(200, "With dryRun: what it would do", "#DryRun"),
            AnswerForm(201, "The job", "#ReplayJob"),
        ],
        refuses=usually(404, 409),
        body=REPLAY_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller) -> Response:
        """Make new deliveries from old events. With `dryRun` it only says what it would do."""
        return await _ask(calls, ReplayKind.REPLAY, request, caller)

    @route(
        "GET",
        "/v1/replays",
        id="listReplays",
        scope="replay:read",
        summary="Replays and cancels of the org",
        answers=ok("The newest first", {"replays": ["#ReplayJob"]} | PAGE | WARNED),
    )
    async def list_all(
        caller: AuthenticatedCaller,
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
        org = caller.org
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

    @route(
        "GET",
        "/v1/replays/{replay_id}",
        id="getReplay",
        scope="replay:read",
        summary="A replay and how far it is",
        answers=ok("The replay", "#ReplayJob"),
    )
    async def get(caller: AuthenticatedCaller, replay_id: str) -> Response:
        """Return a replay: what it has made, what came of that, and how long the rest takes."""
        org = caller.org
        number = read("rpl", replay_id)
        job = None if number is None else await store.replay(org, number)
        if job is None:
            raise unknown("id", A_REPLAY, replay_id)
        return answer(calls.shown(job))

    _add_moves(route, services)
    return route.made


def _add_moves(route: Routes, services: Services) -> None:
    """Add the routes that pause, resume and cancel a job."""
    calls = ReplayCalls(services)

    @route(
        "POST",
        "/v1/replays/{replay_id}/pause",
        id="pauseReplay",
        scope="replay:write",
        summary="Pause a replay",
        answers=ok("The replay", "#ReplayJob"),
        refuses=usually(409),
    )
    async def pause(caller: AuthenticatedCaller, replay_id: str) -> Response:
        """It makes nothing more until it is resumed; what it has made is sent."""
        return await _move(calls, caller, replay_id, ReplayTransition.PAUSE)

    @route(
        "POST",
        "/v1/replays/{replay_id}/resume",
        id="resumeReplay",
        scope="replay:write",
        summary="Start or resume a replay",
        answers=ok("The replay", "#ReplayJob"),
        refuses=usually(409),
    )
    async def resume(caller: AuthenticatedCaller, replay_id: str) -> Response:
        """It continues where it stopped."""
        return await _move(calls, caller, replay_id, ReplayTransition.RESUME)

    @route(
        "POST",
        "/v1/replays/{replay_id}/cancel",
        id="cancelReplay",
        scope="replay:write",
        summary="Cancel a replay",
        answers=ok("The replay", "#ReplayJob"),
        refuses=usually(409),
    )
    async def cancel(caller: AuthenticatedCaller, replay_id: str) -> Response:
        """It makes nothing more, and what it has made and is unfinished is cancelled."""
        return await _move(calls, caller, replay_id, ReplayTransition.CANCEL)


def cancel_routes(services: Services) -> list[EntryRoute]:
    """Build the routes that take deliveries back, over the services."""
    route = Routes(services, tag="deliveries")
    calls = ReplayCalls(services)

    @route(
        "POST",
        "/v1/deliveries/cancel",
        id="cancelDeliveries",
        scope="replay:write",
        summary="Cancel deliveries by filter",
        answers=[
            AnswerForm(200, "With dryRun: what it would do", "#DryRun"),
            AnswerForm(201, "The job", "#ReplayJob"),
        ],
        refuses=usually(404, 409),
        body=CANCEL_BODY,
        keyed=True,
    )
    async def cancel_many(request: Request, caller: AuthenticatedCaller) -> Response:
        """A job like a replay. With `dryRun` it only says how many there are."""
        return await _ask(calls, ReplayKind.CANCEL, request, caller)

    @route(
        "POST",
        "/v1/deliveries/{delivery_id}/cancel",
        id="cancelDelivery",
        scope="replay:write",
        summary="Cancel one delivery",
        answers=ok("The delivery, cancelled", "#Delivery"),
        refuses=usually(409),
    )
    async def cancel_one(caller: AuthenticatedCaller, delivery_id: str) -> Response:
        """It is sent no more, and what waits behind it goes on."""
        now, record = await calls.cancel(caller, delivery_id)
        seen = see(services, now, record)
        return answer(show_delivery(seen.row, record, seen.next_ms, unread=seen.unread))

    return route.made


async def _ask(
    calls: ReplayCalls, kind: ReplayKind, request: Request, caller: AuthenticatedCaller
) -> Response:
    """Make a job of what a body asks for, or only count."""
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
    calls: ReplayCalls, caller: AuthenticatedCaller, replay_id: str, what: ReplayTransition
) -> Response:
    """Pause, resume or cancel a job."""
    return answer(calls.shown(await calls.moved(caller.org, replay_id, what)))
