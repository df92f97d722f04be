"""The one event of all figures: a real `pointsIssued`, cut and padded to a fixed size.

The same bytes go to the yardstick and to the product. Ids are random UUIDs, as those of real
platforms: ids that grow would make the index of ids cheaper than it is in life. Organisations have
four digits, so every request has one length.
"""

import random
from collections.abc import Callable

import msgspec

EVENT_NAME = "pointsIssued"
OTHER_EVENT_NAME = "customerUpdated"
ORG_FIRST = 2001
ORG_LAST = 9999
CUSTOMER_FIRST = 41200777
SIZE_DEFAULT = 1024
ID_SLOT = "00000000-0000-4000-8000-000000000000"

EXAMPLE: dict[str, object] = {
    "eventName": EVENT_NAME,
    "eventId": ID_SLOT,
    "orgId": ORG_FIRST,
    "refId": "k3Jx9Pq2Lm",
    "apiRequestId": "7f3d2c1b0a9e8d7c6b5a493827160f5e",
    "createdAt": 1770801300412,
    "data": {
        "loyaltyProgramDetails": {"id": 77, "name": "Example programme", "isDefault": True},
        "entityInformation": {"entityType": "USER", "entityId": CUSTOMER_FIRST},
        "regularPointsIssued": 66.0,
        "customerIdentifiers": {"customerId": CUSTOMER_FIRST},
        "programLifetimePoints": 980.0,
        "totalPointsIssued": 66.0,
        "promisedPointsIssued": [],
        "programCurrentPoints": 410.0,
        "triggeringActivity": {
            "name": "TransactionAdd",
            "identifiers": [{"key": "billId", "value": "90551"}],
            "entityInformation": {"entityType": "USER", "entityId": CUSTOMER_FIRST},
            "additionalAttributes": [],
        },
        "loyaltyProgramId": 77,
        "regularPointsBreakup": [{"points": 66.0, "expiryAt": "2026-08-31"}],
        "promotionalPointsIssued": [],
    },
    "loyaltyEventId": "k3Jx9Pq2Lm",
}


def event_bytes(org: int, size: int = SIZE_DEFAULT, customer: int = 0) -> bytes:
    """The event of one organisation and customer, of exactly `size` bytes, with the id still to be
    filled in."""
    assert ORG_FIRST <= org <= ORG_LAST, org
    event = EXAMPLE | {"orgId": org, "refId": f"{org}_k3Jx9Pq2Lm"}
    data = event["data"]
    assert isinstance(data, dict)
    data = data | {"customerIdentifiers": {"customerId": CUSTOMER_FIRST + customer}}
    event["data"] = data | {"note": ""}
    missing = size - len(msgspec.json.encode(event))
    if missing < 0:
        raise ValueError(f"an event has at least {size - missing} bytes; got {size}")
    event["data"] = data | {"note": ("points for a purchase; " * (missing // 22 + 1))[:missing]}
    body = msgspec.json.encode(event)
    assert len(body) == size
    return body


def uuid_source(seed: int | None = None) -> Callable[[], bytes]:
    """Random version 4 UUIDs as bytes, at a third of the price of `uuid.uuid4`."""
    bits = (
        random.Random(seed).getrandbits if seed is not None else random.SystemRandom().getrandbits
    )
    if seed is None:
        bits = random.Random(bits(128)).getrandbits

    def make() -> bytes:
        text = b"%032x" % bits(128)
        return b"%b-%b-4%b-8%b-%b" % (text[:8], text[8:12], text[13:16], text[17:20], text[20:])

    return make
