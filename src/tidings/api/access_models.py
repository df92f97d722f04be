"""Shapes of orgs, credentials, users and tokens for the OpenAPI description."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tidings.api.models import Error, Responses, inlined

Level = Literal["none", "read", "write"]
Validation = Literal["strict", "lenient", "off"]


def body_of(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` for a body that the code reads by itself."""
    schema = inlined(model.model_json_schema(ref_template="#/components/schemas/{model}"))
    content = {"schema": schema, "example": example}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


class Retention(BaseModel):
    """How many days data is kept."""

    payloadDays: int = Field(default=30, ge=9, description="Bodies, and what can be sent again.")
    responseDays: int = Field(default=7, ge=1, description="Answers of receivers.")
    metadataDays: int = Field(
        default=90, description="Deliveries and attempts; at least payloadDays."
    )


class OrgLimits(BaseModel):
    """What the org may do, over all its credentials."""

    eventsPerSecond: float | None = Field(default=None, description="null: no limit.")


class OrgSettings(BaseModel):
    """How the org's events are checked and kept."""

    validation: Validation = Field("strict", description="lenient: accepted with a warning.")
    validationByType: dict[str, Validation | None] = Field({}, description="null takes one away.")
    unknownTypes: Literal["refused", "admitted"] = "refused"
    retention: Retention = Field(
        default_factory=Retention, description="For the platform's credential."
    )
    limits: OrgLimits = Field(
        default_factory=OrgLimits, description="For the platform's credential."
    )
    notify: list[str] = Field([], description="E-mail addresses for operational events.")


class OrgChange(BaseModel):
    """What changes an org; what is left out stays."""

    name: str | None = None
    parent: int | None = Field(None, description="null: at the top. For the platform.")
    timeZone: str | None = Field(None, description="An IANA name, such as Asia/Kolkata.")
    settings: OrgSettings | None = None


class NewOrg(OrgChange):
    """What creates an org."""

    name: str
    id: int | None = Field(None, description="From 1; the next one where it is absent.")


class Org(BaseModel):
    """A tenant."""

    id: int
    name: str
    parent: int | None
    timeZone: str
    settings: OrgSettings
    createdAt: str | None


class SeveralOrgs(BaseModel):
    """All tenants."""

    orgs: list[Org]


class Scopes(BaseModel):
    """A level for each resource; left out is none."""

    model_config = ConfigDict(extra="forbid")

    webhooks: Level = "none"
    events: Level = "none"
    logs: Level = "none"
    reference: Level = "none"
    replay: Level = "none"
    admin: Level = "none"


class CredentialLimits(BaseModel):
    """What a credential may do; null: the usual."""

    callsPerMinute: float | None = Field(None, description="Of the control API; usually 1000.")
    eventsPerSecond: float | None = Field(None, description="Usually not limited.")


class CredentialChange(BaseModel):
    """What changes a credential; what is left out stays."""

    name: str | None = None
    scopes: Scopes | None = Field(None, description="Replaces all levels.")
    expiresAt: str | None = Field(None, description="A time with its zone; null: never.")
    limits: CredentialLimits | None = None


class NewCredential(CredentialChange):
    """What creates a credential."""

    kind: Literal["key", "till", "oauth"] = "key"
    scopes: Scopes
    code: str | None = Field(None, description="Of a till: what it signs in with.")
    password: str | None = Field(None, description="Of a till; made where it is absent.")


class Rotation(BaseModel):
    """What rotates a credential."""

    overlapInHours: float = Field(24, ge=0, le=720, description="0: the old secret ends at once.")
    password: str | None = Field(None, description="Of a till; made where it is absent.")


class Credential(BaseModel):
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


class SeveralCredentials(BaseModel):
    """All credentials of an org, revoked ones too."""

    credentials: list[Credential]


Role = Literal["owner", "admin", "operator", "reader"]


class NewUser(BaseModel):
    """What adds a user."""

    email: str
    name: str = ""
    role: Role = "reader"
    password: str | None = Field(None, description="For the platform's credential.")


class UserChange(BaseModel):
    """What changes a user; what is left out stays."""

    name: str | None = None
    role: Role | None = None
    disabled: bool | None = None


class User(BaseModel):
    """A person in an org."""

    id: str
    email: str
    name: str
    role: Role
    status: Literal["invited", "active", "disabled"]
    createdAt: str | None
    createdBy: str


class Invitation(BaseModel):
    """A link's token, shown this once."""

    token: str
    purpose: Literal["invite", "reset"]
    expiresAt: str


class UserWithInvitation(User):
    """A new user. The invitation is null where a password was set."""

    invitation: Invitation | None


class SeveralUsers(BaseModel):
    """All users of an org."""

    users: list[User]


class NewPassword(BaseModel):
    """A password by a link, or by the current one."""

    password: str
    token: str | None = Field(None, description="Of an invitation or a reset.")
    email: str | None = None
    currentPassword: str | None = None


class TokenRequest(BaseModel):
    """Key and secret of a credential of kind oauth."""

    key: str
    secret: str


class Token(BaseModel):
    """An access token."""

    accessToken: str
    ttlSeconds: int


class TokenAnswer(BaseModel):
    """The envelope of a token."""

    data: Token | None
    errors: list[dict[str, Any]] | None


def refusals(**texts: str) -> Responses:
    """Further refusals of `/v1`, by status: `s409="…"`."""
    return {int(name[1:]): {"model": Error, "description": text} for name, text in texts.items()}
