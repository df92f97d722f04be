"""The accept path and another name of a type: its events are the type's, and keep their bytes."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tidings.catalogue import envelope, load
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.ids import OrgId
from tidings.engine.events.intake import Draft

ORG, NOW_MS = OrgId(2001), 1_772_440_658_145
ALIAS, TYPE = "PP_EXPIRY_JOB", "partnerProgramUpdated"
OWN = OwnType(ALIAS, 1, Declaration("Ours.", {"required": ["ours"]}), envelope())


def own(org: int, name: str) -> Mapping[int, OwnType] | None:
    return {1: OWN} if name == ALIAS else None


def body(**data: Any) -> bytes:
    event = {"eventName": ALIAS, "eventId": "e-1", "orgId": ORG, "createdAt": NOW_MS}
    about = {"updateType": "RENEW", "customerIdentifiers": {"customerId": 41}}
    return msgspec.json.encode(event | {"data": about | data})


def read(
    sent: bytes, own_types: Any = lambda org, name: None, **rules: Any
) -> Draft | RejectedEvent:
    reader = CallReader(
        Draft, load(), lambda org: IntakeRules(**rules), lambda: "id-1", DEFAULT_LIMITS, own_types
    )
    [item] = reader.read(b"application/json", {}, sent, AuthenticatedCaller(ORG), None, NOW_MS)
    assert isinstance(item, Draft | RejectedEvent)
    return item


def test_it_is_accepted_as_the_type_and_its_bytes_stay() -> None:
    item = read(body())
    assert isinstance(item, Draft)
    assert (item.name, item.type_version, item.warning) == (TYPE, 1, None)
    assert item.body == body() and item.event["eventName"] == ALIAS


@pytest.mark.parametrize("unknown", ["refused", "admitted"])
def test_it_is_checked_as_the_type(unknown: str) -> None:
    item = read(body(loyaltyProgramId="x"), unknown=unknown)
    assert isinstance(item, RejectedEvent)
    assert (item.name, item.code, item.path) == (ALIAS, "schema", "data.loyaltyProgramId")
    assert f"The schema of {TYPE} says more" in item.message


def test_what_an_org_settled_for_the_type_holds() -> None:
    item = read(body(loyaltyProgramId="x"), by_type={TYPE: "lenient"})
    assert isinstance(item, Draft) and item.name == TYPE
    assert item.warning is not None and "data.loyaltyProgramId" in item.warning


def test_a_type_of_the_orgs_own_that_was_there_before_goes_on() -> None:
    item = read(body(), own)
    assert isinstance(item, RejectedEvent) and item.path == "data.ours"
    item = read(body(ours=1), own)
    assert isinstance(item, Draft) and item.name == ALIAS


def test_case_matters() -> None:
    item = read(body().replace(ALIAS.encode(), b"pp_expiry_job"))
    assert isinstance(item, RejectedEvent) and item.code == "unknown_type"
