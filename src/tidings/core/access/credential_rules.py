"""How a credential may be asked for: the body of its creation, change and rotation."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from tidings.core import overlap
from tidings.core.access.scopes import read_scopes
from tidings.core.form import Form, came, visible
from tidings.core.overlap import read_overlap
from tidings.errors import Refusal

KINDS = ("key", "till", "oauth")
NAME_MAX = 255
PASSWORD_MIN, PASSWORD_MAX = 12, 256
RATE_MAX = 1_000_000
LATEST_MS = 253_402_300_799_000  # the year 9999

_TILL_CODE = re.compile(r"[A-Za-z0-9_.@-]{1,128}")
_CREATE = frozenset(("kind", "name", "scopes", "expiresAt", "limits", "code", "password"))
_CHANGE = frozenset(("name", "scopes", "expiresAt", "limits"))
_ROTATE = frozenset((overlap.FIELD, overlap.ALIAS, "password"))


class CredentialRequest(msgspec.Struct, frozen=True):
    """A credential as a body asks for it."""

    name: str = ""
    scopes: str = ""
    expires_ms: int | None = None
    calls_per_minute: float | None = None
    events_per_s: float | None = None
    kind: str = "key"
    code: str = ""  # of a till
    password: str | None = None  # of a till; None: one is made

    def __repr__(self) -> str:
        """Without the password."""
        return f"Wanted(name={self.name!r}, kind={self.kind!r})"


def read_new(body: dict[str, Any], now_ms: int) -> CredentialRequest | list[Refusal]:
    """What a creation asks for, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_CREATE)
    kind = form.choice("kind", KINDS, "key", "bad_kind")
    if "scopes" not in body:
        form.refuse(
            "bad_scopes",
            "scopes",
            "scopes must say what the credential may do; got nothing. Write "
            '{"events": "write", "logs": "read"}.',
        )
    wanted = _common(form, CredentialRequest(), now_ms)
    code, password = "", None
    if kind == "till":
        code = _till_code(form)
        password = read_password(form)
    elif "code" in body or "password" in body:
        form.refuse(
            "not_a_till",
            "code" if "code" in body else "password",
            f"code and password must come with kind till alone; got kind {kind}. Leave them out: "
            "key and secret are made.",
        )
    return form.refusals or msgspec.structs.replace(wanted, kind=kind, code=code, password=password)


def read_change(
    body: dict[str, Any], old: CredentialRequest, now_ms: int
) -> CredentialRequest | list[Refusal]:
    """What a change asks for over the old, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_CHANGE)
    wanted = _common(form, old, now_ms)
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


def read_name(form: Form, old: str, advice: str) -> str:
    """The field `name`; `old` where the body does not say."""
    if "name" not in form.body:
        return old
    value = form.body["name"]
    if not isinstance(value, str) or len(value) > NAME_MAX or not visible(value):
        form.refuse(
            "bad_name",
            "name",
            f"name must be text of at most {NAME_MAX} visible characters; got {came(value)}. "
            + advice,
        )
        return old
    return value.strip()


def _common(form: Form, old: CredentialRequest, now_ms: int) -> CredentialRequest:
    name = read_name(form, old.name, "Say who uses it.")
    scopes = read_scopes(form, old.scopes)
    expires_ms = _expiry(form, old.expires_ms, now_ms)
    calls, events = _limits(form, old)
    return msgspec.structs.replace(
        old,
        name=name,
        scopes=scopes,
        expires_ms=expires_ms,
        calls_per_minute=calls,
        events_per_s=events,
    )


def _expiry(form: Form, old: int | None, now_ms: int) -> int | None:
    if "expiresAt" not in form.body:
        return old
    value = form.body["expiresAt"]
    if value is None:
        return None
    moment = _moment(value)
    if moment is None or not now_ms < moment <= LATEST_MS:
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


def _limits(form: Form, old: CredentialRequest) -> tuple[float | None, float | None]:
    was = old.calls_per_minute, old.events_per_s
    if "limits" not in form.body:
        return was
    value = form.body["limits"]
    if value is None:
        return None, None
    if not isinstance(value, dict):
        form.refuse(
            "bad_limits",
            "limits",
            f"limits must be an object of callsPerMinute and eventsPerSecond; got {came(value)}. "
            'Write {"eventsPerSecond": 50}.',
        )
        return was
    inner = Form(value)
    inner.refuse_unknown(("callsPerMinute", "eventsPerSecond"))
    advice = "Write null for the usual."
    calls = inner.bounded("callsPerMinute", 1, RATE_MAX, was[0], advice)
    events = inner.bounded("eventsPerSecond", 0.1, RATE_MAX, was[1], advice)
    form.take_in(inner, "limits.")
    return calls, events


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
