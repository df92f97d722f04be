"""`POST /v3/oauth/token/generate`: the original's call for an access token."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.http.front import address_of
from tidings.api.models import new_body
from tidings.api.route import OPEN, AnswerForm, usually
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.access import models
from tidings.api.v1.access.credentials import NO_STORE
from tidings.core.access.credential_rules import TokenRequest, read_token_request
from tidings.core.cells.call_subject import Over
from tidings.engine.access.access import TOKEN_PATH
from tidings.errors import passed

BODY = new_body(
    "Key and secret of a credential of kind oauth.",
    TokenRequest,
    more={},
    example={"key": "tdk_…", "secret": "tds_…"},
)


def token_routes(services: Services) -> list[EntryRoute]:
    """Build the route that generates access tokens, over the services."""
    route = Routes(services, tag="credentials", refuses={})

    @route(
        "POST",
        TOKEN_PATH,
        over=Over.BODY,
        id="generateToken",
        scope=OPEN,
        summary="An access token for an OAuth client",
        answers=[
            AnswerForm(200, "The token", models.TokenAnswer),
            AnswerForm(400, "The body is refused", models.TokenAnswer),
            AnswerForm(401, "Not known together", models.TokenAnswer),
        ],
        refuses=usually(429),
        body=BODY,
    )
    async def generate(request: Request) -> Response:
        """Send it as `X-CAP-API-OAUTH-TOKEN`, or as `Authorization: Bearer`."""
        wanted = passed(read_token_request(await read_object(request)))
        token, ttl_s = services.access.access.token(
            wanted.key, wanted.secret, address_of(request.scope)
        )
        data = {"accessToken": token, "ttlSeconds": ttl_s}
        return answer({"data": data, "errors": None}, 200, NO_STORE)

    return route.made
