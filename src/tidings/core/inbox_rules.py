"""What a test inbox is called and answers with, read from a body. Pure.

An answer goes out from the service's own origin, where the console is too. It therefore has only
headers that no browser and no proxy acts on, and a type that no browser runs: an allow-list,
because what browsers act on is added to year by year.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from tidings.core.declaration import (
    Field,
    Json,
    Nested,
    Number,
    Part,
    Text,
    declared,
    read_resource,
)
from tidings.core.form import Form, came
from tidings.errors import Refusal

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
_HEADERS: Json = {
    "type": "object",
    "propertyNames": {"pattern": r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$"},
    "additionalProperties": {
        "type": "string",
        "pattern": r"^[\x20-\x7e\t]*$",
        "maxLength": 1024,
    },
    "maxProperties": HEADERS_MAX,
}


class InboxAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every arrival is answered with."""

    status: Annotated[
        int,
        Field(
            "status",
            Number(200, 599, "Write 200 or 503.", whole=True),
            "The HTTP status.",
            "Status",
            "200 to 599",
        ),
    ] = 200
    delay_ms: Annotated[
        int,
        Field(
            "delayMs",
            Number(0, DELAY_MS_MAX, "Write 2000 for 2 s.", whole=True),
            "How long it waits before it answers.",
            "Delay in milliseconds",
            f"0 to {DELAY_MS_MAX:,}",
        ),
    ] = 0
    body: Annotated[
        str,
        Field(
            "body",
            Part(
                lambda form, _, standing: _body(form, standing),
                {"type": "string", "maxLength": BODY_MAX},
                answers={"type": "string"},
                null=False,
            ),
            f"The text of the answer, at most {BODY_MAX:,} bytes.",
            "Body",
        ),
    ] = ""
    headers: Annotated[
        tuple[tuple[str, str], ...],
        Field(
            "headers",
            Part(
                lambda form, _, standing: _headers(form, standing),
                _HEADERS,
                dict,
                answers={"type": "object", "additionalProperties": {"type": "string"}},
            ),
            "Of Content-Type, Retry-After, X-Request-Id, X-Correlation-Id, RateLimit-… and "
            "X-RateLimit-…, and any X-Test-…. The type is application/json, "
            "application/problem+json or text/plain, which is also the default.",
            "Headers",
            "One a line, as Retry-After: 30; names of your own begin with X-Test-. Text, or JSON "
            "by Content-Type: application/json",
        ),
    ] = ()


PLAIN = InboxAnswer()


class ArrivalAnswer(msgspec.Struct, frozen=True):
    """What one arrival is answered with, once `delay_s` are over."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay_s: float = 0.0


class InboxForm(msgspec.Struct, frozen=True):
    """What a test inbox is set to."""

    name: Annotated[
        str,
        Field(
            "name",
            Text(NAME_MAX, "bad_name", "Leave it out for none.", null=True, signs="characters"),
            "What it is for.",
            "Name of the inbox",
        ),
    ] = ""
    answer: Annotated[
        InboxAnswer,
        Field(
            "answer",
            Nested(
                InboxAnswer,
                "bad_type",
                'Write {"status": 503, "delayMs": 2000}.',
                in_full=True,
            ),
            "What every arrival is answered with.",
        ),
    ] = PLAIN


_FIELDS = frozenset(one.name for one in declared(InboxForm))


def read_inbox(
    body: dict[str, Any], name: str = "", answer: InboxAnswer = PLAIN
) -> InboxForm | list[Refusal]:
    """A name and an answer; what the body leaves out stays as given."""
    form = Form(body)
    form.refuse_unknown(_FIELDS)
    inbox = read_resource(InboxForm, form, InboxForm(name, answer))
    return form.refusals or inbox


def _body(form: Form, old: str) -> str:
    text = form.body.get("body", old)
    if isinstance(text, str) and len(text.encode("utf-8", "replace")) <= BODY_MAX:
        return text
    got = f"{len(text)} characters" if isinstance(text, str) else came(text)
    form.refuse(
        "bad_body",
        "body",
        f"answer.body must be text of at most {BODY_MAX} bytes; got {got}. Leave it out for none.",
    )
    return old


def _headers(form: Form, old: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    said = form.body.get("headers")
    if said is None:
        return old
    if not isinstance(said, dict) or len(said) > HEADERS_MAX:
        form.refuse(
            "bad_headers",
            "headers",
            f"answer.headers must be an object of at most {HEADERS_MAX} texts; got "
            f'{came(said)}. Write {{"Retry-After": "30"}}.',
        )
        return old
    kept: dict[str, tuple[str, str]] = {}
    for name, value in said.items():
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
            f"X-Test-; got {came(name)}. Leave it out: browsers or proxies may act on others.",
        )
    elif not isinstance(value, str) or not _VALUE.fullmatch(value):
        form.refuse(
            "bad_header",
            place,
            "A header must have text of visible ASCII signs, at most 1024; got another. Write "
            '{"Retry-After": "30"}.',
        )
    elif name.lower() == _TYPE and not _TYPES.fullmatch(value):
        form.refuse(
            "bad_header",
            place,
            "The type of an inbox's answer must be application/json, application/problem+json or "
            f"text/plain, in UTF-8; got {came(value)}. Leave it out for text/plain.",
        )
    elif known:
        form.refuse(
            "bad_header",
            place,
            f"A header must be given once, whatever its case; got {came(name)} twice. Remove one.",
        )
    else:
        return True
    return False


def _is_admitted(name: str) -> bool:
    lower = name.lower()
    return lower in _ADMITTED or _OWN.fullmatch(lower) is not None


def harmless(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers of a stored answer that may go out; what earlier versions took may not."""
    kept = {
        name.lower(): (name, value)
        for name, value in headers
        if _is_admitted(name) and _VALUE.fullmatch(value)
    }
    if _TYPE in kept and not _TYPES.fullmatch(kept[_TYPE][1]):
        del kept[_TYPE]
    return tuple(kept.values())


def typed(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers with the type spelt out, so that nothing is left to be guessed."""
    kept = {name.lower(): value for name, value in headers}
    kind = _TYPES.fullmatch(kept.get(_TYPE, ""))
    said = "text/plain" if kind is None else kind[1].lower()
    kept[_TYPE] = TEXT if said == "text/plain" else said
    return tuple(kept.items())
