"""Messages made events as they were before each was read once: a pick at a time, each from the top
of the body. What ordinary messages become is the same to the byte."""

from typing import Any

import msgspec

from tidings.core import picks
from tidings.core.exact_json import fields_of, value_of, write_exactly
from tidings.core.picks import MessageFault, Pick, steps_of
from tidings.core.sources.mapping import Mapping
from tidings.core.sources.message import ForeignMessage

_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
ENVELOPE = (
    ("eventName", "event_name"),
    ("eventId", "event_id"),
    ("orgId", "org_id"),
    ("createdAt", "created_at"),
)


def former_events(mapping: Mapping, message: ForeignMessage) -> list[bytes | None]:
    """The flat events; MessageFault."""
    events: list[bytes | None] = []
    for body in _bodies(mapping, message):
        try:
            events.append(_event(mapping, message, body))
        except picks.PassedOver:
            events.append(None)
    return events


def former_place(pick: Pick, message: ForeignMessage) -> str:
    """The place of a message, by its own pick."""
    try:
        found = _take(pick, message, msgspec.Raw(message.body.strip()), "messageId")
        value = None if found is None else value_of(found)
    except (MessageFault, picks.PassedOver, msgspec.DecodeError, RecursionError):
        return ""
    return value[:512] if isinstance(value, str) else "" if value is None else str(value)


def _take(pick: Pick, message: ForeignMessage, body: msgspec.Raw, field: str) -> msgspec.Raw | None:
    found: msgspec.Raw | None
    if pick.constant is not None:
        found = msgspec.Raw(pick.constant.encode())
    elif pick.header is not None:
        text = message.header(pick.header)
        found = None if text is None else msgspec.Raw(msgspec.json.encode(text))
    else:
        found = _find(body, steps_of(pick.path or ""))
    return pick.take(found, field)


def _find(body: msgspec.Raw, steps: tuple[str | int, ...]) -> msgspec.Raw | None:
    here = body
    for step in steps:
        start = bytes(here).lstrip()[:1]
        if isinstance(step, str):
            if start != b"{":
                return None
            found = fields_of(here).get(step)
        else:
            if start != b"[":
                return None
            found = dict(enumerate(_items(here))).get(step)
        if found is None:
            return None
        here = found
    return here


def _bodies(mapping: Mapping, message: ForeignMessage) -> list[msgspec.Raw]:
    body = message.body.strip()
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MessageFault("not_json", "") from None
    whole = msgspec.Raw(body)
    if mapping.each is None:
        return [whole]
    found = _find(whole, steps_of(mapping.each))
    try:
        items = None if found is None else _items(found)
    except msgspec.DecodeError:
        items = None
    if items is None or len(items) > 1000:
        raise MessageFault("no_list", "", "mapping.each")
    return items


def _event(mapping: Mapping, message: ForeignMessage, body: msgspec.Raw) -> bytes:
    event: dict[str, Any] = {}
    for name, attribute in ENVELOPE:
        pick: Pick | None = getattr(mapping, attribute)
        if pick is None:
            continue
        value = _take(pick, message, body, name)
        if value is not None:
            event[name] = value
        elif attribute in ("event_name", "event_id"):
            raise MessageFault("no_value", "", name)
    if mapping.data is not None:
        data: Any = _take(mapping.data, message, body, "data")
        event["data"] = {} if data is None else data
    else:
        event["data"] = {} if mapping.fields else body
    for target in sorted(mapping.fields, key=lambda target: target.count(".")):
        value = _take(mapping.fields[target], message, body, target)
        if value is not None:
            _put(event, target.split("."), value, target)
    return write_exactly(event)


def _put(event: dict[str, Any], steps: list[str], value: msgspec.Raw, target: str) -> None:
    here = event
    for step in steps[:-1]:
        inner = here.get(step)
        if isinstance(inner, msgspec.Raw):
            if bytes(inner).lstrip()[:1] != b"{":
                raise MessageFault("no_object", "", target)
            inner = dict(fields_of(inner))
        here[step] = inner = {} if inner is None else inner
        here = inner
    here[steps[-1]] = value
