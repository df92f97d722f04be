"""`POST /v3/oauth/token/generate`: the original's call for an access token."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import Services, read_object
from tidings.api.description import described
from tidings.api.http.front import address_of
from tidings.api.models import body_of
from tidings.api.v1.access import models
from tidings.api.v1.access.credentials import NO_STORE
from tidings.core.form import came
from tidings.engine.access.access import TOKEN_PATH

PART_MAX = 512
BODY = body_of(models.TokenRequest, example={"key": "tdk_…", "secret": "tds_…"})


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
        body = await read_object(request)
        key, secret = _part(body, "key"), _part(body, "secret")
        token, ttl_s = services.access.token(key, secret, address_of(request.scope))
        data = {"accessToken": token, "ttlSeconds": ttl_s}
        return answer({"data": data, "errors": None}, 200, NO_STORE)

    return router


def _part(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if isinstance(value, str) and 0 < len(value) <= PART_MAX:
        return value
    got = came(value) if not isinstance(value, str) else f"text of {len(value)} characters"
    raise refused(
        400,
        400,
        f"{field} must be the {field} of a credential of kind oauth; got {got}. Send "
        '{"key": "…", "secret": "…"}. ' + f"(400, field {field})",
        field,
    )
