"""`/v1/orgs/{orgId}/users`: the people of an org; and `/v1/passwords`, for these people."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import BODY_BYTES_MAX, Services, read_bytes, read_object
from tidings.api.description import described
from tidings.api.http.front import address_of
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, Responses, change_body, new_body, refusals
from tidings.api.paging import WHOLE
from tidings.api.v1.access import models
from tidings.api.v1.access.credentials import NO_STORE
from tidings.api.v1.orgs import org_caller
from tidings.core.access.user_rules import PasswordChange, WantedUser, read_password_change
from tidings.engine.access.guards.guarded_links import open_link
from tidings.engine.access.sessions import account_of
from tidings.errors import passed
from tidings.reads.access import show_link, show_user

NEW_BODY = new_body(
    "What adds a user.",
    WantedUser,
    example={"email": "asha@acme.example", "name": "Asha", "role": "operator"},
)
CHANGE_BODY = change_body(
    "What changes a user; what is left out stays.", WantedUser, example={"role": "reader"}
)
PASSWORD_BODY = new_body(
    "A password by a link, or by the current one.",
    PasswordChange,
    more=models.OF_A_LINK,
    example={"token": "lnk_…", "password": "several words of mine"},
)
ONE: Responses = {200: described(models.User, "The user")}
BAD = refusals(s400="The body is refused")


def user_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(prefix="/v1/orgs/{org_id}/users", tags=["users"], responses=V1_ERRORS)
    users = services.access.users

    @router.get(
        "",
        summary="List the users of an org",
        responses={200: described(models.SeveralUsers, "By e-mail address")},
    )
    async def list_all(request: Request, org_id: str) -> Response:
        _, org = org_caller(services, request, "admin:read", org_id)
        return answer({"users": [show_user(user) for user in users.list(org.id)]} | WHOLE)

    @router.post(
        "",
        summary="Add a user to an org",
        status_code=201,
        openapi_extra=NEW_BODY | KEYED,
        responses={
            201: described(models.UserWithInvitation, "Shown once"),
            **BAD,
            **refusals(s409="The org has this user"),
        },
    )
    async def create(request: Request, org_id: str) -> Response:
        """Pass the invitation on: who opens it sets the password that they sign in with here."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request)
        user, link = await users.create(caller, org.id, body)
        invitation = None if link is None else show_link(link)
        return answer(show_user(user) | {"invitation": invitation}, 201, NO_STORE)

    @router.get("/{user_id}", summary="Get a user", responses=ONE)
    async def get(request: Request, org_id: str, user_id: str) -> Response:
        _, org = org_caller(services, request, "admin:read", org_id)
        return answer(show_user(users.get(org.id, user_id)))

    @router.patch(
        "/{user_id}", summary="Change a user", openapi_extra=CHANGE_BODY, responses=ONE | BAD
    )
    async def change(request: Request, org_id: str, user_id: str) -> Response:
        """Change a user; what the body leaves out stays. In force for open sessions when it is
        answered."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request)
        return answer(show_user(await users.change(caller, org.id, user_id, body)))

    @router.delete("/{user_id}", summary="Take a user out of an org", status_code=204)
    async def remove(request: Request, org_id: str, user_id: str) -> Response:
        """Remove a user from the org; a person who is in no org any more is forgotten, with all
        sessions."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        await users.remove(caller, org.id, user_id)
        return Response(status_code=204)

    @router.post(
        "/{user_id}/link",
        summary="A new invitation, or a reset of the password",
        openapi_extra=KEYED,
        responses={200: described(models.Invitation, "Shown once")},
    )
    async def link(request: Request, org_id: str, user_id: str) -> Response:
        """An invitation until the user has accepted; then a reset, by the platform alone."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        await read_bytes(request, BODY_BYTES_MAX)  # it says nothing, but a key is of its body too
        made = await users.link(caller, org.id, user_id)
        return answer(show_link(made), 200, NO_STORE)

    return router


def password_routes(services: Services) -> APIRouter:
    """The route that people reach without a credential, with a link or their password."""
    router = APIRouter(prefix="/v1/passwords", tags=["users"])
    errors = BAD | refusals(
        s401="Address and current password are not known together",
        s429="Too many tries",
        s503="The store is not there now",
    )

    @router.post(
        "", summary="Set a password", status_code=204, openapi_extra=PASSWORD_BODY, responses=errors
    )
    async def set_password(request: Request) -> Response:
        """With the token of an invitation or a reset, or with `email` and `currentPassword`.

        An invitation's password opens its own org, and all others where the person has set the same
        one. With a new password all sessions of the person end.
        """
        wanted = passed(read_password_change(await read_object(request)))
        address, now_s = address_of(request.scope), services.clock.now_ms() / 1000
        if wanted.token is not None:
            await open_link(
                services.access.guard,
                services.access.users,
                now_s,
                address,
                wanted.token,
                wanted.password,
            )
            return Response(status_code=204)
        email, current = wanted.email or "", wanted.current or ""
        account = account_of(email)
        services.access.guard.enter(address, account, now_s)
        done = await services.access.users.change_password(email, current, wanted.password)
        if done is None:
            raise refused(
                401,
                "not_known",
                "email and currentPassword must match; they do not. Check both.",
                field="currentPassword",
            )
        services.access.guard.succeeded(address, account, services.clock.now_ms() / 1000)
        return Response(status_code=204)

    return router
