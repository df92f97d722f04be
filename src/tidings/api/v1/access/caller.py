"""`/v1/caller`: who calls, and for which org, so that a program need not be told it twice."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, iso
from tidings.api.described import described
from tidings.api.models import V1_ERRORS, Responses
from tidings.api.v1 import access_models as models
from tidings.core.access.scopes import show_scopes

FOUND: Responses = {200: described(models.Caller, "Who calls")}


def caller_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(tags=["credentials"], responses=V1_ERRORS)

    @router.get("/v1/caller", summary="Who calls, and for which org", responses=FOUND)
    async def who(request: Request) -> Response:
        """The credential of this very call; `orgId` is its own org, or that of X-Tidings-Org."""
        caller = services.caller(request)
        credential = services.access.credential(caller.credential)
        assert credential is not None  # it was recognised in this moment
        return answer(
            {
                "credential": credential.id,
                "kind": credential.kind,
                "name": credential.name,
                "platform": caller.platform,
                "orgId": caller.org,
                "scopes": show_scopes(credential.scopes),
                "expiresAt": iso(credential.expires_ms),
            }
        )

    return router
