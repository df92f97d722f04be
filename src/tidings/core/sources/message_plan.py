"""What is made of the messages of a source: its mapping and the pick of its message's id, ready to
read each message once. Pure.

What it may cost is known beforehand (`mapping_cost.py`): so a message that may take long is read in
a process of its own (`tidings.transform`), by the same code.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from tidings.core.declaration import declared
from tidings.core.exact_json import (
    PathTree,
    Steps,
    check_json,
    fields_of,
    first_byte,
    items_of,
    value_of,
    write_exactly,
)
from tidings.core.picks import MessageFault, PassedOver, Pick, steps_of
from tidings.core.sources.mapping import Mapping as SourceMapping
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_id import MessageId, digest_of

Found = dict[Steps, Raw]
DATA = "data"
_NEEDED = ("eventName", "eventId")
ITEMS_MAX = 1000
EVENTS_BYTES_MAX = 8 << 20  # of all events of a message
PLACE_MAX = 512
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ENVELOPE = tuple(
    (field.name, field.attribute)
    for field in declared(SourceMapping)
    if field.attribute in ("event_name", "event_id", "org_id", "created_at")
)


class MappedMessage(msgspec.Struct, array_like=True):
    """A message read: its place, and the flat events that it becomes, None for an item that the
    mapping passes over; or why it becomes none (code, sentences, field)."""

    place: str
    events: list[bytes | None] = []
    fault: tuple[str, str, str] | None = None


class MessagePlan(msgspec.Struct, frozen=True):
    """A plan of what is taken out of each message: by `mapping` its events, by `message_id` what a
    repeat of it is known by, which stands before its place where that is only where it lay
    (`fetched`)."""

    mapping: SourceMapping | None = None
    message_id: MessageId | None = None
    fetched: bool = False


class PlanRunner:
    """A plan at work: its paths as trees, its picks by what each is for."""

    def __init__(self, plan: MessagePlan) -> None:
        mapping = plan.mapping or SourceMapping()
        self._maps = plan.mapping is not None
        self._each = None if mapping.each is None else steps_of(mapping.each)
        self._where = mapping.each
        self._message_id = None if plan.message_id is None else _Taker("messageId", plan.message_id)
        self._fetched = plan.fetched
        self._digests = plan.message_id is not None and plan.message_id.of_body
        takers = [_Taker(name, pick) for name, pick in picks_of(mapping)]
        self._envelope = [taker for taker in takers if not taker.way and taker.name != DATA]
        self._data = next((taker for taker in takers if taker.name == DATA), None)
        fields = [taker for taker in takers if taker.way]
        self._fields = sorted(fields, key=lambda taker: len(taker.way))
        whole = [self._each, None if plan.message_id is None else plan.message_id.steps]
        of_item = [pick.steps for _, pick in picks_of(mapping)]
        if self._each is None:
            whole += of_item
        self._of_body = PathTree(path for path in whole if path is not None)
        self._of_item = PathTree(path for path in of_item if path is not None)

    def read(self, message: ForeignMessage) -> MappedMessage:
        """Read a message once. Raises nothing for what is the message's own fault."""
        headers = _by_name(message)
        paths: Found = {}
        whole: Raw | None = None
        try:
            whole = check_json(message.body.strip())
            paths = self._of_body.read(whole)
        except _NOT_JSON:
            whole = None
        mapped = MappedMessage(message.place)
        if message.place and not self._fetched:
            pass
        elif self._digests:
            mapped.place = digest_of(message.body)
        elif self._message_id is not None:
            mapped.place = _place_of(self._message_id, paths, headers) or message.place
        if self._maps:
            try:
                self._fill(mapped.events, whole, paths, headers)
            except MessageFault as fault:
                mapped.events, mapped.fault = [], (fault.code, fault.message, fault.field)
        return mapped

    def _fill(
        self,
        events: list[bytes | None],
        whole: Raw | None,
        paths: Found,
        headers: Mapping[str, str],
    ) -> None:
        """Add the events of a body that was read. Raise MessageFault if one cannot be made."""
        if whole is None:
            raise MessageFault(
                "not_json",
                "The body must be JSON in UTF-8, since the mapping reads values from it; it is "
                "not. Correct the sender, or map only headers.",
            )
        room = EVENTS_BYTES_MAX
        items = [whole]
        if self._each is not None:
            items = _items_of(paths.get(self._each), self._where)
        for draft in items:
            if self._each is not None:
                paths = self._of_item.read(draft)
            try:
                event = self._event(draft, paths, headers, room)
            except PassedOver:
                events.append(None)
            else:
                events.append(event)
                room -= len(event)

    def _event(self, item: Raw, paths: Found, headers: Mapping[str, str], room: int) -> bytes:
        event: dict[str, Any] = {}
        for taker in self._envelope:
            value = taker.take(paths, headers)
            if value is not None:
                event[taker.name] = value
            elif taker.name in _NEEDED:
                raise MessageFault(
                    "no_value",
                    f"{taker.name} must stand {taker.pick.where()}; there is nothing. Correct the "
                    "mapping, or the sender.",
                    taker.name,
                )
        if self._data is not None:
            data = self._data.take(paths, headers)
            event[DATA] = {} if data is None else data
        else:
            event[DATA] = {} if self._fields else item
        counts = len(self._fields) * memoryview(item).nbytes > room  # the same may be taken often
        taken = 0
        for taker in self._fields:
            value = taker.take(paths, headers)
            if value is None:
                continue
            if counts:
                taken += memoryview(value).nbytes
                if taken > room:
                    raise _too_much()
            taker.put(event, value)
        written = write_exactly(event)
        if len(written) > room:
            raise _too_much()
        return written


class _Taker:
    """A pick at work: where its value is, and where it goes."""

    __slots__ = ("_find", "_last", "name", "pick", "way")

    def __init__(self, name: str, pick: Pick) -> None:
        self.name = name
        self.pick = pick
        self._find = pick.finder()
        *self.way, self._last = name.split(".")

    def take(self, paths: Found, headers: Mapping[str, str]) -> Raw | None:
        """Return its value as JSON; None if there is none. Raise MessageFault if it does not fit,
        PassedOver if its names skip the message."""
        return self.pick.take(self._find(paths, headers), self.name)

    def put(self, event: dict[str, Any], value: Raw) -> None:
        """Put a value into the event, below what is there; the objects on the way are opened, or
        made. Raise MessageFault if something else stands on the way."""
        here = event
        for step in self.way:
            inner = here.get(step)
            if inner.__class__ is not dict:
                if inner is None:
                    inner = {}
                elif first_byte(inner) == ord("{"):
                    inner = fields_of(inner)
                else:
                    raise MessageFault(
                        "no_object",
                        f"{self.name} must lead through objects; {step} is none. Correct "
                        "mapping.fields.",
                        self.name,
                    )
                here[step] = inner
            here = inner
        here[self._last] = value


def picks_of(mapping: SourceMapping) -> list[tuple[str, Pick]]:
    """List the picks of a mapping by what each is for; `each` is none of them."""
    named = [(name, getattr(mapping, attribute)) for name, attribute in _ENVELOPE]
    named += [(DATA, mapping.data), *mapping.fields.items()]
    return [(name, pick) for name, pick in named if pick is not None]


def _by_name(message: ForeignMessage) -> dict[str, str]:
    """Return the headers by their names in lower case, the first of each."""
    return {name.lower(): value for name, value in reversed(message.headers)}


def _place_of(taker: _Taker, paths: Found, headers: Mapping[str, str]) -> str:
    """Return what a repeat of a message is known by; empty where it says nothing of the kind."""
    try:
        found = taker.take(paths, headers)
        value = None if found is None else value_of(found)
    except (MessageFault, PassedOver, msgspec.ValidationError):
        return ""
    if isinstance(value, str):
        return value[:PLACE_MAX]
    return "" if value is None else _short(str(value))


def _short(text: str) -> str:
    """Return a text, or its digest if it is long: cut off, it could be another's too."""
    if len(text) <= PLACE_MAX:
        return text
    return f"blake2b {hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def _items_of(found: Raw | None, where: str | None) -> list[Raw]:
    items = None if found is None or first_byte(found) != ord("[") else items_of(found)
    if items is None or len(items) > ITEMS_MAX:
        got = "nothing of that kind" if items is None else f"{len(items)} items"
        raise MessageFault(
            "no_list",
            f"A list of at most {ITEMS_MAX} items must stand at {where} of the body; got "
            f"{got}. Correct mapping.each, or the sender.",
            "mapping.each",
        )
    return items


def _too_much() -> MessageFault:
    return MessageFault(
        "events_too_large",
        f"The events of a message must have at most {EVENTS_BYTES_MAX} bytes together; these have "
        "more. Use less of the message, or send smaller messages.",
    )
