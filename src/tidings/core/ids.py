"""Identifiers that explain themselves.

What we name ourselves has a prefix and 13 characters that sort like the number behind them
(Crockford's base 32, lower case): `dlv_…` a delivery, `att_…` an attempt, `rpl_…` a replay. The
original's shapes stay where it defines them: `webHookId` is 24 hex digits, `consumerGroupId` and a
made `eventId` are UUIDs.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import NewType, Protocol, TypeVar, cast

# Types that no checker lets be mixed up; when the program runs each is its number or text.
OrgId = NewType("OrgId", int)  # what the original calls `orgId`
ORG_ID_MAX = (1 << 53) - 1  # what every JSON reader can hold exactly
EventNumber = NewType("EventNumber", int)  # the store's: in the order in which it accepted them
DeliveryId = NewType("DeliveryId", int)  # people see `dlv_…`
WebhookId = NewType("WebhookId", str)  # what the original calls `webHookId`: 24 hex digits

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SHOWN_NUMBER = "[0-7][0-9a-hjkmnp-tv-z]{12}"  # behind the prefix, as a pattern
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_DIGITS = 13
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_Thing = TypeVar("_Thing")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

EVENT_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")
NAME_SIGNS = "[A-Za-z0-9_.:-]"  # of names that the catalogue does not have
UNKNOWN_NAME = re.compile(rf"{NAME_SIGNS}{{1,128}}")


def show(prefix: str, number: int) -> str:
    """Write an id: `prefix_` and the number (0 ≤ number < 2⁶³) in 13 sortable characters."""
    pairs = [_PAIRS[number >> shift & 1023] for shift in (50, 40, 30, 20, 10, 0)]
    return f"{prefix}_{_ALPHABET[number >> 60]}{''.join(pairs)}"


def read(prefix: str, text: str) -> int | None:
    """Return the number of an id made by `show`, or None for anything else."""
    if not text.startswith(prefix + "_") or len(text) != len(prefix) + 1 + _DIGITS:
        return None
    number = 0
    for letter in text[len(prefix) + 1 :]:
        if (value := _VALUE.get(letter)) is None:
            return None
        number = number * 32 + value
    return number if number < 1 << 63 else None


def read_delivery(text: str) -> DeliveryId | None:
    """Return the delivery of a `dlv_…`, or None for anything else."""
    number = read("dlv", text)
    return None if number is None else DeliveryId(number)


class _FromFirst(Protocol):
    def __call__(
        self, some: Iterable[_Thing], first: DeliveryId, /
    ) -> Iterator[tuple[DeliveryId, _Thing]]: ...


# Ids of deliveries that were given one after the other, each with what it is the id of. It is
# `enumerate` itself: a conversion for each would be felt on the way of an event.
from_first = cast(_FromFirst, enumerate)


def message_id(org: OrgId, event_id: str) -> str:
    """Return the `webhook-id` of an event: its own id if that is a UUID, else `evt_` and a hash of
    both.

    It is the same at every attempt, so that a receiver can drop repeats by it
    (docs/contract/delivery.md, "Headers").
    """
    if len(event_id) == 36 and _UUID.fullmatch(event_id):
        return event_id
    digest = hashlib.blake2b(f"{org}.{event_id}".encode(), digest_size=16).hexdigest()
    return "evt_" + digest


def replayed_id(message: str, replay: int) -> str:
    """Return the `webhook-id` of an event that a replay sends again although it was delivered.

    No receiver takes it for the first one: who drops repeats by `webhook-id` takes it in.
    """
    return f"{message}~{show('rpl', replay)}"


def derived_event_id(org: OrgId, idempotency_key: str, index: int) -> str:
    """Derive the repeatable id of the event at `index` in a call that carries an
    `Idempotency-Key`."""
    seed = f"{org}.{index}.{idempotency_key}".encode()
    digest = bytearray(hashlib.blake2b(seed, digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80  # version 8 of RFC 9562, which uuid does not know yet
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def foreign_event_id(source: str, foreign_id: str) -> str:
    """Derive the id of a CloudEvent whose own id does not fit: `ce_` and a hash of source and
    id."""
    digest = hashlib.blake2b(f"{len(source)}.{source}.{foreign_id}".encode(), digest_size=16)
    return "ce_" + digest.hexdigest()
