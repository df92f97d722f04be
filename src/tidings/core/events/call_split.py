"""From the body of a call to the bytes of its events: forms, limits, refusals of whole calls."""

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from tidings.core.events.cloudevents import BINARY_MARK
from tidings.core.events.envelope import NOT_JSON, EventFault, unreadable
from tidings.errors import Invalid, RequestRefused, TooLarge, Unsupported

Refused = TypeVar("Refused", bound=RequestRefused)

_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_JSON_SUFFIX = re.compile(r"[\w.!#$&^-]+/(?:[\w.!#$&^-]+\+)?json")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)"?', re.I)
_TYPE = "Content-Type"
_ONCE = (b"authorization", b"content-type", b"content-encoding", b"content-length")
_ONCE_OURS = (b"idempotency-key", b"x-tidings-org", b"x-cap-api-oauth-token", b"tidings-hops")

Form = Literal["json", "ndjson", "structured", "batch", "binary"]
_FORMS: dict[bytes, Form] = {
    b"application/json": "json",
    b"application/x-ndjson": "ndjson",
    b"application/cloudevents+json": "structured",
    b"application/cloudevents-batch+json": "batch",
}


def call_refused(kind: type[Refused], code: str, message: str, header: str = "") -> Refused:
    """Build the refusal of a whole call, of which no event was looked at further."""
    return kind.because(code, message, header=header, place="body")


def refuse_repeated(pairs: list[tuple[bytes, bytes]]) -> None:
    """Raise Invalid where a header that decides something came more than once."""
    seen: set[bytes] = set()
    for name, _ in pairs:
        if name in seen and (name in _ONCE or name in _ONCE_OURS or name.startswith(b"ce-")):
            shown = name[:80].decode("latin-1")
            message = (
                f"The header {shown} must appear once; got it more than once. Send one of them."
            )
            raise call_refused(Invalid, "header_repeated", message, header=shown)
        seen.add(name)


class CallLimits(msgspec.Struct, frozen=True):
    """Bounds of what one call may bring."""

    body_bytes: int = 4 << 20
    event_bytes: int = 256 << 10
    events: int = 1000
    depth: int = 64


DEFAULT_LIMITS = CallLimits()


def form_of(content_type: bytes | None, headers: Mapping[bytes, bytes]) -> Form:
    """Return the form of a call, by its content type and `ce-` headers. Raise Unsupported if it has
    none that is read here, or a charset other than UTF-8."""
    text = (content_type or b"").decode("latin-1")
    media = text.partition(";")[0].strip().lower()
    charset = _CHARSET.search(text)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        message = f"The charset must be utf-8; got {charset[1][:40]}. Encode the body as UTF-8."
        raise call_refused(Unsupported, "charset", message, header=_TYPE)
    form = _FORMS.get(media.encode("latin-1"))
    if BINARY_MARK in headers and form in (None, "json"):
        if not media or _JSON_SUFFIX.fullmatch(media):
            return "binary"
    if form is None:
        known = ", ".join(kind.decode() for kind in _FORMS)
        got = f'"{media[:80]}"' if media else "none"
        message = f"The content type must be one of {known}; got {got}. Name the one that you send."
        raise call_refused(Unsupported, "content_type", message, header=_TYPE)
    return form


def too_large(limit: int, size: int) -> TooLarge:
    """Build the refusal of a body that is too large, by its announced length or the bytes that
    came."""
    message = f"The body must be at most {limit} bytes; got {size} or more. Send fewer events."
    return call_refused(TooLarge, "body_too_large", message)


def of_body(fault: EventFault) -> str:
    """Return the words of a fault, with the whole body as their subject."""
    return fault.sentence.replace("The event must", "The body must", 1)


def _too_many(limits: CallLimits) -> TooLarge:
    message = (
        f"A call must have at most {limits.events} events; got more. Send them in several calls."
    )
    return call_refused(TooLarge, "too_many_events", message)


def _empty() -> Invalid:
    return call_refused(
        Invalid, "no_events", "A call must have an event; got none. Send 1 or more."
    )


class _Item:
    """Stands for one item of an array while they are counted."""


def _count(body: bytes, limits: CallLimits) -> None:
    """Refuse an array of more items than allowed before it is split.

    4 MiB of `[1,1,…]` would make two million objects. Events have commas of their own, so only a
    body with very many is counted item by item, up to the first that is too much. (There, an item
    that cannot be decoded refuses the call, because the count cannot go on behind it.)
    """
    if body.count(b",") <= 50 * limits.events:
        return
    seen = 0

    def item(_type: type, _value: object) -> _Item:
        nonlocal seen
        seen += 1
        if seen > limits.events:
            raise _too_many(limits)
        return _Item()

    msgspec.json.decode(body, type=list[_Item], dec_hook=item)


def split(body: bytes, limits: CallLimits) -> list[bytes]:
    """Split an array into its items as they stand in it. Raise Invalid if it is none or empty,
    TooLarge if there are too many."""
    if body.lstrip(b" \t\r\n")[:1] not in (b"[", b"") and body[:3] != b"\xef\xbb\xbf":
        message = "The body must be one object or an array of objects; got something else."
        raise call_refused(Invalid, NOT_JSON, f"{message} Put events in braces.")
    try:
        _count(body, limits)
        raws = _raw_list(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = unreadable(body, error)
        raise call_refused(Invalid, fault.code, of_body(fault)) from None
    if len(raws) > limits.events:
        raise _too_many(limits)
    if not raws:
        raise _empty()
    return [bytes(raw) for raw in raws]


def lines(body: bytes, limits: CallLimits) -> list[bytes]:
    """Split NDJSON into its lines that are not blank. Raise Invalid if there are none, TooLarge if
    there are too many."""
    pieces = body.split(b"\n", 2 * limits.events + 1)
    found = [line for piece in pieces if (line := piece.strip(b" \t\r"))]
    if len(found) > limits.events or len(pieces) > 2 * limits.events + 1:
        raise _too_many(limits)
    if not found:
        raise _empty()
    return found
