"""`/v1/orgs/{orgId}/credentials`: who may call for an org, and what each may do; and `/v1/caller`:
who calls, and for which org, so that a program need not be told it twice."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.models import change_body, new_body
from tidings.api.paging import WHOLE
from tidings.api.route import KNOWN, ok
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.access import models
from tidings.api.v1.orgs import org_of
from tidings.core.access.credential_rules import CredentialRequest, CredentialRotation
from tidings.core.access.scopes import show_scopes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.overlap import ONE_NAME
from tidings.core.times import iso
from tidings.reads.access import show_credential
from tidings.schema.bodies import CLOSED
from tidings.store.port import StoredCredential

NO_STORE = {"cache-control": "no-store"}
NEW_BODY = new_body(
    "What creates a credential.",
    CredentialRequest,
    more=models.OF_TILLS,
    example={
        "kind": "key",
        "name": "loyalty engine",
        "scopes": {"events": "write", "logs": "read"},
    },
)
CHANGE_BODY = change_body(
    "What changes a credential; what is left out stays.",
    CredentialRequest,
    example={"limits": {"eventsPerSecond": 50}},
)
ROTATE_BODY = new_body(
    "What rotates a credential.",
    CredentialRotation,
    more=CLOSED | ONE_NAME,
    example={"overlapInHours": 24},
)
ONE = ok("The credential", models.Credential)
BAD = {400: "The body is refused", 409: "Not as things stand"}


def credential_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of an org's credentials over the services."""
    route = Routes(services, tag="credentials")
    credentials = services.access.credentials

    @route(
        "GET",
        "/v1/orgs/{org_id}/credentials",
        id="listCredentials",
        scope="admin:read",
        summary="List the credentials of an org",
        answers=ok("Oldest first", models.SeveralCredentials),
    )
    async def list_all(caller: AuthenticatedCaller, org_id: str) -> Response:
        """Revoked ones too; never a secret."""
        org = org_of(services, caller, org_id)
        return answer(
            {
                "credentials": [
                    _show(services, credential) for credential in credentials.list(caller, org.id)
                ]
            }
            | WHOLE
        )

    @route(
        "POST",
        "/v1/orgs/{org_id}/credentials",
        id="createCredential",
        scope="admin:write",
        summary="Create a credential",
        answers=ok("Shown once", models.CredentialWithSecret, 201),
        refuses=BAD,
        body=NEW_BODY,
        keyed=True,
    )
    async def create(request: Request, caller: AuthenticatedCaller, org_id: str) -> Response:
        """The secret is in this answer and in no other one."""
        org = org_of(services, caller, org_id)
        body = await read_object(request)
        made, secret = await credentials.create(caller, org.id, body)
        return answer(_show(services, made) | {"secret": secret}, 201, NO_STORE)

    @route(
        "GET",
        "/v1/orgs/{org_id}/credentials/{credential_id}",
        id="getCredential",
        scope="admin:read",
        summary="Get a credential",
        answers=ONE,
    )
    async def get(caller: AuthenticatedCaller, org_id: str, credential_id: str) -> Response:
        org = org_of(services, caller, org_id)
        return answer(_show(services, credentials.get(caller, org.id, credential_id)))

    _add_changes(route, services)
    return route.made


def _add_changes(route: Routes, services: Services) -> None:
    """Add the routes that change one credential."""
    credentials = services.access.credentials

    @route(
        "PATCH",
        "/v1/orgs/{org_id}/credentials/{credential_id}",
        id="updateCredential",
        scope="admin:write",
        summary="Change a credential",
        answers=ONE,
        refuses=BAD,
        body=CHANGE_BODY,
    )
    async def change(
        request: Request, caller: AuthenticatedCaller, org_id: str, credential_id: str
    ) -> Response:
        """Change a credential; what the body leaves out stays. In force when it is answered."""
        org = org_of(services, caller, org_id)
        body = await read_object(request)
        return answer(
            _show(services, await credentials.change(caller, org.id, credential_id, body))
        )

    @route(
        "POST",
        "/v1/orgs/{org_id}/credentials/{credential_id}/rotate",
        id="rotateCredential",
        scope="admin:write",
        summary="Give a credential a new secret",
        answers=ok("Shown once", models.CredentialWithSecret),
        refuses=BAD,
        body=ROTATE_BODY,
        keyed=True,
    )
    async def rotate(
        request: Request, caller: AuthenticatedCaller, org_id: str, credential_id: str
    ) -> Response:
        """The old secret is taken for 24 hours too, unless `overlapInHours` says otherwise."""
        org = org_of(services, caller, org_id)
        body = await read_object(request, {})
        made, secret = await credentials.rotate(caller, org.id, credential_id, body)
        return answer(_show(services, made) | {"secret": secret}, 200, NO_STORE)

    @route(
        "DELETE",
        "/v1/orgs/{org_id}/credentials/{credential_id}",
        id="revokeCredential",
        scope="admin:write",
        summary="Revoke a credential",
        answers=ONE,
        refuses=BAD,
    )
    async def revoke(caller: AuthenticatedCaller, org_id: str, credential_id: str) -> Response:
        """For good, and at once: its tokens and sessions end with it. It stays in the list."""
        org = org_of(services, caller, org_id)
        return answer(_show(services, await credentials.revoke(caller, org.id, credential_id)))


def _show(services: Services, credential: StoredCredential) -> dict[str, Any]:
    return show_credential(credential, services.access.access.used_ms(credential))


def caller_routes(services: Services) -> list[EntryRoute]:
    """Build the route that tells callers who they are, over the services."""
    route = Routes(services, tag="credentials")

    @route(
        "GET",
        "/v1/caller",
        id="getCaller",
        scope=KNOWN,
        summary="Who calls, and for which org",
        answers=ok("Who calls", models.Caller),
    )
    async def who(caller: AuthenticatedCaller) -> Response:
        """The credential of this very call; `orgId` is its own org, or that of X-Tidings-Org."""
        credential = services.access.access.credential(caller.credential)
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

    return route.made
