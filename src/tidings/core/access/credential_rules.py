"""How a credential may be asked for: the body of its creation, change and rotation."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from tidings.core import overlap
from tidings.core.access.scopes import SCOPES
from tidings.core.declaration import (
    Choice,
    Field,
    Nested,
    Number,
    Part,
    Text,
    declared,
    read_resource,
)
from tidings.core.form import SIGN, Form, came, visible
from tidings.core.overlap import read_overlap
from tidings.errors import Refusal

KINDS = ("key", "till", "oauth")
NAME_MAX = 255
PASSWORD_MIN, PASSWORD_MAX = 12, 256
RATE_MAX = 1_000_000
LATEST_MS = 253_402_300_799_000  # the year 9999

_TILL_CODE = re.compile(r"[A-Za-z0-9_.@-]{1,128}")
_ROTATE = frozenset((overlap.FIELD, overlap.ALIAS, "password"))


PASSWORD = Part(
    lambda form, _field, _standing: read_password(form),
    {
        "type": "string",
        "pattern": f"^{SIGN}*$",
        "minLength": PASSWORD_MIN,
        "maxLength": PASSWORD_MAX,
    },
)


class CredentialLimits(msgspec.Struct, frozen=True):
    """What a credential may do, where that is not the usual."""

    calls_per_minute: Annotated[
        float | None,
        Field(
            "callsPerMinute",
            Number(1, RATE_MAX, "Write null for the usual."),
            "Of the control API; usually 1000.",
            "Calls a minute",
            "Left out: 1,000.",
        ),
    ] = None
    events_per_s: Annotated[
        float | None,
        Field(
            "eventsPerSecond",
            Number(0.1, RATE_MAX, "Write null for the usual."),
            "Usually not limited.",
            "Events a second",
            "Left out: no limit of its own.",
        ),
    ] = None


class CredentialRequest(msgspec.Struct, frozen=True):
    """A credential as a body asks for it."""

    name: Annotated[
        str,
        Field(
            "name",
            Text(NAME_MAX, "bad_name", "Say who uses it."),
            "Which system uses it.",
            "Name",
            "Which system uses it.",
            default="",
        ),
    ]
    scopes: Annotated[str, Field("scopes", SCOPES, "A level for each resource; left out is none.")]
    expires_ms: Annotated[
        int | None,
        Field(
            "expiresAt",
            Part(
                lambda form, _field, standing: _expiry(form, standing),
                {"type": "string", "format": "date-time"},
            ),
            "When it ends: a time to come, with its zone; null: never.",
            "It ends at",
            "With its zone, as 2030-12-31T00:00:00Z; left out: never.",
        ),
    ] = None
    limits: Annotated[
        CredentialLimits,
        Field(
            "limits",
            Nested(
                CredentialLimits,
                "bad_limits",
                'Write {"eventsPerSecond": 50}.',
                null_stays=False,
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
            "Kind",
            bodies="new",
        ),
    ] = "key"
    code: Annotated[
        str,
        Field(
            "code",
            Part(
                lambda form, _field, _standing: _code(form),
                {"type": "string", "pattern": f"^{_TILL_CODE.pattern}$"},
                lambda code: code or None,
                null=False,
            ),
            "Of a till alone, which needs one: what it signs in with.",
            "The till's code",
            bodies="new",
        ),
    ] = ""
    password: Annotated[
        str | None,
        Field(
            "password",
            replace(PASSWORD, reads=lambda form, _field, _standing: _password_of_till(form)),
            "Of a till alone; made where it is absent.",
            "Its password",
            "Left out: one is made.",
            bodies="new",
        ),
    ] = None

    def __repr__(self) -> str:
        """Without the password."""
        return f"Wanted(name={self.name!r}, kind={self.kind!r})"


CREDENTIAL = declared(CredentialRequest)
_CREATE = frozenset(one.name for one in CREDENTIAL if one.is_said(new=True))
_CHANGE = frozenset(one.name for one in CREDENTIAL if one.is_said(new=False))


class _Form(Form):
    """A body of a credential, at a time."""

    def __init__(self, body: dict[str, Any], now_ms: int) -> None:
        super().__init__(body)
        self.now_ms = now_ms


def read_new(body: dict[str, Any], now_ms: int) -> CredentialRequest | list[Refusal]:
    """What a creation asks for, or everything that is wrong with it."""
    form = _Form(body, now_ms)
    form.refuse_unknown(_CREATE)
    wanted = read_resource(CredentialRequest, form, None)
    return form.refusals or wanted


def read_change(
    body: dict[str, Any], old: CredentialRequest, now_ms: int
) -> CredentialRequest | list[Refusal]:
    """What a change asks for over the old, or everything that is wrong with it."""
    form = _Form(body, now_ms)
    form.refuse_unknown(_CHANGE)
    wanted = read_resource(CredentialRequest, form, old)
    return form.refusals or wanted


def read_rotation(body: dict[str, Any], kind: str) -> tuple[int, str | None] | list[Refusal]:
    """For how many milliseconds the old secret holds on, and a till's new password if given."""
    form = Form(body)
    form.refuse_unknown(_ROTATE)
    overlap_ms = read_overlap(form, "Write 0 for a secret that has leaked.")
    password = None
    if kind == "till":
        password = read_password(form)
    elif "password" in body:
        form.refuse(
            "not_a_till",
            "password",
            f"password must come with kind till alone; got kind {kind}. Leave it out: a secret is "
            "made.",
        )
    if form.refusals:
        return form.refusals
    return overlap_ms, password


def read_password(form: Form) -> str | None:
    """The field `password`, or None where there is none and one is to be made."""
    value = form.body.get("password")
    if value is None:
        return None
    fits = isinstance(value, str) and PASSWORD_MIN <= len(value) <= PASSWORD_MAX
    if not fits or not visible(value):
        got = f"text of {len(value)} characters" if isinstance(value, str) else came(value)
        form.refuse(
            "bad_password",
            "password",
            f"password must be {PASSWORD_MIN} to {PASSWORD_MAX} visible characters; got {got}. "
            "Take several words.",
        )
        return None
    return str(value)


def _code(form: Form) -> str:
    kind = form.values["kind"]
    if kind == "till":
        return _till_code(form)
    if "code" in form.body or "password" in form.body:
        form.refuse(
            "not_a_till",
            "code" if "code" in form.body else "password",
            f"code and password must come with kind till alone; got kind {kind}. Leave them out: "
            "key and secret are made.",
        )
    return ""


def _password_of_till(form: Form) -> str | None:
    return read_password(form) if form.values["kind"] == "till" else None


def _expiry(form: _Form, old: int | None) -> int | None:
    if "expiresAt" not in form.body:
        return old
    value = form.body["expiresAt"]
    if value is None:
        return None
    moment = _moment(value)
    if moment is None or not form.now_ms < moment <= LATEST_MS:
        form.refuse(
            "bad_expiry",
            "expiresAt",
            f"expiresAt must be a time to come, with its zone; got {came(value)}. Write "
            '"2030-12-31T00:00:00Z", or null for never.',
        )
        return old
    return moment


def _moment(value: object) -> int | None:
    """Milliseconds since the epoch of an ISO 8601 text with a zone."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        return round(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _till_code(form: Form) -> str:
    value = form.body.get("code")
    if isinstance(value, str) and _TILL_CODE.fullmatch(value) and not value.startswith("tdk_"):
        return value
    form.refuse(
        "bad_code",
        "code",
        "code must be the till's code, 1 to 128 of A-Z a-z 0-9 _ . @ - and not tdk_…; got "
        f"{came(value)}. Take the code that the till signs in with.",
    )
    return ""
