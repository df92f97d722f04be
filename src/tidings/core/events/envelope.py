"""One event in the flat envelope: read strictly, completed once, its bytes kept as they came.

The rules:

* JSON in UTF-8 without a byte order mark, nothing behind it. No NaN, no Infinity, no number beyond
  a double, no whole number of more than 4,300 digits (all others are exact), no lone surrogate.
  At most 64 levels, the event itself being the first; at most 10,000 lists and objects, or one for
  six bytes, and 2,000 fields at the top: no event of a call takes longer than its size allows.
* `eventName`, `eventId`, `orgId` and `data` stand at most once at the top: a receiver that takes
  the first of two would see another event than we do. Fields further in are the sender's matter.
* `eventId` is 1 to 128 of `A-Za-z0-9_:-`. `orgId` is a whole number, also written 50952.0; absent,
  null or 0 means the org of the credential.
* Absent `eventId`, `orgId` and `createdAt` are written behind the opening brace, and no other byte
  is touched. Where they are null they are given too, for receivers are promised them: the object is
  written anew, each value byte for byte. An `orgId` of 0 stays as it came.
* A `createdAt` that cannot be the time in milliseconds is told as a warning, and not refused.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate
from operator import sub
from typing import Any

import msgspec

from tidings.core.exact_json import fields_of, write_exactly
from tidings.core.ids import EVENT_ID, OrgId
from tidings.errors import FieldRefusal, Unprocessable
from tidings.values import ABSENT, IN_EVENTS, describe_value

NOT_JSON = "not_json"
NAME_MAX = 128
ORG_MAX = (1 << 63) - 1

_GUARDED = ("eventName", "eventId", "orgId", "data")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_ALL_BUT_QUOTES = bytes(set(range(256)) - set(b'"{}[]'))
_PEELED = 8  # levels; most events have no more
_WORTH_PEELING = 8  # what comes off with a level, as a part of what there was
_RUNS = re.compile(rb"\{+|\}+")
FIELDS_MAX = 2_000  # at the top
PARTS_SURE, BYTES_OF_PART = 10_000, 6  # lists and objects
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_BYTE = re.compile(r"\(byte (\d+)\)")

_decode: Callable[[bytes], Any] = msgspec.json.Decoder().decode
_fits = EVENT_ID.fullmatch
DAY_MS = 86_400_000
SURELY_MS = 100_000_000_000  # 1973; what is below is told as what it looks like
SECONDS_FROM, SECONDS_TO = 946_684_800, 4_102_444_800  # 2000 and 2100, in seconds


class _Key:
    """A key of an object, which is equal to no other one: a dict of such keys has each."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


_read_keys = msgspec.json.Decoder(
    dict[_Key, msgspec.Raw], dec_hook=lambda _, name: _Key(name)
).decode


class EventFault(Unprocessable):
    """One event is refused. The other events of its call are not.

    `sentence` is what must be, what came and what to do; `message` adds where: code and field.
    """

    def __init__(self, code: str, message: str, path: str = "") -> None:
        reason = FieldRefusal.build(code, message, field=path, place="event")
        super().__init__(reason)
        self.message = reason.message
        self.code = code
        self.sentence = message
        self.path = path


def unreadable(raw: bytes, error: Exception) -> EventFault:
    """Return the fault for bytes that the parser did not take."""
    if isinstance(error, RecursionError):
        message = "JSON must not be nested this deeply; got hundreds of levels. Flatten it."
        return EventFault("too_deep", message)
    if isinstance(error, msgspec.ValidationError):
        rule = "Numbers must fit a double, whole numbers 4,300 digits"
        return EventFault("number_too_large", f"{rule}; got a larger one. Send it as text.")
    if raw[:3] == b"\xef\xbb\xbf":
        where = "got a byte order mark. Leave it out"
    elif isinstance(error, UnicodeDecodeError):
        where = "got bytes that are not UTF-8. Encode all text as UTF-8"
    elif not raw.strip():
        where = "got nothing. Send at least one event"
    elif found := _BYTE.search(str(error)):
        where = f"could not read on at byte {found[1]}. Correct it there"
    else:
        where = "it ends too early or in half a surrogate pair. Send all of it"
    return EventFault(NOT_JSON, f"The event must be JSON in UTF-8; {where}.")


def decode_json(raw: bytes) -> Any:
    """Decode any JSON value. Raise EventFault if it is none. Depth is bounded by the interpreter
    alone."""
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(raw, error) from None


def decode(raw: bytes, depth: int) -> dict[str, Any]:
    """Decode the object in `raw`. Raises EventFault. Every event passes here, so it is one parse.

    The tests behind it are cheap and one-sided; what they suspect is looked at closely.
    `replace` finds single bytes twice as fast as `count`, `find` with `rfind` a word; only
    `\\u00..` can hide an ASCII name; one search for `"event` stands for two.
    """
    bare = len(raw.replace(b"{", b"")) + len(raw.replace(b"[", b""))
    brackets = 2 * len(raw) - bare
    if brackets > PARTS_SURE and brackets * BYTES_OF_PART > len(raw):
        _refuse_many_parts(raw, depth)
    try:
        event = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(raw, error) from None
    if event.__class__ is not dict:
        raise EventFault(
            "not_object",
            f"An event must be an object; got {describe_value(event, IN_EVENTS)}. Put it in "
            "braces.",
        )
    if len(event) > FIELDS_MAX:
        raise _too_many_fields()
    if brackets > depth and deeper(raw, depth):
        raise _too_deep(depth)
    if (
        raw.find(b'"orgId"') != raw.rfind(b'"orgId"')
        or raw.find(b'"data"') != raw.rfind(b'"data"')
        or (
            raw.count(b'"event') > 2
            and (raw.count(b'"eventName"') > 1 or raw.count(b'"eventId"') > 1)
        )
        or (b"\\" in raw and b"\\u00" in raw)
    ):
        refuse_twins(raw, _GUARDED)
    return event


def deeper(raw: bytes, depth: int) -> bool:
    """Return whether well-formed JSON has more than `depth` levels. Peels off one level at a time,
    as long as much comes off, and counts in what is left then: each level of many deep values would
    be a pass over all of them. So deep is what is left that few brackets in it turn, and it is
    counted by the runs of them."""
    brackets = _brackets_of(raw)
    peeled = 0
    while peeled < min(depth, _PEELED):
        before = len(brackets)
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return False
        peeled += 1
        if (before - len(brackets)) * _WORTH_PEELING < before:
            break
    runs = [len(run) for run in _RUNS.findall(brackets)]  # begins, ends, begins …
    falls = [0, *runs[1::2]]
    deepest: int = max(accumulate(map(sub, runs[::2], falls)))
    return deepest > depth - peeled


def _brackets_of(raw: bytes) -> bytes:
    """Return the brackets of JSON outside its strings, all of them as braces.

    Without a step for each string: what is escaped goes first, then all but quotes and brackets,
    then the strings without a bracket. Two neighbours become one string so, which hides as much.
    """
    if b'"' not in raw:
        return raw.translate(_ONE_KIND, _ALL_BUT_BRACKETS)
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    kept = raw.translate(_ONE_KIND, _ALL_BUT_QUOTES).replace(b'""', b"")
    return b"".join(kept.split(b'"')[::2])


def _too_deep(depth: int) -> EventFault:
    message = f"JSON must be at most {depth} levels deep; got more. Flatten it."
    return EventFault("too_deep", message)


def _refuse_many_parts(raw: bytes, depth: int) -> None:
    """Raise EventFault if there are too many lists and objects for the size: to read them takes
    time."""
    brackets = _brackets_of(raw)
    if b"{" * (depth + 1) in brackets:
        raise _too_deep(depth)
    parts = brackets.count(b"{")
    most = max(PARTS_SURE, len(raw) // BYTES_OF_PART)
    if parts > most:
        raise EventFault(
            "too_many_values",
            f"An event of this size must contain at most {most:,} lists and objects; got "
            f"{parts:,}. Leave out those that are empty, or split it.",
        )


def _too_many_fields() -> EventFault:
    return EventFault(
        "too_many_values",
        f"An event must have at most {FIELDS_MAX:,} fields at the top; got more. Move them into "
        "data.",
    )


def _keys_of(raw: bytes) -> Iterable[_Key]:
    """Read the keys at the top, each as often as it stands there. Raise EventFault if they are too
    many."""
    if raw.count(b":") <= FIELDS_MAX:
        return _read_keys(raw)
    keys: list[_Key] = []

    def note(_: type, name: str) -> _Key:
        if len(keys) == FIELDS_MAX:
            raise _too_many_fields()
        keys.append(_Key(name))
        return keys[-1]

    msgspec.json.Decoder(dict[_Key, msgspec.Raw], dec_hook=note).decode(raw)
    return keys


def refuse_twins(raw: bytes, guarded: tuple[str, ...]) -> None:
    """Raise an EventFault if a guarded key stands twice at the top. `raw` is a decoded object."""
    counts = Counter(key.name for key in _keys_of(raw))
    for key in guarded:
        if counts[key] > 1:
            got = f"got it {counts[key]} times"
            raise EventFault(
                "duplicate_key", f"{key} must appear once; {got}. Keep one of them.", key
            )


def org_of(org: object, own: OrgId, platform: bool) -> OrgId:
    """Return the org of an event, from its `orgId`; `own` if that is ABSENT, null or 0. Raise
    EventFault if it is no number, or another org's and the caller is not the platform."""
    if org is ABSENT or org is None:
        return own
    if org.__class__ is float and org.is_integer():
        org = int(org)
    if org.__class__ is not int or not 0 <= org <= ORG_MAX:
        rule = "orgId must be a whole number from 0 to 2^63 - 1"
        advice = "Leave it out, and it is the org of the credential"
        raise EventFault(
            "org_id", f"{rule}; got {describe_value(org, IN_EVENTS)}. {advice}.", "orgId"
        )
    if org in (0, own):
        return own
    if not platform:
        rule = f"orgId must be {own}, the org of the credential, or 0, or absent"
        raise EventFault("other_org", f"{rule}; got {org}. Use that org's own credential.", "orgId")
    return OrgId(org)


def bad_event_id(event_id: object) -> EventFault:
    """Return the fault for an `eventId` that is not one."""
    rule = "eventId must be 1 to 128 of A-Z a-z 0-9 _ : -"
    advice = "Leave it out, and one is made"
    return EventFault(
        "event_id", f"{rule}; got {describe_value(event_id, IN_EVENTS)}. {advice}.", "eventId"
    )


def bad_name(name: object) -> EventFault:
    """Return the fault for an `eventName` that cannot be one, known or not."""
    rule = f"eventName must be the name of an event type, at most {NAME_MAX} characters"
    return EventFault(
        "event_name",
        f"{rule}; got {describe_value(name, IN_EVENTS)}. Names are case-sensitive.",
        "eventName",
    )


def time_warning(created: Any, now_ms: int) -> str | None:
    """Return a warning for a time in another unit, or far from now; None where it may be right."""
    if created.__class__ is bool or not isinstance(created, int | float):
        return None  # absent, or what only the schema of a type can judge
    if SURELY_MS <= created <= now_ms + DAY_MS:
        return None
    must = "createdAt should be milliseconds since 1970"
    if created < 0:
        return f"{must}; it is negative, which is before 1970. Check the sender's clock and unit."
    if SECONDS_FROM <= created < SECONDS_TO:
        return f"{must}; it looks like seconds. Multiply it by 1,000."
    if created <= now_ms + DAY_MS:
        return None
    if created >= SURELY_MS * 1000:
        return f"{must}; it looks like microseconds or finer. Divide it by 1,000 or 1,000,000."
    return f"{must}; it is more than a day in the future. Check the sender's clock and unit."


def given_id(event: dict[str, Any]) -> str:
    """Return the event id to answer a refusal with: the given one where it is fit to be
    repeated."""
    event_id = event.get("eventId")
    return event_id if isinstance(event_id, str) and _fits(event_id) else ""


def given_name(event: dict[str, Any]) -> str:
    """Return the event name to note with a refusal, cut to its longest."""
    name = event.get("eventName")
    return name[:NAME_MAX] if isinstance(name, str) else ""


def complete(raw: bytes, event: dict[str, Any], due: dict[str, str | int]) -> bytes:
    """Return `raw`, of which `event` was decoded, with the fields that are due; they are absent or
    null.

    What is absent stands behind the opening brace. Where one is null the object is written anew:
    with its values as they came, byte for byte, and no space between them.
    """
    if any(name in event for name in due):
        return write_exactly({**due, **fields_of(raw), **due})
    start = raw.index(b"{") + 1
    return b"".join((raw[:start], write_exactly(due)[1:-1], b",", raw[start:]))
