"""How a credential may be asked for: the body of its creation, change and rotation.

Add a field here; the rest follows.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from tidings.core.access.scopes import SCOPES
from tidings.core.declaration import DeclaredField, Field, declared, read_body, read_resource
from tidings.core.field_types import Choice, CustomField, Nested, Number, ParsedField, TextType
from tidings.core.form import SIGN, Form, visible
from tidings.core.overlap import Rotation
from tidings.core.times import END_MS, iso
from tidings.errors import FieldRefusal
from tidings.values import describe_value

KINDS = ("key", "till", "oauth")
NAME_MAX = 255
PASSWORD_MIN, PASSWORD_MAX = 12, 256
RATE_MAX = 1_000_000
PART_MAX = 512  # characters of what asks for a token

_TILL_CODE = re.compile(r"[A-Za-z0-9_.@-]{1,128}")


def _length(value: object) -> str:
    """Describe what came without showing it where it may be a secret."""
    return f"text of {len(value)} characters" if isinstance(value, str) else describe_value(value)


def _password(value: object) -> str | None:
    fits = isinstance(value, str) and PASSWORD_MIN <= len(value) <= PASSWORD_MAX
    return str(value) if fits and visible(str(value)) else None


PASSWORD = ParsedField(
    _password,
    f"{PASSWORD_MIN} to {PASSWORD_MAX} visible characters",
    "bad_password",
    advice="Use several words.",
    got=_length,
    schema={
        "type": "string",
        "pattern": f"^{SIGN}*$",
        "minLength": PASSWORD_MIN,
        "maxLength": PASSWORD_MAX,
    },
)


class CredentialLimits(msgspec.Struct, frozen=True):
    """Limits of a credential, where they are not the usual ones."""

    calls_per_minute: Annotated[
        float | None,
        Field(
            "callsPerMinute",
            Number(1, RATE_MAX, "Write null for the usual."),
            "Of the control API; usually 1000.",
            label="Calls a minute",
            hint="Left out: 1,000.",
        ),
    ] = None
    events_per_s: Annotated[
        float | None,
        Field(
            "eventsPerSecond",
            Number(0.1, RATE_MAX, "Write null for the usual."),
            "Usually not limited.",
            label="Events a second",
            hint="Left out: no limit of its own.",
        ),
    ] = None


def _code(form: Form, field: DeclaredField, previous: str) -> str:
    kind = form.values["kind"]
    if kind == "till":
        value = form.body.get("code")
        if isinstance(value, str) and _TILL_CODE.fullmatch(value) and not value.startswith("tdk_"):
            return value
        form.refuse(
            "bad_code",
            "code",
            "code must be the till's code, 1 to 128 of A-Z a-z 0-9 _ . @ - and not tdk_…; got "
            f"{describe_value(value)}. Use the code that the till signs in with.",
        )
    elif "code" in form.body or "password" in form.body:
        form.refuse(
            "not_a_till",
            "code" if "code" in form.body else "password",
            f"code and password must be given only with kind till; got kind {kind}. Leave them "
            "out: key and secret are generated.",
        )
    return previous


def _till_password(form: Form, field: DeclaredField, previous: None) -> str | None:
    got: str | None = None
    if form.values["kind"] == "till":
        got = PASSWORD.read(form, field, previous)
    return got


def _expiry(form: "_Form", field: DeclaredField, previous: int | None) -> int | None:
    value = form.body.get("expiresAt")
    if value is None:
        return None if "expiresAt" in form.body else previous
    moment = _moment(value)
    if moment is None or not form.now_ms < moment < END_MS:
        form.refuse(
            "bad_expiry",
            "expiresAt",
            f"expiresAt must be a future time with a time zone; got {describe_value(value)}. Write "
            '"2030-12-31T00:00:00Z", or null for never.',
        )
    return moment


def _moment(value: object) -> int | None:
    """Return the milliseconds since the epoch of an ISO 8601 text with a zone; None for anything
    else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        return round(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


class CredentialRequest(msgspec.Struct, frozen=True):
    """A credential as a body asks for it."""

    name: Annotated[
        str,
        Field(
            "name",
            TextType(NAME_MAX, "bad_name", "Say who uses it.", null=False),
            "Which system uses it.",
            label="Name",
            hint="Which system uses it.",
            default="",
        ),
    ]
    scopes: Annotated[str, Field("scopes", SCOPES, "A level for each resource; left out is none.")]
    expires_ms: Annotated[
        int | None,
        Field(
            "expiresAt",
            CustomField(_expiry, schema={"type": "string", "format": "date-time"}, shows=iso),
            "When it ends: a future time with a time zone; null: never.",
            label="It ends at",
            hint="With its zone, as 2030-12-31T00:00:00Z; left out: never.",
        ),
    ] = None
    limits: Annotated[
        CredentialLimits,
        Field(
            "limits",
            Nested(
                CredentialLimits, "bad_limits", 'Write {"eventsPerSecond": 50}.', null_stays=False
            ),
            "null: the usual.",
        ),
    ] = CredentialLimits()
    kind: Annotated[
        str,
        Field(
            "kind",
            Choice(
                KINDS,
                "bad_kind",
                labels=(
                    "key: a key and a secret, sent as Basic",
                    "till: a till's code and password",
                    "oauth: a client that asks for tokens",
                ),
            ),
            "How its system calls: key and secret, a till's code and password, or OAuth tokens.",
            label="Kind",
            bodies="new",
        ),
    ] = "key"
    code: Annotated[
        str,
        Field(
            "code",
            CustomField(
                _code, schema={"type": "string", "pattern": f"^{_TILL_CODE.pattern}$"}, null=False
            ),
            "The code that a till signs in with. Required for tills only.",
            label="The till's code",
            bodies="new",
            answered=False,
        ),
    ] = ""
    password: Annotated[
        str | None,
        Field(
            "password",
            CustomField(_till_password, schema=PASSWORD.schema),
            "Of a till alone; made where it is absent.",
            label="Its password",
            hint="Left out: one is made.",
            bodies="new",
            answered=False,
        ),
    ] = None

    def __repr__(self) -> str:
        """Show it without the password."""
        return f"Wanted(name={self.name!r}, kind={self.kind!r})"


class CredentialRotation(Rotation, frozen=True):
    """The body that rotates a credential."""

    password: Annotated[
        str | None, Field("password", PASSWORD, "Of a till alone; made where it is absent.")
    ] = None

    def __repr__(self) -> str:
        """Show it without the password."""
        return f"CredentialRotation({self.overlap_h!r})"


CREDENTIAL = declared(CredentialRequest)


class _Form(Form):
    """A body of a credential, at a time."""

    def __init__(self, body: dict[str, Any], now_ms: int) -> None:
        super().__init__(body)
        self.now_ms = now_ms


def read_credential(
    body: dict[str, Any], now_ms: int, old: CredentialRequest | None = None
) -> CredentialRequest | list[FieldRefusal]:
    """Read a body, over the old credential if it changes one; return what it asks for, or
    everything that is wrong with it."""
    return read_body(CredentialRequest, _Form(body, now_ms), old)


def read_rotation(body: dict[str, Any], kind: str) -> CredentialRotation | list[FieldRefusal]:
    """Read the body of a rotation: for how long the old secret stays valid, and a till's new
    password if given. Return what is wrong with it instead, if anything is."""
    form = Form(body)
    if kind != "till" and "password" in body:
        form.refuse(
            "not_a_till",
            "password",
            f"password must be given only with kind till; got kind {kind}. Leave it out: a secret "
            "is generated.",
        )
    return read_body(CredentialRotation, form)


def _of_oauth(field: str) -> ParsedField:
    return ParsedField(
        lambda value: value if isinstance(value, str) and 0 < len(value) <= PART_MAX else None,
        f"the {field} of a credential of kind oauth",
        400,
        advice='Send {"key": "…", "secret": "…"}.',
        got=_length,
        schema={"type": "string", "minLength": 1, "maxLength": PART_MAX},
    )


class TokenRequest(msgspec.Struct, frozen=True):
    """The body that asks for an access token."""

    key: Annotated[str, Field("key", _of_oauth("key"))]
    secret: Annotated[str, Field("secret", _of_oauth("secret"))]

    def __repr__(self) -> str:
        """Show it without the secret."""
        return f"TokenRequest(key={self.key!r})"


def read_token_request(body: dict[str, Any]) -> TokenRequest | list[FieldRefusal]:
    """Read a body; return what it says, or everything that is wrong with it. Other fields are
    passed over, as the original does."""
    form = Form(body)
    wanted = read_resource(TokenRequest, form, None)
    return form.refusals or wanted
