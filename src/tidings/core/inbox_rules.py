"""What a test inbox is called and answers with, read from a body. Pure.

An answer goes out from the service's own origin, where the console is too. It therefore has only
headers that no browser and no proxy acts on, and a type that no browser runs: an allow-list,
because what browsers act on is added to year by year.

Add a field here; the rest follows.
"""

import re
from collections.abc import Iterable
from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.field_types import CustomField, Nested, Number, ParsedField, TextType
from tidings.core.form import Form
from tidings.values import describe_value

NAME_MAX = 100
DELAY_MS_MAX = 60_000
BODY_MAX = 16_384
HEADERS_MAX = 20
_TYPE = "content-type"
TEXT = "text/plain; charset=utf-8"
# What receivers tell their senders with; browsers and proxies pass it on and do nothing.
_ADMITTED = frozenset(
    "content-type ratelimit ratelimit-limit ratelimit-policy ratelimit-remaining ratelimit-reset "
    "retry-after x-correlation-id x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset "
    "x-request-id".split()
)
_OWN = re.compile(r"x-test-[0-9a-z-]{1,57}")
_TYPES = re.compile(
    r"(application/json|application/problem\+json|text/plain)(?: *; *charset=\"?utf-8\"?)?",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[\x20-\x7e\t]{0,1024}")
Headers = tuple[tuple[str, str], ...]


def _headers(form: Form, _: object, old: Headers) -> Headers:
    headers = form.body.get("headers")
    if headers is None:
        return old
    if not isinstance(headers, dict) or len(headers) > HEADERS_MAX:
        form.refuse(
            "bad_headers",
            "headers",
            f"answer.headers must be an object of at most {HEADERS_MAX} texts; got "
            f'{describe_value(headers)}. Write {{"Retry-After": "30"}}.',
        )
        return old
    kept: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        if _fits(form, name, value, name.lower() in kept):
            kept[name.lower()] = (name, value)
    return tuple(kept.values())


def _fits(form: Form, name: str, value: object, known: bool) -> bool:
    place = f"headers.{name[:64]}"
    if not _is_admitted(name):
        form.refuse(
            "bad_header",
            place,
            "A header of an inbox's answer must be Content-Type, Retry-After, X-Request-Id, "
            "X-Correlation-Id, one of RateLimit and X-RateLimit, or have a name that begins with "
            f"X-Test-; got {describe_value(name)}. Leave it out: browsers or proxies may act on "
            "others.",
        )
    elif not isinstance(value, str) or not _VALUE.fullmatch(value):
        form.refuse(
            "bad_header",
            place,
            "A header's value must be at most 1024 visible ASCII characters; got something else. "
            "Write "
            '{"Retry-After": "30"}.',
        )
    elif name.lower() == _TYPE and not _TYPES.fullmatch(value):
        form.refuse(
            "bad_header",
            place,
            "The content type of an inbox's answer must be application/json, "
            f"application/problem+json or text/plain, in UTF-8; got {describe_value(value)}. Leave "
            "it out for text/plain.",
        )
    elif known:
        form.refuse(
            "bad_header",
            place,
            f"A header must be given once, whatever its case; got {describe_value(name)} twice. "
            "Remove one.",
        )
    else:
        return True
    return False


def _is_admitted(name: str) -> bool:
    lower = name.lower()
    return lower in _ADMITTED or _OWN.fullmatch(lower) is not None


def _text(value: object) -> str | None:
    fits = isinstance(value, str) and len(value.encode("utf-8", "replace")) <= BODY_MAX
    return str(value) if fits else None


_BODY = ParsedField(
    _text,
    f"text of at most {BODY_MAX} bytes",
    "bad_body",
    advice="Leave it out for none.",
    got=lambda value: (
        f"{len(value)} characters" if isinstance(value, str) else describe_value(value)
    ),
    schema={"type": "string", "maxLength": BODY_MAX},
    null=False,
)
_HEADERS = CustomField(
    _headers,
    schema={
        "type": "object",
        "propertyNames": {"pattern": r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$"},
        "additionalProperties": {
            "type": "string",
            "pattern": r"^[\x20-\x7e\t]*$",
            "maxLength": 1024,
        },
        "maxProperties": HEADERS_MAX,
    },
    shows=dict,
)


class InboxAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of the answer to every arrival."""

    status: Annotated[
        int,
        Field(
            "status",
            Number(200, 599, "Write 200 or 503.", whole=True),
            "The HTTP status.",
            label="Status",
            hint="200 to 599",
        ),
    ] = 200
    delay_ms: Annotated[
        int,
        Field(
            "delayMs",
            Number(0, DELAY_MS_MAX, "Write 2000 for 2 s.", whole=True),
            "How long it waits before it answers.",
            label="Delay in milliseconds",
            hint=f"0 to {DELAY_MS_MAX:,}",
        ),
    ] = 0
    body: Annotated[
        str,
        Field("body", _BODY, f"The text of the answer, at most {BODY_MAX:,} bytes.", label="Body"),
    ] = ""
    headers: Annotated[
        Headers,
        Field(
            "headers",
            _HEADERS,
            "Of Content-Type, Retry-After, X-Request-Id, X-Correlation-Id, RateLimit-… and "
            "X-RateLimit-…, and any X-Test-…. The type is application/json, "
            "application/problem+json or text/plain, which is also the default.",
            label="Headers",
            hint="One a line, as Retry-After: 30; names of your own begin with X-Test-. TextType, "
            "or JSON by Content-Type: application/json",
        ),
    ] = ()


PLAIN = InboxAnswer()


class ArrivalAnswer(msgspec.Struct, frozen=True):
    """The answer to one arrival, once `delay_s` are over."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay_s: float = 0.0


class InboxForm(msgspec.Struct, frozen=True):
    """The settings of a test inbox."""

    name: Annotated[
        str,
        Field(
            "name",
            TextType(NAME_MAX, "bad_name", "Leave it out for none.", signs="characters"),
            "What it is for.",
            label="Name of the inbox",
        ),
    ] = ""
    answer: Annotated[
        InboxAnswer,
        Field(
            "answer",
            Nested(
                InboxAnswer, "bad_type", 'Write {"status": 503, "delayMs": 2000}.', in_full=True
            ),
            "What every arrival is answered with.",
        ),
    ] = PLAIN


def harmless(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a stored answer that may go out; not all that earlier versions took
    may."""
    kept = {
        name.lower(): (name, value)
        for name, value in headers
        if _is_admitted(name) and _VALUE.fullmatch(value)
    }
    if _TYPE in kept and not _TYPES.fullmatch(kept[_TYPE][1]):
        del kept[_TYPE]
    return tuple(kept.values())


def typed(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers with the type spelt out, so that nothing is left to be guessed."""
    kept = {name.lower(): value for name, value in headers}
    kind = _TYPES.fullmatch(kept.get(_TYPE, ""))
    media_type = "text/plain" if kind is None else kind[1].lower()
    kept[_TYPE] = TEXT if media_type == "text/plain" else media_type
    return tuple(kept.items())
