"""`/v1/orgs/{orgId}/portal-links`: links that open a brand's console inside another product."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import RefusalAnswer, answer
from tidings.api.context import Services, read_object
from tidings.api.description import Model, described
from tidings.api.field_schemas import NAMED
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, body_of, refusals
from tidings.api.v1.access.credentials import NO_STORE
from tidings.api.v1.orgs import org_caller
from tidings.core.access.portal_rules import (
    LOGO_BYTES_MAX,
    MINUTES,
    MINUTES_MAX,
    NAME_MAX,
    ORIGINS_MAX,
    read_portal,
)
from tidings.reads.times import iso

PAGE = "/console/portal"


_HOST = "[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?"
_B = "[A-Za-z0-9+/]"  # base64
_LOGO = (
    f"^(https://{_HOST}(/[A-Za-z0-9._~!$&()*+,=:@%/?-]*)?"
    r"|data:image/(png|jpeg|gif|webp|svg\+xml);base64,"
    f"({_B}{{4}})*({_B}{{4}}|{_B}{{3}}=|{_B}{{2}}==))$"
)
Origin = Annotated[
    str,
    Field(pattern=rf"^(https://{_HOST}|http://(localhost|127\.0\.0\.1)(:[0-9]{{1,5}})?)$"),
]


class NewPortalLink(Model):
    """What a link opens."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=NAMED, max_length=NAME_MAX)] = Field(
        description="Of your product, as its users know it."
    )
    role: Literal["reader", "operator"] | None = "reader"
    expiresInMinutes: Annotated[float, Field(ge=1, le=MINUTES_MAX)] | None = Field(
        MINUTES, description="To be opened."
    )
    logo: Annotated[str, Field(pattern=_LOGO, max_length=2 * LOGO_BYTES_MAX)] | None = Field(
        None, description=f"An https URL, or a data: URI of at most {LOGO_BYTES_MAX} bytes."
    )
    colour: Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$")] | None = Field(
        None, description="Six hex digits behind #."
    )
    embedIn: Annotated[list[Origin], Field(max_length=ORIGINS_MAX)] | None = Field(
        [], description="Origins of pages that may hold it in a frame."
    )


class PortalLink(Model):
    """A link, shown this once."""

    url: str = Field(description="For the browser of one person; it opens once.")
    expiresAt: str


BODY = body_of(
    NewPortalLink,
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
        read = read_portal(org.id, await read_object(request))
        if isinstance(read, list):
            raise RefusalAnswer(400, read)
        token, ends_ms = await services.portals.make_link(caller, *read)
        url = f"{services.reached_at(request)}{PAGE}?link={token}"
        return answer({"url": url, "expiresAt": iso(ends_ms)}, 201, NO_STORE)

    return router
