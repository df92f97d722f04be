"""The stop switches: hold sending for an org, or for all of them, and let it go on."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object
from tidings.api.models import V1_ERRORS, new_body
from tidings.core.ids import OrgId
from tidings.core.replay_rules import TakeAsDelivered, read_taking
from tidings.core.times import iso
from tidings.engine.delivery.restored_backlog import NotStopped
from tidings.engine.delivery.stops import EVERYTHING
from tidings.errors import passed
from tidings.reads.delivery.stops import show_stop, show_stop_of_all

TAKE_FOR_S = 5.0


TAKE_BODY = new_body("Until when receivers have what was accepted.", TakeAsDelivered)


def stop_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", tags=["stops"], responses=V1_ERRORS)
    stops = services.delivery.stops

    def named(request: Request, org_id: str, scope: str) -> tuple[OrgId, str]:
        """The org of the path, if the caller may speak for it, and the caller."""
        caller = services.caller(request, scope)
        known = org_id.isascii() and org_id.isdigit() and len(org_id) < 17
        number = OrgId(int(org_id) if known else 0)
        if number == caller.org or (caller.platform and services.orgs.get(number) is not None):
            return number, caller.credential
        raise refused(
            404,
            "not_found",
            "orgId must be an org that the credential may act for; got "
            f'"{org_id[:40]}", which does not exist. Check the id.',
            field="orgId",
        )

    @router.post("/stop", summary="Stop sending for all orgs")
    async def stop_all(request: Request) -> Response:
        """Events are accepted as ever; no attempt starts once this is answered."""
        by = services.platform(request, "admin:write").credential
        await stops.stop(EVERYTHING, by)
        return answer(show_stop_of_all(stops))

    @router.post("/start", summary="Let sending go on for all orgs")
    async def start_all(request: Request) -> Response:
        """Orgs that were stopped by a switch of their own stay stopped."""
        services.platform(request, "admin:write")
        await stops.start(EVERYTHING)
        return answer(show_stop_of_all(stops))

    @router.post(
        "/takeAsDelivered",
        summary="Take as delivered what was accepted before a time",
        openapi_extra=TAKE_BODY,
    )
    async def take(request: Request) -> Response:
        """For all orgs, while sending is stopped for all of them: after a restore, what receivers
        have got since the backup is not sent once more. With `dryRun` it only counts. A call takes
        what it can in some seconds; `ended` false asks to make it again."""
        return await _take(services, request)

    @router.get("/stop", summary="Whether sending is stopped for all orgs")
    async def get_all(request: Request) -> Response:
        services.platform(request, "admin:read")
        return answer(show_stop_of_all(stops))

    @router.post("/orgs/{org_id}/stop", summary="Stop sending for an org")
    async def stop_one(request: Request, org_id: str) -> Response:
        """For the webhooks of this org; those of orgs below it go on."""
        org, by = named(request, org_id, "admin:write")
        await stops.stop(org, by)
        return answer(show_stop(stops, org))

    @router.post("/orgs/{org_id}/start", summary="Let sending go on for an org")
    async def start_one(request: Request, org_id: str) -> Response:
        org, _ = named(request, org_id, "admin:write")
        await stops.start(org)
        return answer(show_stop(stops, org))

    @router.get("/orgs/{org_id}/stop", summary="Whether sending is stopped for an org")
    async def get_one(request: Request, org_id: str) -> Response:
        org, _ = named(request, org_id, "admin:read")
        return answer(show_stop(stops, org))

    return router


async def _take(services: Services, request: Request) -> Response:
    by = services.platform(request, "admin:write").credential
    wanted = passed(read_taking(await read_object(request), services.clock.now_ms()))
    before_ms = wanted.before_ms
    if wanted.dry_run:
        done = await services.delivery.replay.backlog.count(before_ms, TAKE_FOR_S)
    else:
        if services.delivery.stops.of(EVERYTHING) is None:
            raise NotStopped
        done = await services.delivery.replay.backlog.take(before_ms, by, TAKE_FOR_S)
    return answer(
        {
            "acceptedBefore": iso(before_ms),
            "dryRun": wanted.dry_run,
            "deliveries": done.deliveries,
            "ended": done.ended,
        }
    )
