"""`POST /v3/oauth/token/generate`: the original's call for an access token."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.description import described
from tidings.api.http.front import address_of
from tidings.api.models import new_body
from tidings.api.v1.access import models
from tidings.api.v1.access.credentials import NO_STORE
from tidings.core.access.credential_rules import TokenRequest, read_token_request
from tidings.engine.access.access import TOKEN_PATH
from tidings.errors import passed

BODY = new_body(
    "Key and secret of a credential of kind oauth.",
    TokenRequest,
    more={},
    example={"key": "tdk_…", "secret": "tds_…"},
)


def token_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(tags=["credentials"])

    @router.post(
        TOKEN_PATH,
        summary="An access token for an OAuth client",
        openapi_extra=BODY,
        responses={
            200: described(models.TokenAnswer, "The token"),
            400: described(models.TokenAnswer, "The body is refused"),
            401: described(models.TokenAnswer, "Not known together"),
        },
    )
    async def generate(request: Request) -> Response:
        """Send it as `X-CAP-API-OAUTH-TOKEN`, or as `Authorization: Bearer`."""
        wanted = passed(read_token_request(await read_object(request)))
        token, ttl_s = services.access.access.token(
            wanted.key, wanted.secret, address_of(request.scope)
        )
        data = {"accessToken": token, "ttlSeconds": ttl_s}
        return answer({"data": data, "errors": None}, 200, NO_STORE)

    return router
