"""Shapes of credentials, users and tokens for the OpenAPI description."""

from typing import Any, Literal

from pydantic import Field, create_model

from tidings.api.description import Model
from tidings.api.models import Page
from tidings.core.access.credential_rules import CREDENTIAL
from tidings.core.access.scopes import LEVELS, RESOURCES
from tidings.core.access.user_rules import USER
from tidings.core.declaration import Json
from tidings.core.ids import OrgId
from tidings.schema.answers import answer_model
from tidings.schema.bodies import CLOSED

_LEVELS: dict[str, Any] = dict.fromkeys(RESOURCES, (Literal[LEVELS], ...))
Scopes: Any = create_model(
    "Scopes", __base__=Model, __doc__="A level for each resource.", **_LEVELS
)
_BESIDE_SCOPES = (field for field in CREDENTIAL if field.name != "scopes")
CredentialFields: Any = answer_model(
    Model, "CredentialFields", _BESIDE_SCOPES, "What a credential is."
)
UserFields: Any = answer_model(Model, "UserFields", USER, "Who a user is.")
OF_TILLS: Json = CLOSED | {
    "anyOf": [
        {"required": ["kind", "code"], "properties": {"kind": {"const": "till"}}},
        {
            "properties": {
                "kind": {"enum": ["key", "oauth", None]},
                "code": {"not": {}},
                "password": {"not": {}},
            }
        },
    ]
}
"""Of what makes a credential: code and password are a till's."""
OF_A_LINK: Json = CLOSED | {
    "anyOf": [
        {"required": ["token"], "properties": {"token": {"type": "string"}}},
        {"required": ["email", "currentPassword"], "properties": {"token": {"type": "null"}}},
    ]
}
"""Of what sets a password: it comes with a link, or with who it is and the current one."""


class Credential(CredentialFields):  # type: ignore[misc]
    """A credential without its secret."""

    id: str
    platform: bool = Field(description="The platform's own: may act for any org.")
    scopes: Scopes
    createdAt: str | None
    createdBy: str
    lastUsedAt: str | None = Field(description="Up to a minute late after a restart.")
    oldSecretUntil: str | None = Field(description="After a rotation.")
    revokedAt: str | None


class CredentialWithSecret(Credential):
    """A credential and its secret, shown this once."""

    secret: str = Field(description="Of a till, its password: it sends the MD5 of it, in hex.")


class Caller(Model):
    """The caller of a request."""

    credential: str = Field(description="Its id.")
    kind: Literal["key", "till", "oauth"]
    name: str
    platform: bool = Field(description="The platform's own: may act for any org.")
    orgId: OrgId = Field(description="The org that is acted for.")
    scopes: Scopes
    expiresAt: str | None


class SeveralCredentials(Model):
    """All credentials of an org, revoked ones too."""

    credentials: list[Credential]
    paging: Page


class User(UserFields):  # type: ignore[misc]
    """A person in an org."""

    id: str
    status: Literal["invited", "active", "disabled"]
    createdAt: str | None
    createdBy: str


class Invitation(Model):
    """A link's token, shown this once."""

    token: str
    purpose: Literal["invite", "reset"]
    expiresAt: str


class UserWithInvitation(User):
    """A new user. The invitation is null where a password was set."""

    invitation: Invitation | None


class SeveralUsers(Model):
    """All users of an org."""

    users: list[User]
    paging: Page


class Token(Model):
    """An access token."""

    accessToken: str
    ttlSeconds: int


class TokenAnswer(Model):
    """The envelope of a token."""

    data: Token | None
    errors: list[dict[str, Any]] | None
