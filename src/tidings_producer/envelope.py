"""An event as it is sent: its envelope complete, its bytes made once."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

from tidings_producer.errors import EventError

EVENT_BYTES_MAX = 262_144
"""What the service takes of one event unless its operator says otherwise."""
NAME_MAX = 128
HOPS = "tidings-hops"
"""The header of Tidings' messages that says how often their event has been through it. A field of
that name holds what the message said that an event is made of: it goes in front of the event's
bytes, and is no part of the event that the service gets."""
HOPS_MAX = 512
_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")
_HOPS = re.compile(rf"[ !#-\[\]-~]{{1,{HOPS_MAX}}}")  # what stands in JSON as it is
_HOPS_BEGIN, _HOPS_END = b'{"tidings-hops":"', b'",'


class _Needed(TypedDict):
    eventName: str
    data: Mapping[str, Any]


class Event(_Needed, total=False):
    """An event in the flat envelope of Tidings. Its other fields, as `refId`, may stand beside
    these; the types of `tidings_consumer.events` know them all, and can be sent as they are."""

    eventId: str
    orgId: int
    createdAt: int
    refId: str
    apiRequestId: str


class Encoded(NamedTuple):
    """An event as bytes, under the id that it is known by."""

    event_id: str
    body: bytes


def new_id() -> str:
    """Create an id that sorts by its time: a UUID of version 7."""
    bits = bytearray((time.time_ns() // 1_000_000 & (1 << 48) - 1).to_bytes(6, "big"))
    bits += os.urandom(10)
    bits[6] = bits[6] & 0x0F | 0x70
    bits[8] = bits[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(bits)))


def event(
    name: str,
    data: Mapping[str, Any],
    *,
    org_id: int | None = None,
    event_id: str | None = None,
    created_at: int | None = None,
    hops: str | None = None,
) -> Event:
    """Create an event with an id and the present time. However often it is sent, it counts as one
    event. `hops` is the `tidings-hops` of the message that it is made from, if there is one."""
    made: Event = {
        "eventName": name,
        "eventId": new_id() if event_id is None else event_id,
        "createdAt": time.time_ns() // 1_000_000 if created_at is None else created_at,
        "data": data,
    }
    if org_id is not None:
        made["orgId"] = org_id
    if hops is not None:
        made[HOPS] = hops  # type: ignore[literal-required]  # no name that a class can have
    return made


def encode(sent: Mapping[str, Any], bytes_max: int = EVENT_BYTES_MAX) -> Encoded:
    """Encode an event, with an id and a time if it has none. Raise EventError."""
    if not isinstance(sent, Mapping):
        raise EventError(
            "not_object",
            f"An event must be a mapping; got {type(sent).__name__}. Make one with event()",
        )
    whole = {**sent}
    hops = whole.pop(HOPS, None)
    _check(whole)
    if hops is not None and not (isinstance(hops, str) and _HOPS.fullmatch(hops)):
        raise EventError(
            "hops",
            f"{HOPS} must be that header of the message that the event is made of; "
            f"got {_describe_value(hops)}. Pass it on as it came.",
            HOPS,
        )
    if whole.get("eventId") is None:
        whole["eventId"] = new_id()
    if whole.get("createdAt") is None:
        whole["createdAt"] = time.time_ns() // 1_000_000
    body = _bytes(whole)
    if len(body) > bytes_max:
        raise EventError(
            "event_too_large",
            f"An event must have at most {bytes_max:,} bytes; got {len(body):,}. "
            "Send a reference to what is large.",
        )
    if hops is not None:
        body = _HOPS_BEGIN + hops.encode("ascii") + _HOPS_END + body[1:]
    return Encoded(whole["eventId"], body)


def split_hops(body: bytes) -> tuple[str, bytes]:
    """Split the bytes of an event into its `tidings-hops`, blank if it has none, and the event that
    the service gets."""
    if not body.startswith(_HOPS_BEGIN):
        return "", body
    hops, _, rest = body[len(_HOPS_BEGIN) :].partition(_HOPS_END)
    return hops.decode("ascii"), b"{" + rest


def _check(whole: Mapping[str, Any]) -> None:
    """Check for what the service would refuse whatever the event's type is."""
    name = whole.get("eventName")
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_MAX:
        raise EventError(
            "event_name",
            f"eventName must be the name of an event type, 1 to {NAME_MAX} characters; "
            f"got {_describe_value(name)}. Names are case-sensitive.",
            "eventName",
        )
    event_id = whole.get("eventId")
    if event_id is not None and not (isinstance(event_id, str) and _ID.fullmatch(event_id)):
        raise EventError(
            "event_id",
            f"eventId must be 1 to 128 of A-Z a-z 0-9 _ : -; got {_describe_value(event_id)}. "
            "Leave it out, and one is made.",
            "eventId",
        )
    for field in ("orgId", "createdAt"):
        value = whole.get(field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise EventError(
                "org_id" if field == "orgId" else "bad_time",
                f"{field} must be a whole number; got {_describe_value(value)}. Leave it out for "
                f"{'the org of the credential' if field == 'orgId' else 'the present time'}.",
                field,
            )
    data = whole.get("data")
    if not isinstance(data, Mapping):
        raise EventError(
            "bad_data",
            f"data must be a mapping of what happened; got {_describe_value(data)}. Write {{}} "
            "for nothing.",
            "data",
        )


def _bytes(whole: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8. EventError where a value is none of JSON."""
    try:
        text = json.dumps(
            whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_no_json
        )
        return text.encode("utf-8")
    except UnicodeEncodeError:
        got = "half of a surrogate pair. Mend the text"
    except RecursionError:
        got = "hundreds of levels. Flatten it"
    except (TypeError, ValueError) as error:
        got = _FAULTS.get(str(error).partition(":")[0], f"{error}. Send it as text or a number")
    raise EventError("not_json", f"An event must be what JSON can hold; got {got}.") from None


_FAULTS = {
    "Out of range float values are not JSON compliant": "NaN or Infinity. Send null instead",
    "Circular reference detected": "a value that holds itself. Send a copy without the circle",
}


def _no_json(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__}")


def _describe_value(value: object) -> str:
    """Describe what came, without what stands in it: it may be a customer's."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    return f"a value of type {type(value).__name__}"
