"""The trace that an event belongs to: taken in, kept with it, passed on with its messages. Pure.

    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01

That is the header of W3C Trace Context, level 1: version, trace, the span that has caused this, and
flags, of which the last bit says that the trace is recorded. It is kept as it came, and passed on
as it came, as by a proxy that takes no part. What is recorded here is kept with a mark behind:
then each attempt has a span of its own, and its message names that one. A span's id follows from
the delivery and the attempt, so that what was sent can be shown later. What is no such header is
left out, and refuses nothing. `tracestate` is not passed on.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from tidings.core.ids import DeliveryId

HEADER = "traceparent"
KEPT = b":trace"  # among the headers of a call, where no caller can write: the trace as it is kept
_RECORDED = "!"
_SAMPLED = 0x01
# A later version may have more behind; what this one knows of it is its beginning.
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEPT_FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}!?")
_LENGTH_MAX = 256
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class TraceContext(NamedTuple):
    """Hold a trace, the span in it that has caused this, and whether it is recorded."""

    trace_id: str  # 32 hexadecimal digits
    span_id: str  # 16 hexadecimal digits
    flags: int

    @property
    def is_sampled(self) -> bool:
        """Return whether whoever has begun it records it."""
        return bool(self.flags & _SAMPLED)

    def header(self) -> str:
        """Write it as a header's value."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def kept(self, *, recorded: bool) -> str:
        """Write it as it is kept with an event. `recorded`: attempts have spans here."""
        return self.header() + (_RECORDED if recorded else "")


def read_trace(value: str) -> TraceContext | None:
    """Read a header's value; None where it is no trace."""
    found = _FORM.fullmatch(value.strip(" \t")) if len(value) <= _LENGTH_MAX else None
    if found is None or found[1] == "ff" or (found[1] == "00" and found[5] is not None):
        return None
    if found[2] == _NO_TRACE or found[3] == _NO_SPAN:
        return None
    return TraceContext(found[2], found[3], int(found[4], 16))


def trace_to_keep(value: object) -> str:
    """Return a header's value as it is kept with an event that is not recorded here; empty where it
    is no trace."""
    trace = read_trace(value) if isinstance(value, str) else None
    return "" if trace is None else trace.kept(recorded=False)


def trace_of_call(headers: Mapping[bytes, bytes]) -> str:
    """Return the trace of a call, as it is kept with its events; empty where there is none."""
    kept = headers.get(KEPT)
    if kept is not None:
        return kept.decode()
    value = headers.get(HEADER.encode())
    return "" if value is None else trace_to_keep(value.decode("latin-1"))


def is_kept(text: str) -> bool:
    """Return whether a text is a trace as it is kept."""
    return _KEPT_FORM.fullmatch(text) is not None


def trace_of_kept(kept: str) -> TraceContext | None:
    """Read a trace as it is kept."""
    return read_trace(kept.removesuffix(_RECORDED))


def is_recorded(kept: str) -> bool:
    """Return whether attempts of an event whose trace is kept so have spans here."""
    return kept.endswith(_RECORDED)


def span_of_attempt(delivery: DeliveryId, attempt: int) -> str:
    """Return the id of the span of an attempt: 16 hexadecimal digits, always the same."""
    span = hashlib.blake2b(f"{delivery} {attempt}".encode(), digest_size=8).hexdigest()
    return span if span != _NO_SPAN else span[:-1] + "1"


def header_of_attempt(kept: str, delivery: DeliveryId, attempt: int) -> str:
    """Write the header for the message of an attempt, for an event whose trace is kept so."""
    if not is_recorded(kept):
        return kept
    version, trace, _, flags = kept[: -len(_RECORDED)].split("-")
    return f"{version}-{trace}-{span_of_attempt(delivery, attempt)}-{flags}"
