"""Schemas saved as an org saves them, and events for them."""

from typing import Any

from tidings.catalogue import envelope
from tidings.core.events.own_types import OwnType, ParsedTypeBody, read_own_type

Json = dict[str, Any]


def saved(schema: Json) -> OwnType | str:
    """The type, or why it is refused."""
    body = {"description": "It happens.", "schema": schema}
    reading = read_own_type("orderPacked", body, envelope())
    if isinstance(reading, ParsedTypeBody):
        return OwnType("orderPacked", 1, reading.declaration, envelope())
    return reading[0].message


def event(data: Json) -> Json:
    return {"eventName": "orderPacked", "orgId": 1, "data": data}
