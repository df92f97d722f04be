"""What arrives at test inboxes: listed, watched, and taken in at `/inbox/{token}`."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_bytes
from tidings.api.http.body_guard import release_body
from tidings.api.http.event_stream import DROPPED, event_stream
from tidings.api.paging import PAGED, both_sides, described
from tidings.api.route import OPEN, STREAM, AnswerForm, StreamKind, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId, read
from tidings.core.shares.budget import SharedBudget
from tidings.engine.inboxes import BODY_BYTES_KEPT
from tidings.errors import not_found
from tidings.reads.filters import PAGING
from tidings.reads.inboxes import PREFIX, show_arrival, show_arrival_whole
from tidings.reads.questions import read_question

METHODS = ["PUT", "GET", "HEAD", "DELETE", "PATCH"]  # beside POST; a webhook may use most
WAITING_MAX = 300  # answers of all inboxes that wait; an org has as many as it leaves to others
# A browser that is led here adds by itself what lets into the console and the API of this host. Who
# reads the arrivals must not get that.
_OF_THE_CALLER = frozenset(
    ("cookie", "authorization", "proxy-authorization", "x-cap-api-oauth-token")
)
_ARRIVALS = {
    "arrival": StreamKind(
        "ArrivalFact",
        "Something has arrived, at `arrivedAt` (ms since 1970). `verdict` is on its signature, "
        "`status` is what it was answered.",
        {
            "id": "arr_0000000000001",
            "arrivedAt": 1_770_801_300_000,
            "method": "POST",
            "bytes": 312,
            "verdict": "valid",
            "reason": "The signature is that of these bytes.",
            "status": 200,
        },
    ),
    "dropped": DROPPED,
}


def arrival_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of what arrives at test inboxes, over the services."""
    return [*_own_routes(services), *_open_route(services)]


def _own_routes(services: Services) -> list[EntryRoute]:
    route = Routes(services, tag="inboxes")
    inboxes = services.delivery.inboxes

    @route(
        "GET",
        "/v1/inboxes/{inbox_id}/arrivals",
        id="listArrivals",
        scope="logs:read",
        summary="What has arrived",
        answers=ok("A page of arrivals", {"arrivals": ["#Arrival"]} | PAGED),
        parameters=described(PAGING),
    )
    async def arrivals(request: Request, caller: AuthenticatedCaller, inbox_id: str) -> Response:
        """The newest first, each with a verdict on its signature. The last 1,000 are kept."""
        live = inboxes.get(caller.org, inbox_id)
        zone = services.zone(live.stored.org)
        asked = read_question(request.query_params, PAGING, zone, services.clock.now_ms())
        page = await inboxes.arrivals(live, asked.before, asked.after, asked.limit)
        rows = [show_arrival(arrival) for arrival in page.arrivals]
        return answer({"arrivals": rows} | both_sides(asked, page.older, page.newer))

    @route(
        "GET",
        "/v1/inboxes/{inbox_id}/arrivals/{arrival_id}",
        id="getArrival",
        scope="logs:read",
        summary="One arrival",
        answers=ok("The arrival", "#WholeArrival"),
    )
    async def arrival(caller: AuthenticatedCaller, inbox_id: str, arrival_id: str) -> Response:
        """With its headers, stored values masked, and its bytes."""
        live = inboxes.get(caller.org, inbox_id)
        number = read(PREFIX, arrival_id)
        found = None if number is None else await inboxes.arrival(live, number)
        if found is None:
            raise not_found("id", "the id of an arrival of this inbox, as arr_…", arrival_id)
        return answer(show_arrival_whole(found))

    @route(
        "GET",
        "/v1/inboxes/{inbox_id}/stream",
        id="streamArrivals",
        scope="logs:read",
        summary="Arrivals as they come",
        answers=STREAM,
        stream=_ARRIVALS,
    )
    async def stream(request: Request, caller: AuthenticatedCaller, inbox_id: str) -> Response:
        """Server-sent events of the inbox, from now on."""
        live = inboxes.get(caller.org, inbox_id)
        number, token = live.stored.number, live.stored.token

        async def may_hear() -> bool:
            return inboxes.knows(token) and services.still_may(request)

        place = services.web.streams.take(caller)
        return event_stream(place, inboxes.feed, number, may_hear)

    return route.made


def _open_route(services: Services) -> list[EntryRoute]:
    route = Routes(services, tag="inboxes", refuses={})
    inboxes = services.delivery.inboxes
    waiting = SharedBudget[OrgId](WAITING_MAX)

    @route(
        "POST",
        "/inbox/{token}",
        id="sendToInbox",
        scope=OPEN,
        summary="Send to a test inbox",
        answers=[
            AnswerForm(
                200, "Whatever the inbox was told to answer, with any status from 200 to 599"
            )
        ],
        refuses=usually(404, 408, 413, 429),
        more_methods=METHODS,
    )
    async def arrive(request: Request, token: str) -> Response:
        """Open to whoever knows the address. It is answered as the inbox says."""
        org = inboxes.org_of(token)
        if org is None:
            raise refused(
                404,
                "no_inbox",
                "The address must belong to a test inbox; it does not, or the inbox was deleted. "
                "Create one with POST /v1/inboxes.",
                place="path",
            )
        body = await read_bytes(request, BODY_BYTES_KEPT)
        if not waiting.take(org):
            raise refused(
                429,
                "too_many_arrivals",
                f"At most {WAITING_MAX} arrivals may wait for their answer; got one more. Send "
                "fewer at once.",
                retry_after="1",
            )
        try:
            headers = [
                (name, "…" if name in _OF_THE_CALLER else value)
                for name, value in request.headers.items()
            ]
            answered = inboxes.receive(token, request.method, headers, body)
            del body
            release_body(request.scope)  # the answer may have to wait
            await asyncio.sleep(answered.delay_s)
        finally:
            waiting.give(org)
        return Response(answered.body, answered.status, dict(answered.headers))

    return route.made
