"""`/v1/orgs`: the tenants, for the platform's own credential."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer
from tidings.api.context import Services, iso, read_object
from tidings.api.models import ORG_BODY, V1_ERRORS
from tidings.engine.orgs import OrgRefused
from tidings.store.port import Org


def org_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/orgs", tags=["orgs"], responses=V1_ERRORS)

    @router.post("", summary="Create an org", status_code=201, openapi_extra=ORG_BODY)
    async def create(request: Request) -> Response:
        services.platform(request, "admin:write")
        body = await read_object(request)
        try:
            wanted = body.get("id", body.get("orgId"))
            org = await services.orgs.create(body.get("name"), wanted, body.get("parent"))
        except OrgRefused as wrong:
            status = 409 if wrong.refusal.code == "org_exists" else 400
            raise Refused(status, [wrong.refusal]) from None
        return answer(_show(org), 201)

    @router.get("", summary="List all orgs")
    async def list_all(request: Request) -> Response:
        services.platform(request, "admin:read")
        return answer({"orgs": [_show(org) for org in services.orgs.all()]})

    return router


def _show(org: Org) -> dict[str, Any]:
    return {
        "id": org.id,
        "name": org.name,
        "parent": org.parent,
        "timeZone": org.time_zone,
        "createdAt": iso(org.created_ms) if org.created_ms else None,
    }
