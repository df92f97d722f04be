"""Shapes of credentials, users and tokens for the OpenAPI description."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from tidings.api.description import Model
from tidings.api.field_schemas import ONE_OVERLAP, Given, OverlapAlias, Password
from tidings.api.models import Page
from tidings.core.access.credential_rules import CREDENTIAL
from tidings.core.access.scopes import LEVELS, RESOURCES
from tidings.core.access.user_rules import USER
from tidings.core.ids import OrgId
from tidings.schema.answers import answer_model
from tidings.schema.bodies import CLOSED, change_schema, new_schema

_LEVELS: dict[str, Any] = dict.fromkeys(RESOURCES, (Literal[LEVELS], ...))
Scopes: Any = create_model(
    "Scopes", __base__=Model, __doc__="A level for each resource.", **_LEVELS
)
_SHOWN = (one for one in CREDENTIAL if one.name not in ("scopes", "code", "password"))
CredentialFields: Any = answer_model(Model, "CredentialFields", _SHOWN, "What a credential is.")
UserFields: Any = answer_model(
    Model,
    "UserFields",
    (one for one in USER if one.name not in ("disabled", "password")),
    "Who a user is.",
)
_OF_TILLS = {
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


def new_credential() -> dict[str, Any]:
    """What creates a credential."""
    return new_schema(CREDENTIAL, "What creates a credential.") | _OF_TILLS | CLOSED


def credential_change() -> dict[str, Any]:
    """What changes a credential."""
    about = "What changes a credential; what is left out stays."
    return change_schema(CREDENTIAL, about) | CLOSED


def new_user() -> dict[str, Any]:
    """What adds a user."""
    return new_schema(USER, "What adds a user.") | CLOSED


def user_change() -> dict[str, Any]:
    """What changes a user."""
    return change_schema(USER, "What changes a user; what is left out stays.") | CLOSED


class Rotation(Model):
    """What rotates a credential."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=ONE_OVERLAP)

    overlapInHours: Annotated[float, Field(ge=0, le=720)] | None = Field(
        24, description="0: the old secret ends at once."
    )
    overlapHours: OverlapAlias = None
    password: Password | None = Field(None, description="Of a till alone; made where it is absent.")


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
    """Who calls."""

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


class NewPassword(Model):
    """A password by a link, or by the current one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [
                {"required": ["token"], "properties": {"token": {"type": "string"}}},
                {
                    "required": ["email", "currentPassword"],
                    "properties": {"token": {"type": "null"}},
                },
            ]
        },
    )

    password: Password
    token: Given | None = Field(None, description="Of an invitation or a reset.")
    email: Given = Field("", description="Without a token; and then with currentPassword.")
    currentPassword: Given = ""


class TokenRequest(Model):
    """Key and secret of a credential of kind oauth."""

    key: Annotated[str, Field(min_length=1, max_length=512)]
    secret: Annotated[str, Field(min_length=1, max_length=512)]


class Token(Model):
    """An access token."""

    accessToken: str
    ttlSeconds: int


class TokenAnswer(Model):
    """The envelope of a token."""

    data: Token | None
    errors: list[dict[str, Any]] | None
