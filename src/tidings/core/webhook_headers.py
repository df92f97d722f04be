"""Which headers a webhook may add to its requests.

Names are RFC 9110 tokens, values visible ASCII with spaces and tabs. Reserved are the headers that
frame a message, steer proxies, or that a receiver trusts because only Tidings sets them. A value is
never repeated in a message: it may be a credential.
"""

import re

from tidings.core.form import Form, came

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


def is_reserved(name: str) -> bool:
    """Whether only Tidings may set this header."""
    lower = name.lower()
    return lower in _RESERVED or lower.startswith(_RESERVED_STEMS)


def read_headers(form: Form, old: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The headers of a body in their order; `old` where it does not say."""
    value = form.body.get(_FIELD)
    if value is None:
        return old
    if value == []:
        return ()
    if not isinstance(value, dict):
        form.refuse(
            "bad_type",
            _FIELD,
            f"webHookHeaders must be an object of texts; got {came(value)}. Write "
            '{"Authorization": "Bearer …"}.',
        )
        return old
    kept: dict[str, tuple[str, str]] = {}
    for name, text in value.items():
        if name == "" and text in ("", None):  # what the original's form sends for "no header"
            continue
        if _fits(form, name, text, name.lower() in kept):
            kept[name.lower()] = (name, text.strip(" \t"))
    size = sum(len(name) + len(text) + 4 for name, text in kept.values())
    if size > HEADERS_BYTES_MAX or len(kept) > HEADERS_MAX:
        form.refuse(
            "headers_too_large",
            _FIELD,
            f"webHookHeaders must hold at most {HEADERS_MAX} headers and {HEADERS_BYTES_MAX} "
            f"bytes; got {len(kept)} and {size}. Remove what the receiver does not need.",
        )
    return tuple(kept.values())


def _fits(form: Form, name: str, text: object, known: bool) -> bool:
    place = f"{_FIELD}.{name[:64]}"
    if not _TOKEN.fullmatch(name):
        form.refuse(
            "bad_header_name",
            place,
            "A header's name must be 1 to 128 letters, digits or dashes; got "
            f"{came(name) if name.isprintable() else 'another sign'}. Write it as in X-Api-Key.",
        )
    elif is_reserved(name):
        form.refuse(
            "reserved_header",
            place,
            f"A header must not be one that Tidings or the connection sets; got {name}. Use a name "
            "of your own, such as X-Api-Key.",
        )
    elif not isinstance(text, str) or not _VALUE.fullmatch(text):
        got = "another sign" if isinstance(text, str) else came(text)
        form.refuse(
            "bad_header_value",
            place,
            f"A header's value must be text of visible ASCII signs, spaces and tabs; got {got}. "
            "Encode what is outside of ASCII.",
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
