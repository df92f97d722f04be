"""An event as a handler gets it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, TypeVar

from tidings_consumer.errors import PayloadError
from tidings_consumer.headers import HeaderView
from tidings_consumer.signature import Signed

Payload = TypeVar("Payload")
NAMES = frozenset(("tidings-attempt", "tidings-delivery", "tidings-hops", "tidings-replay"))
"""The headers that an event is read from, besides those that are signed."""
TEXT_MAX = 128  # characters of a name or an id in the body
VALUES_MAX = 100_000
"""Values of a body, counted by what is between them: a megabyte of empty objects would take 25 MB
and 30 ms."""


@dataclass(frozen=True)
class Event(Generic[Payload]):
    """One event. `payload` is the parsed body: of a type of `tidings_consumer.events`, where the
    catalogue has it; fields that it does not know are there as they came."""

    id: str
    """The same at every attempt: what repeats are known by."""
    name: str
    """The event's type, as `pointsIssued`."""
    payload: Payload
    body: bytes = field(repr=False)
    """The bytes as they came: numbers exactly as they were written."""
    sent_at: int | None = None
    """When this attempt was made, in seconds since the epoch; None without a signature."""
    attempt: int = 1
    """1 for the first attempt."""
    delivery: str | None = None
    """`dlv_…`, to look it up with the sender."""
    replay: str | None = None
    """`rpl_…` where somebody has asked for it again."""
    hops: str | None = None
    """How often it has been through Tidings, and how (`tidings-hops`). Hand it to the events that
    you make of this one, so that what comes back for ever is found and ended:
    `tidings_producer.event(name, data, hops=event.hops)`."""

    @property
    def data(self) -> Any:
        """Return what happened: `payload["data"]`."""
        return self.payload.get("data")  # type: ignore[attr-defined]


def read_event(view: HeaderView, body: bytes, signed: Signed) -> Event[Any]:
    """Return the event of a verified request; raise PayloadError if the body holds none."""
    payload = _parse(body)
    name = _word(payload.get("eventName"))
    if name is None:
        raise PayloadError(f"eventName must be 1 to {TEXT_MAX} printable characters in the body")
    attempt = view.get("tidings-attempt") or "1"
    return Event(
        id=signed.id or _own_id(payload, body),
        name=name,
        payload=payload,
        body=body,
        sent_at=signed.sent_at,
        attempt=int(attempt) if attempt.isdigit() and len(attempt) <= 9 else 1,
        delivery=view.get("tidings-delivery"),
        replay=view.get("tidings-replay"),
        hops=view.get("tidings-hops"),
    )


def _parse(body: bytes) -> dict[str, Any]:
    if len(body) > VALUES_MAX and sum(map(body.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise PayloadError(f"the body must contain at most {VALUES_MAX:,} values")
    try:
        payload = _decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the body must be JSON in UTF-8: {type(error).__name__}") from None
    if not isinstance(payload, dict):
        raise PayloadError("the body must be a JSON object")
    return payload


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


_decode = json.JSONDecoder(parse_constant=_no_number).decode


def _own_id(payload: dict[str, Any], body: bytes) -> str:
    """Without `webhook-id`: the event's own id, or a hash of what came."""
    own, org = _word(payload.get("eventId")), payload.get("orgId", "")
    if own is not None and (org == "" or isinstance(org, int) or _word(org)):
        return f"{org}:{own}"
    return "body_" + hashlib.sha256(body).hexdigest()


def _word(value: object) -> str | None:
    """A text that can stand in a log and in every store: no control, no half of a surrogate."""
    if isinstance(value, str) and 1 <= len(value) <= TEXT_MAX and value.isprintable():
        return value
    return None
