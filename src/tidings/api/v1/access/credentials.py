"""`/v1/orgs/{orgId}/credentials`: who may call for an org, and what each may do; and `/v1/caller`:
who calls, and for which org, so that a program need not be told it twice."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services, read_object
from tidings.api.description import described
from tidings.api.keyed import KEYED
from tidings.api.models import V1_ERRORS, Responses, change_body, new_body, refusals
from tidings.api.paging import WHOLE
from tidings.api.v1.access import models
from tidings.api.v1.orgs import org_caller
from tidings.core.access.credential_rules import CredentialRequest, CredentialRotation
from tidings.core.access.scopes import show_scopes
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
ONE: Responses = {200: described(models.Credential, "The credential")}
BAD = refusals(s400="The body is refused", s409="Not as things stand")
CALLER: Responses = {200: described(models.Caller, "Who calls")}


def credential_routes(services: Services) -> APIRouter:
    """The routes, over the services."""
    router = APIRouter(
        prefix="/v1/orgs/{org_id}/credentials", tags=["credentials"], responses=V1_ERRORS
    )
    credentials = services.access.credentials

    def show(credential: StoredCredential) -> dict[str, Any]:
        return show_credential(credential, services.access.access.used_ms(credential))

    @router.get(
        "",
        summary="List the credentials of an org",
        responses={200: described(models.SeveralCredentials, "Oldest first")},
    )
    async def list_all(request: Request, org_id: str) -> Response:
        """Revoked ones too; never a secret."""
        caller, org = org_caller(services, request, "admin:read", org_id)
        return answer(
            {"credentials": [show(credential) for credential in credentials.list(caller, org.id)]}
            | WHOLE
        )

    @router.post(
        "",
        summary="Create a credential",
        status_code=201,
        openapi_extra=NEW_BODY | KEYED,
        responses={201: described(models.CredentialWithSecret, "Shown once"), **BAD},
    )
    async def create(request: Request, org_id: str) -> Response:
        """The secret is in this answer and in no other one."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request)
        made, secret = await credentials.create(caller, org.id, body)
        return answer(show(made) | {"secret": secret}, 201, NO_STORE)

    @router.get("/{credential_id}", summary="Get a credential", responses=ONE)
    async def get(request: Request, org_id: str, credential_id: str) -> Response:
        caller, org = org_caller(services, request, "admin:read", org_id)
        return answer(show(credentials.get(caller, org.id, credential_id)))

    @router.patch(
        "/{credential_id}",
        summary="Change a credential",
        openapi_extra=CHANGE_BODY,
        responses=ONE | BAD,
    )
    async def change(request: Request, org_id: str, credential_id: str) -> Response:
        """Change a credential; what the body leaves out stays. In force when it is answered."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request)
        return answer(show(await credentials.change(caller, org.id, credential_id, body)))

    @router.post(
        "/{credential_id}/rotate",
        summary="Give a credential a new secret",
        openapi_extra=ROTATE_BODY | KEYED,
        responses={200: described(models.CredentialWithSecret, "Shown once"), **BAD},
    )
    async def rotate(request: Request, org_id: str, credential_id: str) -> Response:
        """The old secret is taken for 24 hours too, unless `overlapInHours` says otherwise."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        body = await read_object(request, {})
        made, secret = await credentials.rotate(caller, org.id, credential_id, body)
        return answer(show(made) | {"secret": secret}, 200, NO_STORE)

    @router.delete("/{credential_id}", summary="Revoke a credential", responses=ONE | BAD)
    async def revoke(request: Request, org_id: str, credential_id: str) -> Response:
        """For good, and at once: its tokens and sessions end with it. It stays in the list."""
        caller, org = org_caller(services, request, "admin:write", org_id)
        return answer(show(await credentials.revoke(caller, org.id, credential_id)))

    return router


def caller_routes(services: Services) -> APIRouter:
    """The route, over the services."""
    router = APIRouter(tags=["credentials"], responses=V1_ERRORS)

    @router.get("/v1/caller", summary="Who calls, and for which org", responses=CALLER)
    async def who(request: Request) -> Response:
        """The credential of this very call; `orgId` is its own org, or that of X-Tidings-Org."""
        caller = services.caller(request)
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

    return router
