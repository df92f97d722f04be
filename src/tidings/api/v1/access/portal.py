"""`/v1/orgs/{orgId}/portal-links`: links that open a brand's console inside another product."""

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.description import Model, described
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, new_body, refusals
from tidings.api.v1.access.credentials import NO_STORE
from tidings.api.v1.orgs import org_caller
from tidings.core.access import portal_rules
from tidings.core.access.portal_rules import read_portal
from tidings.core.times import iso
from tidings.errors import passed

PAGE = "/console/portal"


class PortalLink(Model):
    """A link, shown this once."""

    url: str = Field(description="For the browser of one person; it opens once.")
    expiresAt: str


BODY = new_body(
    "What a link opens.",
    portal_rules.Portal,
    portal_rules.PortalLinkFields,
    example={
        "name": "Acme Loyalty",
        "role": "operator",
        "colour": "#0b6e4f",
        "embedIn": ["https://app.acme.example"],
    },
)
BAD = refusals(s400="The body is refused", s429="Too many links wait to be opened")


def portal_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(
        prefix="/v1/orgs/{org_id}/portal-links", tags=["portals"], responses=V1_ERRORS
    )

    @router.post(
        "",
        summary="Make a link to an org's portal",
        status_code=201,
        openapi_extra=BODY | KEYED,
        responses={201: described(PortalLink, "Shown once"), **BAD},
    )
    async def create(request: Request, org_id: str) -> Response:
        """Open it at once, in a frame or a window: it begins a session of up to 8 hours, in this
        org alone, that ends with the calling credential."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        read = passed(read_portal(org.id, await read_object(request)))
        token, ends_ms = await services.access.portals.make_link(caller, *read)
        url = f"{services.reached_at(request)}{PAGE}?link={token}"
        return answer({"url": url, "expiresAt": iso(ends_ms)}, 201, NO_STORE)

    return router
