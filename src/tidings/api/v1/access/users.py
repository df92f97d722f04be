"""`/v1/orgs/{orgId}/users`: the people of an org; and `/v1/passwords`, for these people."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.context import BODY_BYTES_MAX, Services, read_bytes, read_object
from tidings.api.http.front import address_of
from tidings.api.models import change_body, new_body
from tidings.api.paging import WHOLE
from tidings.api.route import DONE, OPEN, ok, usually
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.access import models
from tidings.api.v1.access.credentials import NO_STORE
from tidings.api.v1.orgs import org_of
from tidings.core.access.user_rules import PasswordChange, WantedUser, read_password_change
from tidings.core.cells.call_subject import Over
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.engine.access.guards.guarded_links import open_link
from tidings.engine.access.sessions import account_of
from tidings.engine.audit.current_actor import act_as, stranger
from tidings.errors import Throttled, passed
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
ONE = ok("The user", models.User)
BAD = {400: "The body is refused"}


def user_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of an org's users over the services."""
    route = Routes(services, tag="users")
    users = services.access.users

    @route(
        "GET",
        "/v1/orgs/{org_id}/users",
        id="listUsers",
        scope="admin:read",
        summary="List the users of an org",
        answers=ok("By e-mail address", models.SeveralUsers),
    )
    async def list_all(caller: AuthenticatedCaller, org_id: str) -> Response:
        org = org_of(services, caller, org_id)
        return answer({"users": [show_user(user) for user in users.list(org.id)]} | WHOLE)

    @route(
        "POST",
        "/v1/orgs/{org_id}/users",
        id="createUser",
        scope="admin:write",
        summary="Add a user to an org",
        answers=ok("Shown once", models.UserWithInvitation, 201),
        refuses=BAD | {409: "The org has this user"},
        body=NEW_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller, org_id: str) -> Response:
        """Pass the invitation on: who opens it sets the password that they sign in with here."""
        org = org_of(services, caller, org_id)
        body = await read_object(request)
        user, link = await users.create(caller, org.id, body)
        invitation = None if link is None else show_link(link)
        return answer(show_user(user) | {"invitation": invitation}, 201, NO_STORE)

    @route(
        "GET",
        "/v1/orgs/{org_id}/users/{user_id}",
        id="getUser",
        scope="admin:read",
        summary="Get a user",
        answers=ONE,
    )
    async def get(caller: AuthenticatedCaller, org_id: str, user_id: str) -> Response:
        org = org_of(services, caller, org_id)
        return answer(show_user(users.get(org.id, user_id)))

    _add_changes(route, services)
    return route.made


def _add_changes(route: Routes, services: Services) -> None:
    """Add the routes that change one user."""
    users = services.access.users

    @route(
        "PATCH",
        "/v1/orgs/{org_id}/users/{user_id}",
        id="updateUser",
        scope="admin:write",
        summary="Change a user",
        answers=ONE,
        refuses=usually(409) | BAD,
        body=CHANGE_BODY,
    )
    async def change(
        request: Request, caller: AuthenticatedCaller, org_id: str, user_id: str
    ) -> Response:
        """Change a user; what the body leaves out stays. In force for open sessions when it is
        answered."""
        org = org_of(services, caller, org_id)
        body = await read_object(request)
        return answer(show_user(await users.change(caller, org.id, user_id, body)))

    @route(
        "DELETE",
        "/v1/orgs/{org_id}/users/{user_id}",
        id="removeUser",
        scope="admin:write",
        summary="Take a user out of an org",
        answers=DONE,
        refuses=usually(409),
    )
    async def remove(caller: AuthenticatedCaller, org_id: str, user_id: str) -> Response:
        """Remove a user from the org; a person who is in no org any more is forgotten, with all
        sessions."""
        org = org_of(services, caller, org_id)
        await users.remove(caller, org.id, user_id)
        return Response(status_code=204)

    @route(
        "POST",
        "/v1/orgs/{org_id}/users/{user_id}/link",
        id="createUserLink",
        scope="admin:write",
        summary="A new invitation, or a reset of the password",
        answers=ok("Shown once", models.Invitation),
        refuses=usually(409),
        keyed=True,
    )
    async def link(
        request: Request, caller: AuthenticatedCaller, org_id: str, user_id: str
    ) -> Response:
        """An invitation until the user has accepted; then a reset, by the platform alone."""
        org = org_of(services, caller, org_id)
        await read_bytes(request, BODY_BYTES_MAX)  # it says nothing, but a key is of its body too
        made = await users.link(caller, org.id, user_id)
        return answer(show_link(made), 200, NO_STORE)


def password_routes(services: Services) -> list[EntryRoute]:
    """Build the route that people reach without a credential, with a link or their password."""
    route = Routes(services, tag="users", refuses={})

    @route(
        "POST",
        "/v1/passwords",
        over=Over.BODY,
        id="setPassword",
        scope=OPEN,
        summary="Set a password",
        answers=DONE,
        refuses=usually(403, 404, 409)
        | BAD
        | {
            401: "Address and current password are not known together",
            429: "Too many tries",
            503: "The store is not there now",
        },
        body=PASSWORD_BODY,
    )
    async def set_password(request: Request) -> Response:
        """With the token of an invitation or a reset, or with `email` and `currentPassword`.

        An invitation's password opens its own org, and all others where the person has set the same
        one. With a new password all sessions of the person end.
        """
        wanted = passed(read_password_change(await read_object(request)))
        address, now_s = address_of(request.scope), services.clock.now_ms() / 1000
        act_as(stranger("api", address))
        if wanted.token is not None:
            await open_link(
                services.access.guard,
                services.access.everywhere,
                services.access.sign_ins,
                now_s,
                address,
                wanted.token,
                wanted.password,
            )
            return Response(status_code=204)
        email, current = wanted.email or "", wanted.current or ""
        account = account_of(email)
        known = services.access.users.accounts_of(email)
        try:
            services.access.guard.enter(address, account, now_s)
        except Throttled:
            services.access.sign_ins.note_refusal("api", address, known)
            raise
        everywhere = services.access.everywhere
        if not await everywhere.change_password(email, current, wanted.password):
            services.access.sign_ins.note_refusal("api", address, known)
            raise refused(
                401,
                "not_known",
                "email and currentPassword must match; they do not. Check both.",
                field="currentPassword",
            )
        services.access.guard.succeeded(address, account, services.clock.now_ms() / 1000)
        return Response(status_code=204)

    return route.made
