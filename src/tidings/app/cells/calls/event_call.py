"""A call with events of many orgs, as far as a door reads it: its events apart, and whose each is.

Nothing of an event is judged here, nor changed: a part has the bytes that came. What cannot be read
is for whoever takes the call to refuse.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tidings.core.events.call_split import DEFAULT_LIMITS, Form, form_of, lines, split
from tidings.core.events.cloudevents import BINARY_MARK
from tidings.errors import RequestRefused

_USUAL = b"application/json"
_SEVERAL: tuple[Form, ...] = ("json", "ndjson", "batch")


class _OwnForm(msgspec.Struct):
    """Hold what is read of an event of the original's form."""

    orgId: Any = None  # noqa: N815  # as it is written


class _CloudForm(msgspec.Struct):
    """Hold what is read of a CloudEvent."""

    orgid: Any = None


_own = msgspec.json.Decoder(_OwnForm).decode
_cloud = msgspec.json.Decoder(_CloudForm).decode


class EventCall(NamedTuple):
    """Hold the events of a call, and the org that each names: 0, its credential's own."""

    form: Form
    events: Sequence[bytes]
    orgs: Sequence[int]

    def part(self, indices: Iterable[int]) -> bytes:
        """Write the body of a part, with these of its events."""
        events = [self.events[index] for index in indices]
        return b"\n".join(events) if self.form == "ndjson" else b"[%b]" % b",".join(events)


def read_event_call(headers: Mapping[bytes, bytes], body: bytes) -> EventCall | None:
    """Read a call; None where it is not to be parted, as it will be refused as a whole."""
    kind = headers.get(b"content-type")
    if kind == _USUAL and body[:1] == b"{" and BINARY_MARK not in headers:
        return EventCall("json", [body], [_org_in(_own, body)])
    try:
        form = form_of(kind, headers)
        if form == "binary":
            return EventCall(form, [body], [_org_of(headers.get(b"ce-orgid", b"0").decode())])
        if form not in _SEVERAL or (form == "json" and body.lstrip(b" \t\r\n")[:1] == b"{"):
            events = [body]
        else:
            events = (lines if form == "ndjson" else split)(body, DEFAULT_LIMITS)
    except (RequestRefused, UnicodeDecodeError):
        return None
    read: Callable[[bytes], Any] = _own if form in ("json", "ndjson") else _cloud
    return EventCall(form, events, [_org_in(read, event) for event in events])


def _org_in(read: Callable[[bytes], Any], event: bytes) -> int:
    try:
        found = read(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0
    return _org_of(found.orgId if isinstance(found, _OwnForm) else found.orgid)


def _org_of(value: object) -> int:
    """Return the number of an org as it may be written; 0 where it is none."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 16 else 0
    if isinstance(value, float):
        return int(value) if value.is_integer() and 0 <= value < 1 << 53 else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
