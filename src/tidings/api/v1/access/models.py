"""Shapes of credentials, users and tokens for the OpenAPI description."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from tidings.api.description import Model
from tidings.api.field_schemas import ONE_OVERLAP, Given, MaybeName, Moment, OverlapAlias, Password
from tidings.api.models import Page
from tidings.core.ids import OrgId

Level = Literal["none", "read", "write"]
_PART = r"[^\s@<>\"',;:\\()\[\]\x00-\x20\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
Email = Annotated[str, Field(pattern=f"^{_PART}{{1,64}}@{_PART}{{1,189}}$", max_length=254)]


class Scopes(Model):
    """A level for each resource; left out is none."""

    model_config = ConfigDict(extra="forbid")

    webhooks: Level = "none"
    events: Level = "none"
    logs: Level = "none"
    reference: Level = "none"
    replay: Level = "none"
    admin: Level = "none"


class CredentialLimits(Model):
    """What a credential may do; null: the usual."""

    callsPerMinute: float | None = Field(None, description="Of the control API; usually 1000.")
    eventsPerSecond: float | None = Field(None, description="Usually not limited.")


class CredentialLimitsChange(Model):
    """What a credential may do; null: the usual."""

    model_config = ConfigDict(extra="forbid")

    callsPerMinute: Annotated[float, Field(ge=1, le=1_000_000)] | None = None
    eventsPerSecond: Annotated[float, Field(ge=0.1, le=1_000_000)] | None = None


class CredentialChange(Model):
    """What changes a credential; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: MaybeName = ""
    scopes: Scopes = Field(default_factory=Scopes, description="Replaces all levels.")
    expiresAt: Moment | None = Field(None, description="To come, with its zone; null: never.")
    limits: CredentialLimitsChange | None = None


class NewCredential(CredentialChange):
    """What creates a credential."""

    model_config = ConfigDict(
        json_schema_extra={
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
    )

    kind: Literal["key", "till", "oauth"] | None = "key"
    scopes: Scopes
    code: Annotated[str, Field(pattern="^[A-Za-z0-9_.@-]{1,128}$")] = Field(
        "", description="Of a till alone, which needs one: what it signs in with."
    )
    password: Password | None = Field(None, description="Of a till alone; made where it is absent.")


class Rotation(Model):
    """What rotates a credential."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=ONE_OVERLAP)

    overlapInHours: Annotated[float, Field(ge=0, le=720)] | None = Field(
        24, description="0: the old secret ends at once."
    )
    overlapHours: OverlapAlias = None
    password: Password | None = Field(None, description="Of a till alone; made where it is absent.")


class Credential(Model):
    """A credential without its secret."""

    id: str
    kind: Literal["key", "till", "oauth"]
    name: str
    platform: bool = Field(description="The platform's own: may act for any org.")
    scopes: Scopes
    limits: CredentialLimits
    createdAt: str | None
    createdBy: str
    expiresAt: str | None
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


Role = Literal["owner", "admin", "operator", "reader"]


class NewUser(Model):
    """What adds a user."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    name: MaybeName = ""
    role: Role | None = "reader"
    password: Password | None = Field(None, description="For the platform's credential.")


class UserChange(Model):
    """What changes a user; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: MaybeName = ""
    role: Role | None = None
    disabled: bool | None = None


class User(Model):
    """A person in an org."""

    id: str
    email: str
    name: str
    role: Role
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
