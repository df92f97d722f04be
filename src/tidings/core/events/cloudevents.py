"""CloudEvents 1.0 into the flat envelope.

* `type` becomes `eventName`.
* `id` becomes `eventId`; one that does not fit becomes `ce_` and a hash of source and id.
* `time` (RFC 3339) becomes `createdAt` in epoch milliseconds, finer digits dropped; absent, it is
  the time of accept.
* `data`, or the JSON in `data_base64`, becomes `data`, its bytes as they came.
* `orgid` becomes `orgId`; absent or 0, it is the org of the credential.
* `refid`, `apirequestid`, `loyaltyeventid`, `eventlogid`, `eventsearchkey` become the fields of the
  same name in camelCase.
* `tidingshops` says how often it has been through Tidings (`passage.py`), and is no part of it.
* `source`, `subject`, `dataschema` and every other extension go, as text and by their own names,
  into `traceAttributes`.

The made envelope is then read like any flat event, so no rule can be evaded on this way.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote_to_bytes

import msgspec

from tidings.core.events import trace_context
from tidings.core.events.envelope import ORG_MAX, EventFault, decode, decode_json, refuse_twins
from tidings.core.events.passage import EXTENSION, Passage, read_passage
from tidings.core.form import whole_of
from tidings.core.ids import EVENT_ID, foreign_event_id
from tidings.values import ABSENT, IN_EVENTS, describe_value

BINARY_MARK = b"ce-specversion"
ATTRIBUTES_MAX = 1000

_MAPPED = {
    "refid": "refId",
    "apirequestid": "apiRequestId",
    "loyaltyeventid": "loyaltyEventId",
    "eventlogid": "eventLogId",
    "eventsearchkey": "eventSearchKey",
}
_OWN = frozenset({"specversion", "type", "id", "time", "datacontenttype", "orgid", EXTENSION})
_NAME = re.compile(r"[a-z0-9]{1,64}")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,30}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_JSON_TYPE = re.compile(r"\s*[\w.!#$&^-]+/(?:[\w.!#$&^-]+\+)?json\s*(?:;.*)?", re.I | re.S)
_QUOTED = re.compile(r"\\(.)", re.S)
_EPOCH = datetime(1970, 1, 1)
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.encode


class CloudEvent(msgspec.Struct):
    """A CloudEvent of either mode. `data` is standalone JSON, or None."""

    attributes: dict[str, object]
    data: bytes | None

    def passage(self, message: str) -> Passage | None:
        """Read how it came, if it says so; `message`: see `read_passage`."""
        passage_text = self.attributes.get(EXTENSION)
        return None if passage_text is None else read_passage(passage_text, message)

    @property
    def trace(self) -> str:
        """Return the trace that it belongs to, as it is kept; empty where it names none. By the
        extension of CloudEvents for distributed tracing."""
        return trace_context.trace_to_keep(self.attributes.get(trace_context.HEADER))


def structured(raw: bytes, depth: int) -> CloudEvent:
    """Read a CloudEvent in the JSON format."""
    attributes: dict[str, object] = decode(raw, depth)
    if len(attributes) > ATTRIBUTES_MAX:
        raise EventFault(
            "cloudevent",
            f"A CloudEvent must have at most {ATTRIBUTES_MAX} attributes; got {len(attributes)}. "
            "Move them into data.",
        )
    refuse_twins(raw, tuple(attributes))
    raws = _raws(raw)
    data = bytes(raws["data"]) if "data" in raws else None
    attributes.pop("data", None)
    packed = attributes.pop("data_base64", None)
    if packed is not None:
        if data is not None:
            raise _fault("data", "stand alone", "data_base64 beside it", "Keep one of them")
        data = _unpack(packed)
    return CloudEvent(attributes, data)


def binary(headers: Mapping[bytes, bytes], content_type: str, body: bytes) -> CloudEvent:
    """Read a CloudEvent in binary mode: attributes in `ce-` headers, data in the body."""
    attributes: dict[str, object] = {
        name[3:].decode("latin-1"): _header_text(name, value)
        for name, value in headers.items()
        if name.startswith(b"ce-")
    }
    if body:
        decode_json(body)  # it must stand alone: it is going to be put inside the envelope
        attributes["datacontenttype"] = content_type or None  # absent means JSON
    return CloudEvent(attributes, body or None)


def flatten(event: CloudEvent, own_org: int, now_ms: int) -> bytes:
    """Build the flat envelope of a CloudEvent. Raise EventFault, with the attribute as its path, if
    one does not fit."""
    attributes = {name: value for name, value in event.attributes.items() if value is not None}
    if attributes.get("specversion") != "1.0":
        version = attributes.get("specversion", ABSENT)
        raise _fault(
            "specversion", 'be "1.0"', describe_value(version, IN_EVENTS), "Send CloudEvents 1.0"
        )
    source = _text(attributes, "source")
    kind = attributes.get("datacontenttype")
    if event.data is not None and kind is not None:
        if not isinstance(kind, str) or not _JSON_TYPE.fullmatch(kind):
            must = 'be application/json or end in "+json"'
            raise _fault(
                "datacontenttype", must, describe_value(kind, IN_EVENTS), "Send the data as JSON"
            )
    own_id = _text(attributes, "id")
    event_id = own_id if EVENT_ID.fullmatch(own_id) else foreign_event_id(source, own_id)
    fields: list[tuple[str, bytes]] = [
        ("eventName", _encode(_text(attributes, "type"))),
        ("eventId", _encode(event_id)),
        ("orgId", b"%d" % (_whole(attributes, "orgid", 0, ORG_MAX) or own_org)),
        ("createdAt", b"%d" % _created(attributes.get("time"), now_ms)),
    ]
    if event.data is not None:
        fields.append(("data", event.data))
    trace: dict[str, str] = {}
    for name, value in attributes.items():
        if name in _OWN:
            continue
        if not _NAME.fullmatch(name):
            must = "be named with a-z and 0-9, at most 64"
            raise _fault(name[:64], must, describe_value(name, IN_EVENTS), "Rename the extension")
        if name == "eventlogid":
            number = _whole(attributes, name, -ORG_MAX, ORG_MAX)
            fields.append((_MAPPED[name], b"%d" % number))
        elif name in _MAPPED:
            fields.append((_MAPPED[name], _encode(_as_text(name, value))))
        else:
            trace[name] = _as_text(name, value)
    fields.append(("traceAttributes", _encode(trace)))
    return b"{" + b",".join(b'"%s":%s' % (k.encode(), v) for k, v in fields) + b"}"


def epoch_ms(text: str) -> int | None:
    """Return an RFC 3339 time as epoch milliseconds, exact from year 1 to 9999; None for anything
    else.

    A leap second (`:60`) has no epoch millisecond of its own and counts as anything else.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, sign, hours, minutes = match.groups()
    try:
        gone = datetime.fromisoformat(f"{day}T{clock}") - _EPOCH
    except ValueError:
        return None
    ms = (gone.days * 86_400 + gone.seconds) * 1000 + int(((fraction or "") + "000")[:3])
    if sign is None:
        return ms
    if int(hours) > 23 or int(minutes) > 59:
        return None
    offset = (int(hours) * 60 + int(minutes)) * 60_000
    return ms - offset if sign == "+" else ms + offset


def _fault(name: str, must: str, got: str, advice: str) -> EventFault:
    return EventFault("cloudevent", f"{name} must {must}; got {got}. {advice}.", name)


def _text(attributes: Mapping[str, object], name: str) -> str:
    value = attributes.get(name, ABSENT)
    if isinstance(value, str) and value:
        return value
    must = "be text of at least 1 character"
    raise _fault(name, must, describe_value(value, IN_EVENTS), "CloudEvents 1.0 asks for it")


def _whole(attributes: Mapping[str, object], name: str, low: int, high: int) -> int:
    """Return a whole number, also one written as text (headers have nothing else); 0 if it is
    absent. Raise EventFault for anything else."""
    value = attributes.get(name, 0)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    number = whole_of(value)
    if number is not None and low <= number <= high:
        return number
    must = "be a whole number of 0 or more" if low == 0 else "be a whole number"
    raise _fault(
        name, f"{must}, at most 2^63 - 1", describe_value(value, IN_EVENTS), "Send digits alone"
    )


def _as_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if (number := whole_of(value)) is not None:
        return str(number)
    must = "be text, a whole number, true or false"
    raise _fault(name, must, describe_value(value, IN_EVENTS), "Move it into data")


def _created(time: object, now_ms: int) -> int:
    if time is None:
        return now_ms
    ms = epoch_ms(time) if isinstance(time, str) else None
    if ms is None:
        must = "be an RFC 3339 time with its zone, like 2026-02-11T09:15:00Z, without leap seconds"
        raise _fault(
            "time",
            must,
            describe_value(time, IN_EVENTS),
            "Leave it out, and it is the time of accept",
        )
    return ms


def _unpack(packed: object) -> bytes:
    try:
        if not isinstance(packed, str):
            raise ValueError
        data = base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error):
        raise _fault(
            "data_base64", "be Base64 of a JSON value", "something else", "Send the JSON in data"
        ) from None
    decode_json(data)  # it must stand alone: it is going to be put inside the envelope
    return data


def _header_text(name: bytes, value: bytes) -> str:
    """Decode a header value by CloudEvents' HTTP binding, 3.1.3.2: quotes off, percent-decoded.
    Raise EventFault if it is not UTF-8."""
    text = value.decode("latin-1").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _QUOTED.sub(r"\1", text[1:-1])
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        attribute = name[3:].decode("latin-1")
        must = "be percent-encoded UTF-8"
        raise _fault(attribute, must, "other bytes", "Encode it as UTF-8, then in %XX") from None
