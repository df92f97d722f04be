"""The platform's API holds its callers to docs/contract/loyalty-platform-api.md."""

from collections.abc import Iterator
from hashlib import md5
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.stand_ins.caller import Said, basic, call
from tests.stand_ins.parties.loyalty_platform import (
    KEY,
    PASSWORD,
    SECRET,
    TILL,
    LoyaltyPlatform,
)

TOKEN = "/v3/oauth/token/generate"
JSON = {"content-type": "application/json", "accept": "application/json"}
TO_GOLD = {"programId": 973, "slabAction": "UPGRADE", "toSlabName": "Gold",
           "manualSlabActionValidity": "AS_PER_TIER_STRATEGY"}  # fmt: skip


def valid(kind: str, until: str) -> dict[str, str]:
    """Until when an adjusted tier is to hold."""
    return {"manualSlabActionValidity": kind, "manualSlabActionValidityUpto": until}


def known(**how: Any) -> LoyaltyPlatform:
    platform = LoyaltyPlatform(**how)
    platform.add(41, mobile="919800000041", email="asha@example.test", tier="Silver",
                 points="8500", promised="12.5")  # fmt: skip
    platform.add(42, mobile="919800000042", first="Ben", tier="Bronze")
    platform.add(43, mobile="919800000043", first="Cai", tier="Gold")
    platform.add_programme(974, ["Blue", "Black"])
    platform.add(41, tier="Black", points="1", programme=974)
    platform.add_group(900, [41, 42, 43], points="77.5")
    return platform


@pytest.fixture
def platform() -> Iterator[LoyaltyPlatform]:
    with known() as stand_in:
        yield stand_in


def headers(platform: LoyaltyPlatform) -> dict[str, str]:
    said = call(platform, "POST", TOKEN, json_={"key": KEY, "secret": SECRET})
    return JSON | {"x-cap-api-oauth-token": said.json["data"]["accessToken"]}


def get(platform: LoyaltyPlatform, path: str, **query: str | int) -> Said:
    asked = f"?{urlencode(query)}" if query else ""
    return call(platform, "GET", f"/v2/{path}{asked}", headers(platform))


def adjust(platform: LoyaltyPlatform, body: Any, id: int = 42, **query: str) -> Said:
    who = {"source": "INSTORE", "identifierName": "id", "identifierValue": str(id)} | query
    path = f"/v2/slab/manualSlabAdjustment?{urlencode(who)}"
    return call(platform, "POST", path, headers(platform), json_=body)


def code(said: Said) -> int:
    return int(said.json["errors"][0]["code"])


def test_a_token_is_for_who_knows_the_secret_and_says_how_long(platform: LoyaltyPlatform) -> None:
    said = call(platform, "POST", TOKEN, json_={"key": KEY, "secret": SECRET}).json
    assert said["data"]["ttlSeconds"] == 300 and said["errors"] is None
    assert call(platform, "POST", TOKEN, json_={"key": KEY, "secret": "no"}).status == 401
    assert call(platform, "POST", TOKEN, form={"key": KEY, "secret": SECRET}).status == 415
    assert platform.tokens_issued() == 1


def test_a_call_needs_a_token_that_is_good_and_two_headers(platform: LoyaltyPlatform) -> None:
    path, good = "/v2/customers/41/tierDetails", headers(platform)
    assert call(platform, "GET", path, good).status == 200
    for missing, status in (("x-cap-api-oauth-token", 401), ("content-type", 415), ("accept", 400)):
        left = {name: value for name, value in good.items() if name != missing}
        assert call(platform, "GET", path, left).status == status
    assert call(platform, "GET", path, good | {"content-type": "text/plain"}).status == 415
    assert call(platform, "GET", path, good | {"accept": "*/*"}).status == 400
    platform.passes(301)
    over = call(platform, "GET", path, good)
    assert (over.status, code(over)) == (401, 401)
    assert "x-cap-requestid" in over.headers


def test_a_till_may_sign_in_by_basic(platform: LoyaltyPlatform) -> None:
    path = "/v2/customers/41/tierDetails"
    hashed = md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
    assert call(platform, "GET", path, basic(TILL, hashed)).status == 200
    assert call(platform, "GET", path, basic(TILL, PASSWORD)).status == 401


def test_the_tier_is_told_by_programme(platform: LoyaltyPlatform) -> None:
    said = get(platform, "customers/41/tierDetails").json
    assert (said["entityId"], said["entityType"]) == (41, "CUSTOMER")
    (tier,) = said["programTiers"]
    assert (tier["currentTierName"], tier["currentTierSerialNumber"]) == ("Silver", 2)
    assert (tier["nextTierName"], tier["nextTierSerialNumber"]) == ("Gold", 3)
    (other,) = get(platform, "customers/41/tierDetails", programId=974).json["programTiers"]
    assert (other["currentTierName"], other["nextTierName"]) == ("Black", "")
    assert other["nextTierSerialNumber"] == -1
    every = get(platform, "customers/41/tierDetails", fetchDataForAllPrograms="true").json
    assert [row["programId"] for row in every["programTiers"]] == [973, 974]


def test_points_have_three_places(platform: LoyaltyPlatform) -> None:
    said = get(platform, "customers/41/points/balance")
    assert '"mainPoints": 8500.000' in said.text and '"totalPoints": 8512.500' in said.text
    assert said.json["promisedPointsBreakup"]["delayedAccrualPoints"] == 12.5
    platform.set_points(41, "10.25")
    assert get(platform, "customers/41/points/balance").json["mainPoints"] == 10.25


def test_who_is_unknown_has_a_code_in_a_200(platform: LoyaltyPlatform) -> None:
    for path, query, expected in (
        ("customers/99/tierDetails", {}, 8015),
        ("customers/x/points/balance", {}, 8015),
        ("customers/41/points/balance", {"entityType": "TEAM"}, 1212),
        ("customers/41/points/balance", {"entityType": "FLEET"}, 1632),
    ):
        said = get(platform, path, **query)
        assert (said.status, code(said)) == (200, expected)
        assert said.json["errors"][0]["status"] is False and said.json["warnings"] == []
    with known(error_status=404) as other:
        assert get(other, "customers/99/tierDetails").status == 404


def test_a_group_is_asked_for_as_fleet(platform: LoyaltyPlatform) -> None:
    said = get(platform, "customers/900/points/balance", entityType="FLEET").json
    assert (said["entityId"], said["mainPoints"]) == (900, 77.5)
    tier = get(platform, "customers/900/tierDetails", entityType="FLEET").json
    assert tier["programTiers"][0]["currentTierName"] == "Silver"


def test_customers_are_looked_up_by_what_identifies_them(platform: LoyaltyPlatform) -> None:
    who: dict[str, str | int] = {"source": "INSTORE", "identifierName": "mobile"}
    asha = who | {"identifierValue": "919800000041"}
    assert get(platform, "customers/lookup", **asha).json["entity"] == 41
    assert get(platform, "customers/lookup/tierDetails", **asha).json["entityId"] == 41
    assert get(platform, "customers/lookup/points/balance", **asha).json["mainPoints"] == 8500
    assert get(platform, "customers/lookup/customerDetails", **asha).json["id"] == 41
    several = {"source": "INSTORE", "identifierName": "externalId,email"}
    both = several | {"identifierValue": "x,asha@example.test"}
    assert get(platform, "customers/lookup", **both).json["entity"] == 41
    assert code(get(platform, "customers/lookup", **who, identifierValue="1")) == 8015
    assert get(platform, "customers/lookup", **who).status == 400
    no_source = {name: value for name, value in asha.items() if name != "source"}
    assert get(platform, "customers/lookup", **no_source).status == 400


def test_details_need_a_source_and_add_what_is_embedded(platform: LoyaltyPlatform) -> None:
    assert get(platform, "customers/41").status == 400
    thin = get(platform, "customers/41", source="INSTORE").json
    assert thin["profiles"][0]["firstName"] == "Asha" and "pointsSummary" not in thin
    full = get(platform, "customers/41", source="INSTORE", embed="points,mlp").json
    assert full["pointsSummary"]["currentSlab"] == "Silver"
    assert [row["programId"] for row in full["loyaltyProgramDetails"]] == [973, 974]


def test_groups_are_searched_and_their_members_listed_by_pages(platform: LoyaltyPlatform) -> None:
    for q in ("900", "Family", "asha@example.test", "919800000041"):
        (group,) = get(platform, "userGroup2/search", q=q).json["data"]
        assert (group["groupId"], group["primaryMemberId"]) == (900, 41)
    assert get(platform, "userGroup2/search", q="919800000042").json["data"] == []
    assert get(platform, "userGroup2/search").status == 400
    who: dict[str, str | int] = {"source": "INSTORE", "identifierName": "id"}
    said = get(platform, "userGroup2/members", **who, identifierValue=900).json
    members = [(row["fleetUserId"], row["role"]) for row in said["data"]]
    assert members == [(41, "PRIMARY"), (42, "SECONDARY"), (43, "SECONDARY")]
    page = get(platform, "userGroup2/members", **who, identifierValue=900, limit=1, offset=1).json
    assert [row["fleetUserId"] for row in page["data"]] == [42]
    assert page["pagination"] == {"limit": 1, "offset": 1, "total": 3}
    assert code(get(platform, "userGroup2/members", **who, identifierValue=901)) == 1632
    assert get(platform, "userGroup2/members", identifierValue=900).status == 400


def test_an_adjustment_changes_the_tier_and_is_recorded(platform: LoyaltyPlatform) -> None:
    said = adjust(platform, TO_GOLD)
    (effect,) = said.json["sideEffects"]
    assert (effect["previousSlabName"], effect["upgradedSlabName"]) == ("Bronze", "Gold")
    assert platform.tier(42) == "Gold"
    down = TO_GOLD | {"slabAction": "DOWNGRADE", "toSlabName": "Silver"}
    assert adjust(platform, down).status == 200
    assert [(adjustment["from"], adjustment["to"]) for adjustment in platform.adjustments(42)] == [
        ("Bronze", "Gold"),
        ("Gold", "Silver"),
    ]
    assert platform.adjustments(41) == []


@pytest.mark.parametrize(
    "body",
    [
        TO_GOLD | {"slabAction": "MOVE"},
        TO_GOLD | {"toSlabName": ""},
        TO_GOLD | {"toSlabName": "Platinum"},
        TO_GOLD | {"slabAction": "DOWNGRADE"},
        TO_GOLD | {"manualSlabActionValidity": ""},
        TO_GOLD | {"manualSlabActionValidity": "FIXED_DURATION"},
        TO_GOLD
        | {"manualSlabActionValidity": "FIXED_DURATION", "manualSlabActionValidityUpto": "soon"},
        TO_GOLD
        | {
            "manualSlabActionValidity": "SPECIFIC_DATE",
            "manualSlabActionValidityUpto": "31.3.2028",
        },
        TO_GOLD | {"slabChangeReason": "x" * 256},
        TO_GOLD | {"programId": 1},
        TO_GOLD | {"programId": 974},
        [],
    ],
)
def test_an_adjustment_that_lacks_something_is_refused(
    platform: LoyaltyPlatform, body: Any
) -> None:
    assert adjust(platform, body).status == 400
    assert platform.tier(42) == "Bronze" and platform.adjustments() == []


def test_groups_and_strangers_cannot_be_adjusted(platform: LoyaltyPlatform) -> None:
    assert adjust(platform, TO_GOLD, type="USERGROUP2").status == 400
    assert code(adjust(platform, TO_GOLD, id=99)) == 8015


def test_it_can_be_busy_with_the_same_customer(platform: LoyaltyPlatform) -> None:
    platform.fails(status=521, path="slab")
    busy = adjust(platform, TO_GOLD)
    assert (busy.status, code(busy)) == (521, 521)
    assert platform.tier(42) == "Bronze"
    assert adjust(platform, TO_GOLD).status == 200


@pytest.mark.parametrize(
    ("asked", "ends"),
    [
        ({"manualSlabActionValidity": "AS_PER_TIER_STRATEGY"}, "2028-03-31 23:59:59"),
        ({"manualSlabActionValidity": "CURRENT_TIER_EXPIRY_DATE"}, "2027-03-31 23:59:59"),
        (valid("FIXED_DURATION", "20"), "2027-04-20 23:59:59"),
        (valid("SPECIFIC_DATE", "2029-01-02"), "2029-01-02 23:59:59"),
    ],
)
def test_a_renewal_says_until_when(
    platform: LoyaltyPlatform, asked: dict[str, str], ends: str
) -> None:
    platform.set_strategy("2028-03-31 23:59:59")
    said = adjust(platform, {"programId": 973, "slabAction": "RENEWAL"} | asked)
    assert said.status == 200 and platform.expiry(42) == ends
    told = get(platform, "customers/42/tierDetails").json["programTiers"][0]
    assert (told["tierExpiryDate"], told["currentTierName"]) == (ends, "Bronze")
