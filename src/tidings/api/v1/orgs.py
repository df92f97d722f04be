"""`/v1/orgs`: the tenants. The platform's credential sees all, an org's own its own."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, answer, refused
from tidings.api.context import Services, iso, read_object
from tidings.api.described import described
from tidings.api.models import V1_ERRORS, body_of
from tidings.api.v1 import access_models as models
from tidings.core.events.calls import Caller
from tidings.core.form import came
from tidings.core.org_settings import settings_of, show_settings
from tidings.engine.orgs import OrgRefused
from tidings.store.port import Org

NEW_BODY = body_of(
    models.NewOrg, example={"name": "Acme", "parent": None, "timeZone": "Asia/Kolkata"}
)
CHANGE_BODY = body_of(
    models.OrgChange, example={"settings": {"validation": "lenient", "unknownTypes": "admitted"}}
)
BAD = models.refusals(s400="The body is refused")


def org_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/orgs", tags=["orgs"], responses=V1_ERRORS)

    @router.post(
        "",
        summary="Create an org",
        status_code=201,
        openapi_extra=NEW_BODY,
        responses={
            201: described(models.Org, "The org"),
            **BAD,
            **models.refusals(s409="The id is taken"),
        },
    )
    async def create(request: Request) -> Response:
        services.platform(request, "admin:write")
        body = await read_object(request)
        wanted, name = body.pop("id", body.pop("orgId", None)), body.pop("name", None)
        try:
            org = await services.orgs.create(name, wanted, body.pop("parent", None), body)
        except OrgRefused as wrong:
            raise _refused(wrong) from None
        return answer(_show(services, org), 201)

    @router.get(
        "",
        summary="List all orgs",
        responses={200: described(models.SeveralOrgs, "All orgs, by id")},
    )
    async def list_all(request: Request) -> Response:
        """For the platform's own credential."""
        services.platform(request, "admin:read")
        return answer({"orgs": [_show(services, org) for org in services.orgs.all()]})

    @router.get(
        "/{org_id}",
        summary="Get an org",
        responses={200: described(models.Org, "The org")},
    )
    async def get(request: Request, org_id: str) -> Response:
        _, org = org_caller(services, request, "admin:read", org_id)
        return answer(_show(services, org))

    @router.patch(
        "/{org_id}",
        summary="Change an org",
        openapi_extra=CHANGE_BODY,
        responses={200: described(models.Org, "The org"), **BAD},
    )
    async def change(request: Request, org_id: str) -> Response:
        """What is left out stays. In force for every event accepted after the answer."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request)
        try:
            changed = await services.orgs.change(org.id, body, platform=caller.platform)
        except OrgRefused as wrong:
            raise _refused(wrong) from None
        return answer(_show(services, changed))

    return router


def org_caller(services: Services, request: Request, scope: str, org_id: str) -> tuple[Caller, Org]:
    """Who calls, and the org of the path. 404 for one that is not there, or not the caller's."""
    caller = services.caller(request, scope)
    known = org_id.isascii() and org_id.isdigit() and len(org_id) <= 16
    org = services.orgs.get(int(org_id)) if known else None
    if org is None or not (caller.platform or caller.org == org.id):
        raise refused(
            404,
            "not_found",
            f"orgId must be the id of an org that the credential may see; got {came(org_id)}. "
            "Take the credential's own org. (not_found, field orgId)",
            "orgId",
        )
    return caller, org


def _refused(wrong: OrgRefused) -> Refused:
    status = {"org_exists": 409, "operators_only": 403}.get(str(wrong.refusal.code), 400)
    return Refused(status, wrong.refusals)


def _show(services: Services, org: Org) -> dict[str, Any]:
    return {
        "id": org.id,
        "name": org.name,
        "parent": org.parent,
        "timeZone": org.time_zone,
        "settings": show_settings(settings_of(org.settings)),
        "notified": [
            {"address": address, "state": state}
            for address, state in services.consents.states(org.id)
        ],
        "createdAt": iso(org.created_ms) if org.created_ms else None,
    }
