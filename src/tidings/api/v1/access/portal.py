"""`/v1/orgs/{orgId}/portal-links`: links that open a brand's console inside another product."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.description import Model
from tidings.api.models import new_body
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.access.credentials import NO_STORE
from tidings.api.v1.orgs import org_of
from tidings.core.access import portal_rules
from tidings.core.access.portal_rules import read_portal
from tidings.core.events.call_reader import AuthenticatedCaller
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
BAD = {400: "The body is refused", 429: "Too many links wait to be opened"}


def portal_routes(services: Services) -> list[EntryRoute]:
    """Build the route that makes portal links, over the services."""
    route = Routes(services, tag="portals")

    @route(
        "POST",
        "/v1/orgs/{org_id}/portal-links",
        id="createPortalLink",
        scope="admin:write",
        summary="Make a link to an org's portal",
        answers=ok("Shown once", PortalLink, 201),
        refuses=BAD,
        body=BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller, org_id: str) -> Response:
        """Open it at once, in a frame or a window: it begins a session of up to 8 hours, in this
        org alone, that ends with the calling credential."""
        org = org_of(services, caller, org_id)
        read = passed(read_portal(org.id, await read_object(request)))
        token, ends_ms = await services.access.portals.make_link(caller, *read)
        url = f"{services.reached_at(request)}{PAGE}?link={token}"
        return answer({"url": url, "expiresAt": iso(ends_ms)}, 201, NO_STORE)

    return route.made
