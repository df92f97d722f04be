"""`/v1/orgs`: the tenants. The platform's credential sees all, an org's own its own."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object
from tidings.api.description import Model, described
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, Page, change_body, new_body, refusals
from tidings.api.paging import WHOLE
from tidings.core.declaration import declared
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.org_rules import OrgRequest
from tidings.reads.orgs import show_org
from tidings.schema.answers import answer_model
from tidings.store.port import StoredOrg
from tidings.values import describe_value

OrgFields: Any = answer_model(Model, "OrgFields", declared(OrgRequest), "What an org is.")


class Notified(Model):
    """An address that the org names, and what its owner has said."""

    address: str
    state: Literal["confirmed", "asked", "waiting"] = Field(
        description="Letters go to confirmed addresses alone; the others' owners are asked by one."
    )


class Org(OrgFields):  # type: ignore[misc]
    """A tenant."""

    id: int
    notified: list[Notified] = Field(description="The addresses of settings.notify.")
    createdAt: str | None


class SeveralOrgs(Model):
    """All tenants."""

    orgs: list[Org]
    paging: Page


NEW_BODY = new_body(
    "What creates an org.",
    OrgRequest,
    example={"name": "Acme", "parent": None, "timeZone": "Asia/Kolkata"},
)
CHANGE_BODY = change_body(
    "What changes an org; what is left out stays.",
    OrgRequest,
    example={"settings": {"validation": "lenient", "unknownTypes": "admitted"}},
)
BAD = refusals(s400="The body is refused")


def org_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/orgs", tags=["orgs"], responses=V1_ERRORS)

    @router.post(
        "",
        summary="Create an org",
        status_code=201,
        openapi_extra=NEW_BODY | KEYED,
        responses={201: described(Org, "The org"), **BAD, **refusals(s409="The id is taken")},
    )
    async def create(request: Request) -> Response:
        services.platform(request, "admin:write")
        org = await services.orgs.make(await read_object(request))
        return answer(show_org(services.notices.consents, org), 201)

    @router.get(
        "", summary="List all orgs", responses={200: described(SeveralOrgs, "All orgs, by id")}
    )
    async def list_all(request: Request) -> Response:
        """For the platform's own credential."""
        services.platform(request, "admin:read")
        return answer(
            {"orgs": [show_org(services.notices.consents, org) for org in services.orgs.all()]}
            | WHOLE
        )

    @router.get("/{org_id}", summary="Get an org", responses={200: described(Org, "The org")})
    async def get(request: Request, org_id: str) -> Response:
        _, org = org_caller(services, request, "admin:read", org_id)
        return answer(show_org(services.notices.consents, org))

    @router.patch(
        "/{org_id}",
        summary="Change an org",
        openapi_extra=CHANGE_BODY,
        responses={200: described(Org, "The org"), **BAD},
    )
    async def change(request: Request, org_id: str) -> Response:
        """Change an org; what the body leaves out stays. In force for every event accepted after
        the answer."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request)
        changed = await services.orgs.change(org.id, body, platform=caller.platform)
        return answer(show_org(services.notices.consents, changed))

    return router


def org_caller(
    services: Services, request: Request, scope: str, org_id: str
) -> tuple[AuthenticatedCaller, StoredOrg]:
    """Return the caller, and the org of the path. 404 for one that is not there, or not the
    caller's."""
    caller = services.caller(request, scope)
    known = org_id.isascii() and org_id.isdigit() and len(org_id) <= 16
    org = services.orgs.get(OrgId(int(org_id))) if known else None
    if org is None or not (caller.platform or caller.org == org.id):
        raise refused(
            404,
            "not_found",
            "orgId must be the id of an org that the credential may see; got "
            f"{describe_value(org_id)}. Use the credential's own org.",
            field="orgId",
        )
    return caller, org
