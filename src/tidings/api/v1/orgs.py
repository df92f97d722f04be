"""`/v1/orgs`: the tenants. The platform's credential sees all, an org's own its own."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.cells.orgs import ORGS_MAX, list_orgs
from tidings.api.context import Services, read_object
from tidings.api.description import Model
from tidings.api.models import Page, change_body, new_body
from tidings.api.route import PLATFORM, ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.declaration import declared
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.orgs.org_rules import OrgRequest
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
    """All tenants, or a page of them."""

    orgs: list[Org]
    paging: Page
    missingCells: list[int] | None = Field(
        default=None,
        description="The cells whose orgs are not here, because their owners have not answered; "
        "only there where an installation has several.",
    )


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
BAD = {400: "The body is refused"}


def org_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of orgs over the services."""
    route = Routes(services, tag="orgs")

    @route(
        "POST",
        "/v1/orgs",
        over=Over.NEW_FAMILY,
        id="createOrg",
        scope=PLATFORM + "admin:write",
        summary="Create an org",
        answers=ok("The org", Org, 201),
        refuses=BAD | {409: "The id is taken"},
        body=NEW_BODY,
        keyed=True,
    )
    async def create(request: Request) -> Response:
        org = await services.orgs.make(await read_object(request))
        return answer(show_org(services.notices.consents, org), 201)

    @route(
        "GET",
        "/v1/orgs",
        over=Over.EVERY_CELL,
        id="listOrgs",
        scope=PLATFORM + "admin:read",
        summary="List all orgs",
        answers=ok("All orgs, by id", SeveralOrgs),
    )
    async def list_all(
        limit: Annotated[
            int | None,
            Query(ge=1, le=ORGS_MAX, description="Rows of a page; left out: as many as may be."),
        ] = None,
        cursor: Annotated[
            str, Query(max_length=4096, description="paging.next of the page before.")
        ] = "",
    ) -> Response:
        """For the platform's own credential. One cell answers all of its orgs where no `limit` is
        given; an installation of several cells answers pages, by id over all of them.
        `missingCells` names those that have not answered: their orgs come on the pages that
        follow, once they do."""
        return await list_orgs(services, limit, cursor)

    @route(
        "GET",
        "/v1/orgs/{org_id}",
        id="getOrg",
        scope="admin:read",
        summary="Get an org",
        answers=ok("The org", Org),
    )
    async def get(caller: AuthenticatedCaller, org_id: str) -> Response:
        org = org_of(services, caller, org_id)
        return answer(show_org(services.notices.consents, org))

    @route(
        "PATCH",
        "/v1/orgs/{org_id}",
        id="updateOrg",
        scope="admin:write",
        summary="Change an org",
        answers=ok("The org", Org),
        refuses=BAD | {409: "The parent is in another cell"},
        body=CHANGE_BODY,
    )
    async def change(request: Request, caller: AuthenticatedCaller, org_id: str) -> Response:
        """Change an org; what the body leaves out stays. In force for every event accepted after
        the answer."""
        org = org_of(services, caller, org_id)
        body = await read_object(request)
        changed = await services.orgs.change(org.id, body, platform=caller.platform)
        return answer(show_org(services.notices.consents, changed))

    return route.made


def org_of(services: Services, caller: AuthenticatedCaller, org_id: str) -> StoredOrg:
    """Return the org of the path. 404 for one that is not there, or not the caller's."""
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
    return org
