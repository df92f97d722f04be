"""The stop switches: hold sending for an org, or for all of them, and let it go on."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.cells.counts import TakeAsked, take_all
from tidings.api.context import Services, read_object
from tidings.api.models import new_body
from tidings.api.route import PLATFORM, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.replay_rules import TakeAsDelivered, read_taking
from tidings.engine.delivery.stops import EVERYTHING
from tidings.errors import passed
from tidings.reads.delivery.stops import show_stop, show_stop_of_all

TAKE_BODY = new_body("Until when receivers have what was accepted.", TakeAsDelivered)


def stop_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of the stop switches over the services."""
    route = Routes(services, tag="stops")
    stops = services.delivery.stops

    @route(
        "POST",
        "/v1/stop",
        over=Over.EVERY_CELL,
        id="stopSending",
        scope=PLATFORM + "admin:write",
        summary="Stop sending for all orgs",
        answers=ok("Whether all sending is held", "#Stop"),
    )
    async def stop_all(caller: AuthenticatedCaller) -> Response:
        """Events are accepted as ever; no attempt starts once this is answered. Of several cells
        those that have not confirmed it are named (503, `not_confirmed`): the others are stopped,
        and the same call asks again."""
        await stops.stop(EVERYTHING, caller.credential)
        return answer(show_stop_of_all(stops))

    @route(
        "POST",
        "/v1/start",
        over=Over.EVERY_CELL,
        id="startSending",
        scope=PLATFORM + "admin:write",
        summary="Start sending for all orgs",
        answers=ok("Whether all sending is held", "#Stop"),
    )
    async def start_all() -> Response:
        """Orgs that were stopped by a switch of their own stay stopped. Over all cells, as a
        stop is."""
        await stops.start(EVERYTHING)
        return answer(show_stop_of_all(stops))

    @route(
        "POST",
        "/v1/takeAsDelivered",
        over=Over.EVERY_CELL,
        id="takeAsDelivered",
        scope=PLATFORM + "admin:write",
        summary="Take as delivered what was accepted before a time",
        answers=ok(
            "How many were taken, or are there",
            {
                "acceptedBefore": "time",
                "dryRun": "yes",
                "deliveries": "whole",
                "ended": "yes",
                "missingCells?": ["whole"],
            },
        ),
        refuses=usually(409),
        body=TAKE_BODY,
    )
    async def take(request: Request, caller: AuthenticatedCaller) -> Response:
        """For all orgs, while sending is stopped for all of them: after a restore, what receivers
        have got since the backup is not sent once more. With `dryRun` it only counts. A call takes
        what it can in some seconds; `ended` false asks to make it again. `missingCells` names the
        cells that have not answered: in them nothing may have been taken."""
        return await _take(services, request, caller)

    @route(
        "GET",
        "/v1/stop",
        over=Over.EVERY_CELL,
        id="getStop",
        scope=PLATFORM + "admin:read",
        summary="Whether sending is stopped for all orgs",
        answers=ok("Whether all sending is held", "#Stop"),
    )
    async def get_all() -> Response:
        """As the process that answers knows it; of several cells, `orgsStopped` counts its own."""
        return answer(show_stop_of_all(stops))

    _add_of_an_org(route, services)
    return route.made


def _add_of_an_org(route: Routes, services: Services) -> None:
    """Add the switches of one org."""
    stops = services.delivery.stops

    @route(
        "POST",
        "/v1/orgs/{org_id}/stop",
        id="stopOrg",
        scope="admin:write",
        summary="Stop sending for an org",
        answers=ok("Whether the org's sending is held", "#OrgStop"),
    )
    async def stop_one(caller: AuthenticatedCaller, org_id: str) -> Response:
        """For the webhooks of this org; those of orgs below it go on."""
        org = _org_of(services, caller, org_id)
        await stops.stop(org, caller.credential)
        return answer(show_stop(stops, org))

    @route(
        "POST",
        "/v1/orgs/{org_id}/start",
        id="startOrg",
        scope="admin:write",
        summary="Start sending for an org",
        answers=ok("Whether the org's sending is held", "#OrgStop"),
    )
    async def start_one(caller: AuthenticatedCaller, org_id: str) -> Response:
        org = _org_of(services, caller, org_id)
        await stops.start(org)
        return answer(show_stop(stops, org))

    @route(
        "GET",
        "/v1/orgs/{org_id}/stop",
        id="getOrgStop",
        scope="admin:read",
        summary="Whether sending is stopped for an org",
        answers=ok("Whether the org's sending is held", "#OrgStop"),
    )
    async def get_one(caller: AuthenticatedCaller, org_id: str) -> Response:
        org = _org_of(services, caller, org_id)
        return answer(show_stop(stops, org))


def _org_of(services: Services, caller: AuthenticatedCaller, org_id: str) -> OrgId:
    """Return the org of the path, if the caller may speak for it."""
    known = org_id.isascii() and org_id.isdigit() and len(org_id) < 17
    number = OrgId(int(org_id) if known else 0)
    if number == caller.org or (caller.platform and services.orgs.get(number) is not None):
        return number
    raise refused(
        404,
        "not_found",
        "orgId must be an org that the credential may act for; got "
        f'"{org_id[:40]}", which does not exist. Check the id.',
        field="orgId",
    )


async def _take(services: Services, request: Request, caller: AuthenticatedCaller) -> Response:
    wanted = passed(read_taking(await read_object(request), services.clock.now_ms()))
    by = "" if wanted.dry_run else caller.credential
    return answer(await take_all(services, TakeAsked(before_ms=wanted.before_ms, by=by)))
