"""Which headers a webhook may add to its requests.

Names are RFC 9110 tokens, values visible ASCII with spaces and tabs. Reserved are the headers that
frame a message, steer proxies, or that a receiver trusts because only Tidings sets them. A value is
never repeated in a message: it may be a credential.

What reads show of a value (core/webhooks/masks.py) may come back, and means the stored one. A
stored value goes to the receiver that it was stored for and to no other: whoever may change a
webhook, and not see its secrets, must not get them by another URL.
"""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from tidings.core.form import Form
from tidings.core.webhooks.masks import looks_masked, mask, masked
from tidings.values import describe_value

HEADERS_BYTES_MAX = 8192
HEADERS_MAX = 64

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_VALUE = re.compile(r"[\x20-\x7e\t]*")
_RESERVED = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade expect cookie "
    "forwarded accept-encoding".split()
)
_RESERVED_STEMS = ("proxy-", "webhook-", "x-forwarded-", "tidings-", "x-tidings-")
_FIELD = "webHookHeaders"
_PORTS = {"http": 80, "https": 443}

Headers = tuple[tuple[str, str], ...]


def _schema(value: str, *kinds: str) -> dict[str, Any]:
    """Build the schema of an object of texts; a nameless one without a text is passed over, and so
    is an empty list."""
    kind: str | list[str] = kinds[0] if len(kinds) == 1 else list(kinds)
    texts = {
        "type": "object",
        "maxProperties": HEADERS_MAX,
        "propertyNames": {"pattern": r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,128}$"},
        "properties": {"": {"type": ["string", "null"], "maxLength": 0}},
        "additionalProperties": {"type": kind, "pattern": value},
    }
    return {"anyOf": [texts, {"type": "array", "maxItems": 0}]}


_WHOLE, _SHOWN = r"^[\x20-\x7e\t]*$", r"^([\x20-\x7e\t]*|…[\x20-\x7e]{0,4})$"
NEW_SCHEMA = _schema(_WHOLE, "string")
CHANGE_SCHEMA = _schema(_SHOWN, "string")
"""A value as GET shows it means the stored one."""
PATCH_SCHEMA = _schema(_SHOWN, "string", "null")
"""A patch sets them name by name; null takes one away."""
ANSWER_SCHEMA = {"type": "object", "additionalProperties": {"type": "string"}}


def shown(headers: Headers) -> dict[str, str]:
    """Mask headers for reads: of each value its end."""
    return dict(masked(headers))


def is_reserved(name: str) -> bool:
    """Return whether only Tidings may set this header."""
    lower = name.lower()
    return lower in _RESERVED or lower.startswith(_RESERVED_STEMS)


def read_headers(form: Form, old: Headers) -> tuple[Headers, Collection[str]]:
    """Read the headers of a body in their order, and the names of those whose stored value stays;
    what does not fit is refused in the form.

    `old` are the stored ones; they stay if the body does not say, or says what reads show.
    """
    value = form.body.get(_FIELD)
    if value is None:
        return old, [name for name, _ in old]
    if value == []:
        return (), ()
    if not isinstance(value, dict):
        form.refuse(
            "bad_type",
            _FIELD,
            f"webHookHeaders must be an object of texts; got {describe_value(value)}. Write "
            '{"Authorization": "Bearer …"}.',
        )
        return old, ()
    stored = {name.lower(): text for name, text in old}
    kept: dict[str, tuple[str, str]] = {}
    stays: list[str] = []
    for name, text in value.items():
        if name == "" and text in ("", None):  # what the original's form sends for "no header"
            continue
        lower = name.lower()
        if lower in stored and text == mask(stored[lower]):
            text = stored[lower]  # noqa: PLW2901  # what was shown means what is stored
            stays.append(name)
        place = f"{_FIELD}.{name[:64]}"
        if header_fits(form, place, name, text, known=lower in kept):
            kept[lower] = (name, text.strip(" \t"))
    size = sum(len(name) + len(text) + 4 for name, text in kept.values())
    if size > HEADERS_BYTES_MAX or len(kept) > HEADERS_MAX:
        form.refuse(
            "headers_too_large",
            _FIELD,
            f"webHookHeaders must contain at most {HEADERS_MAX} headers and {HEADERS_BYTES_MAX} "
            f"bytes; got {len(kept)} and {size}. Remove what the receiver does not need.",
        )
    return tuple(kept.values()), stays


def refuse_elsewhere(form: Form, stays: Collection[str], old_url: str, url: str) -> None:
    """Refuse a change of the URL without the full values: a stored value goes to no other host than
    it was stored for."""
    if not stays or not url.strip() or same_origin(old_url, url):
        return
    form.refuse(
        "header_values_stay",
        _FIELD,
        "webHookHeaders must contain the full values when webHookUrl changes its scheme, host or "
        f"port; got a changed URL and no value for {_listed(stays)}. Stored values are sent only "
        "to the receiver that they were stored for: give each again, or remove the header.",
    )


def without_elsewhere(
    form: Form, headers: Headers, stays: Collection[str], old_url: str, url: str
) -> Headers:
    """Return the headers of a test message, and warn of those left out: a stored value goes to the
    stored URL alone."""
    if not stays or same_url(old_url, url):
        return headers
    form.warn(
        "header_values_left_out",
        _FIELD,
        "webHookUrl must be the stored one for stored values to be sent; got a different one. Left "
        f"out of this test: {_listed(stays)}. Give the full value to send it.",
    )
    left = {name.lower() for name in stays}
    return tuple(header for header in headers if header[0].lower() not in left)


def same_url(one: str, other: str) -> bool:
    """Return whether two URLs lead to the very same place."""
    if one == other:
        return True
    first, second = _split(one), _split(other)
    return first is not None and first == second


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs lead to the same scheme, host and port."""
    if one == other:
        return True
    first, second = _split(one), _split(other)
    return first is not None and second is not None and first[:3] == second[:3]


def _split(url: str) -> tuple[str, str, int, str] | None:
    """Split a URL into scheme, host, port and the rest; None if that cannot be told for sure."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not url.isascii() or not parts.hostname or port is None or "@" in parts.netloc:
        return None
    rest = (parts.path or "/") + (f"?{parts.query}" if "?" in url else "")
    return parts.scheme, parts.hostname.lower(), port, rest


def _listed(names: Collection[str]) -> str:
    shown = [describe_value(name) for name in list(names)[:5]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def header_fits(form: Form, place: str, name: str, text: object, *, known: bool) -> bool:
    """Return whether a header may be sent; told on the form where it may not. `known`: whether
    there is one of its name before it."""
    if not _TOKEN.fullmatch(name):
        form.refuse(
            "bad_header_name",
            place,
            "A header's name must be 1 to 128 letters, digits or dashes; got "
            f"{describe_value(name) if name.isprintable() else 'another character'}. Write it as "
            "in X-Api-Key.",
        )
    elif is_reserved(name):
        form.refuse(
            "reserved_header",
            place,
            f"A header must not be one that Tidings or the connection sets; got {name}. Use a name "
            "of your own, such as X-Api-Key.",
        )
    elif isinstance(text, str) and looks_masked(text):
        form.refuse(
            "masked_value",
            place,
            "A header's value must be complete, or the masked value that GET shows for this "
            "header; got another masked value. Write the value itself.",
        )
    elif not isinstance(text, str) or not _VALUE.fullmatch(text):
        got = "another sign" if isinstance(text, str) else describe_value(text)
        form.refuse(
            "bad_header_value",
            place,
            "A header's value must be text of visible ASCII characters, spaces and tabs; got "
            f"{got}. Encode everything outside ASCII.",
        )
    elif known:
        form.refuse(
            "duplicate_header",
            place,
            "A header must be given once, whatever its case; got it twice. Join both values with a "
            "comma, or remove one.",
        )
    else:
        return True
    return False
