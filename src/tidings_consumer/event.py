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
NAMES = frozenset(("tidings-attempt", "tidings-delivery", "tidings-replay"))
"""The headers that an event is read from, besides those that are signed."""
NAME_MAX = 128


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

    @property
    def data(self) -> Any:
        """What happened: `payload["data"]`."""
        return self.payload.get("data")  # type: ignore[attr-defined]


def read_event(view: HeaderView, body: bytes, signed: Signed) -> Event[Any]:
    """The event of a request that was verified. PayloadError where the body holds none."""
    payload = _parse(body)
    name = payload.get("eventName")
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_MAX:
        raise PayloadError("eventName must be text in the body")
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
    )


def _parse(body: bytes) -> dict[str, Any]:
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
    own = payload.get("eventId")
    if isinstance(own, str) and 1 <= len(own) <= 128:
        return f"{payload.get('orgId', '')}:{own}"
    return "body_" + hashlib.sha256(body).hexdigest()
