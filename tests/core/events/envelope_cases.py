"""Events, types and rules that the tests of envelopes read calls with."""

import json
from typing import Any

import msgspec
import pytest

from tests.core.events.parts import checked
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader, IntakeRules
from tidings.core.events.call_split import CallLimits
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Draft
from tidings.errors import RequestRefused

NOW = 1_770_801_300_412

OWN, OTHER, GONE = OrgId(2001), OrgId(2002), OrgId(2999)

OPEN, LENIENT, OFF = OrgId(2003), OrgId(2004), OrgId(2005)

RULES = {
    OWN: IntakeRules(),
    OTHER: IntakeRules(),
    OPEN: IntakeRules(unknown="admitted"),
    LENIENT: IntakeRules(validation="lenient"),
    OFF: IntakeRules(validation="off"),
}

JSON = b"application/json"


class Problem(msgspec.Struct):
    path: str
    message: str


class PointsIssued:
    """Its data must be an object without `bad`."""

    def check(self, event: dict[str, Any]) -> list[Problem]:
        data = event.get("data", {})
        if not isinstance(data, dict):
            return [Problem("data", "data must be an object; got something else.")]
        count = data.get("bad", 0)
        return [Problem("data.bad", "data.bad must be absent; got a value.")] * count

    def warnings(self, event: dict[str, Any]) -> list[str]:
        return []


class Types:
    """Knows `pointsIssued`, which has one version."""

    def versions(self, name: str) -> dict[int, PointsIssued] | None:
        return {1: PointsIssued()} if name == "pointsIssued" else None

    def alias_of(self, name: str) -> str | None:
        return None


def reader(limits: CallLimits | None = None) -> CallReader[Draft]:
    ids = iter(f"made-{number}" for number in range(10_000))
    return CallReader(Draft, Types(), RULES.get, lambda: next(ids), limits or CallLimits())


def read(
    body: bytes,
    kind: bytes | None = JSON,
    *,
    org: int = OWN,
    platform: bool = False,
    key: str | None = None,
    limits: CallLimits | None = None,
) -> list[Draft | RejectedEvent]:
    return checked(
        reader(limits).read(kind, {}, body, AuthenticatedCaller(OrgId(org), platform), key, NOW)
    )


def draft(body: bytes, **more: Any) -> Draft:
    (item,) = read(body, **more)
    assert isinstance(item, Draft), item
    return item


def rejected(body: bytes, **more: Any) -> RejectedEvent:
    (item,) = read(body, **more)
    assert isinstance(item, RejectedEvent), item
    return item


def refused(body: bytes, kind: bytes | None = JSON, **more: Any) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        read(body, kind, **more)
    return caught.value


def event(data: bytes = b"{}", **fields: Any) -> bytes:
    """A complete event whose data is exactly these bytes."""
    given = {"eventName": "pointsIssued", "eventId": "e-1", "orgId": OWN, "createdAt": 5}
    members = [
        b'"%s":%s' % (k.encode(), json.dumps(v).encode()) for k, v in (given | fields).items()
    ]
    return b"{" + b",".join([*members, b'"data":' + data]) + b"}"
