"""The accept path and event types of an org's own: checked as declared, of the version they say."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tidings.catalogue import envelope, load
from tidings.core.events.call_items import RejectedEvent, UncheckedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Draft

ORG = OrgId(2001)


def own(version: int, kind: str) -> OwnType:
    schema = {"properties": {"orderId": {"type": kind}}, "required": ["orderId"]}
    return OwnType("orderPacked", version, Declaration("Packed.", schema), envelope())


VERSIONS = {1: own(1, "string"), 2: own(2, "integer")}


def of(org: int, name: str) -> Mapping[int, OwnType] | None:
    return VERSIONS if (org, name) == (ORG, "orderPacked") else None


def read(event: dict[str, Any], **rules: Any) -> Draft | RejectedEvent:
    reader = CallReader(
        Draft, load(), lambda org: IntakeRules(**rules), lambda: "id-1", DEFAULT_LIMITS, of
    )
    body = msgspec.json.encode(event)
    [item] = reader.read(
        b"application/json", {}, body, AuthenticatedCaller(event.get("orgId", 0)), None, 5
    )
    assert not isinstance(item, UncheckedEvent)
    return item


def event(**more: Any) -> dict[str, Any]:
    return {"eventName": "orderPacked", "orgId": ORG, "data": {"orderId": "O-1"}} | more


def test_a_fitting_event_is_accepted_as_version_1() -> None:
    item = read(event())
    assert isinstance(item, Draft) and (item.type_version, item.warning) == (1, None)


def test_an_event_says_which_version_it_is_of() -> None:
    item = read(event(eventVersion=2, data={"orderId": 1}))
    assert isinstance(item, Draft) and item.type_version == 2
    wrong = read(event(eventVersion=2))
    assert isinstance(wrong, RejectedEvent) and (wrong.code, wrong.path) == (
        "schema",
        "data.orderId",
    )


def test_a_version_that_is_not_there_is_refused_whatever_the_validation() -> None:
    for level in ("strict", "lenient", "off"):
        item = read(event(eventVersion=3), validation=level)
        assert isinstance(item, RejectedEvent)
        assert (item.code, item.path) == ("event_version", "eventVersion")


def test_lenient_keeps_a_warning_and_off_does_not_look() -> None:
    lenient = read(event(data={"orderId": 7}), validation="lenient")
    assert isinstance(lenient, Draft)
    assert (lenient.warning or "").startswith("data.orderId must be text; got number 7.")
    off = read(event(data={"orderId": 7}), validation="off")
    assert isinstance(off, Draft) and off.warning is None


def test_a_level_of_one_type_holds_for_an_own_type_too() -> None:
    item = read(event(data={}), by_type={"orderPacked": "lenient"})
    assert isinstance(item, Draft) and item.warning is not None


def test_another_org_does_not_have_the_type() -> None:
    item = read(event(orgId=2002))
    assert isinstance(item, RejectedEvent) and item.code == "unknown_type"


@pytest.mark.parametrize("version", [2, "x", None])
def test_a_type_of_the_catalogue_has_no_versions_and_keeps_the_field(version: object) -> None:
    found = load().get("pointsIssued")
    assert found is not None
    item = read({**found.example, "orgId": ORG, "eventVersion": version})
    assert isinstance(item, Draft) and item.type_version == 1
