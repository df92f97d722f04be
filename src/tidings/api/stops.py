"""The stop switches: hold sending for an org, or for all of them, and let it go on."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, iso
from tidings.api.models import V1_ERRORS
from tidings.engine.stops import EVERYTHING


def stop_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1", tags=["stops"], responses=V1_ERRORS)
    stops = services.stops

    def everything() -> dict[str, Any]:
        stop = stops.of(EVERYTHING)
        return {
            "stopped": stop is not None,
            "since": None if stop is None else iso(stop.since_ms),
            "by": None if stop is None else stop.by,
            "orgsStopped": stops.orgs,
        }

    def of(org: int) -> dict[str, Any]:
        stop = stops.of(org)
        return {
            "orgId": org,
            "stopped": stop is not None,
            "since": None if stop is None else iso(stop.since_ms),
            "by": None if stop is None else stop.by,
            "everythingStopped": stops.of(EVERYTHING) is not None,
        }

    def named(request: Request, org_id: str, scope: str) -> tuple[int, str]:
        """The org of the path, if the caller may speak for it, and the caller."""
        caller = services.caller(request, scope)
        number = int(org_id) if org_id.isascii() and org_id.isdigit() and len(org_id) < 17 else 0
        if number == caller.org or (caller.platform and services.orgs.get(number) is not None):
            return number, caller.credential
        raise refused(
            404,
            "not_found",
            "orgId must be an org that the credential may act for; got "
            f'"{org_id[:40]}", which is not there. Check the id. (not_found, field orgId)',
            "orgId",
        )

    @router.post("/stop", summary="Stop sending for all orgs")
    async def stop_all(request: Request) -> Response:
        """Events are accepted as ever; no attempt starts once this is answered."""
        by = services.platform(request, "admin:write").credential
        await stops.stop(EVERYTHING, by)
        return answer(everything())

    @router.post("/start", summary="Let sending go on for all orgs")
    async def start_all(request: Request) -> Response:
        """Orgs that were stopped by a switch of their own stay stopped."""
        services.platform(request, "admin:write")
        await stops.start(EVERYTHING)
        return answer(everything())

    @router.get("/stop", summary="Whether sending is stopped for all orgs")
    async def get_all(request: Request) -> Response:
        services.platform(request, "admin:read")
        return answer(everything())

    @router.post("/orgs/{org_id}/stop", summary="Stop sending for an org")
    async def stop_one(request: Request, org_id: str) -> Response:
        """For the webhooks of this org; those of orgs below it go on."""
        org, by = named(request, org_id, "admin:write")
        await stops.stop(org, by)
        return answer(of(org))

    @router.post("/orgs/{org_id}/start", summary="Let sending go on for an org")
    async def start_one(request: Request, org_id: str) -> Response:
        org, _ = named(request, org_id, "admin:write")
        await stops.start(org)
        return answer(of(org))

    @router.get("/orgs/{org_id}/stop", summary="Whether sending is stopped for an org")
    async def get_one(request: Request, org_id: str) -> Response:
        org, _ = named(request, org_id, "admin:read")
        return answer(of(org))

    return router
