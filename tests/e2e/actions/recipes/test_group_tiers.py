"""The members of a group have the tier of its primary member, and nothing goes in circles."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.until import until
from tests.stand_ins.apart import Apart
from tests.stand_ins.parties.loyalty_members import DEFAULT_PROGRAMME
from tests.stand_ins.parties.loyalty_platform import LoyaltyPlatform

from .begun import (
    PLATFORM,
    Recipe,
    disordered,
    done,
    event_of,
    hurried,
    mobile_of,
    replayed,
    runs,
    sends,
    why,
)

GROUP, PRIMARY, SECONDARIES = 501, 1, (2, 3, 4)
OTHER_GROUP, OTHER = 502, (11, 12)
ADJUST = "manualSlabAdjustment"
TYPES = ("tierUpgraded", "tierDowngraded", "tierRenewed")
pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]  # it takes half a minute


@pytest.fixture
def platform() -> Iterator[Apart]:
    with Apart(LoyaltyPlatform) as made:
        for secondary in (PRIMARY, *SECONDARIES, *OTHER):
            made.add(secondary, mobile=mobile_of(secondary), tier="Silver")
        made.add_group(GROUP, [PRIMARY, *SECONDARIES])
        made.add_group(OTHER_GROUP, list(OTHER))
        yield made


@pytest.fixture
def recipe(
    own_service: NewService, platform: Apart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Recipe:
    addresses = {PLATFORM: platform.url()}
    return Recipe("group-tiers", tmp_path, own_service, addresses, monkeypatch, {})


def tier_event(name: str, customer: int) -> dict[str, Any]:
    return event_of(name, customer, loyaltyProgramId=DEFAULT_PROGRAMME)


def moves(platform: Apart, api: Api, tier: str, name: str = "tierUpgraded") -> None:
    """The primary member comes to a tier, and the platform tells of it."""
    platform.set_tier(PRIMARY, tier)
    sends(api, tier_event(name, PRIMARY))


def tiers(platform: Apart) -> list[str]:
    return [platform.tier(secondary) for secondary in SECONDARIES]


def test_members_follow_the_primary_member_up_and_down(recipe: Recipe, platform: Apart) -> None:
    with recipe.start() as api:
        for tier, name in (("Gold", "tierUpgraded"), ("Bronze", "tierDowngraded")):
            moves(platform, api, tier, name)
            until(lambda: tiers(platform) == [tier] * 3, f"everybody is {tier}")  # noqa: B023
        done(api)
        assert [adjustment["slabAction"] for adjustment in platform.adjustments(2)] == [
            "UPGRADE",
            "DOWNGRADE",
        ]
        assert platform.tier(12) == "Silver" and platform.adjustments(PRIMARY) == []
        moves(platform, api, "Bronze", "tierRenewed")
        done(api)
        assert len(platform.adjustments()) == 6
        assert {why(run) for run in runs(api, "member-tier")[:3]} == {
            "The member has this tier already."
        }


def test_a_renewal_of_the_primary_member_renews_those_who_have_the_same_tier(
    recipe: Recipe, platform: Apart
) -> None:
    platform.set_tier(4, "Bronze")
    with recipe.start() as api:
        platform.set_strategy(later := "2028-03-31 23:59:59")
        platform.renew(PRIMARY)
        platform.resets(1, done=True, path=ADJUST)
        for _ in range(2):  # told twice, with another id
            sends(api, tier_event("tierRenewed", PRIMARY))
            hurried(api)
        assert {platform.expiry(secondary) for secondary in (PRIMARY, *SECONDARIES)} == {later}
        assert tiers(platform) == ["Silver"] * 3 and platform.expiry(12) != later
        made = [
            (adjustment["customer"], adjustment["slabAction"])
            for adjustment in platform.adjustments()
        ]
        assert sorted(made) == [(2, "RENEWAL"), (3, "RENEWAL"), (4, "UPGRADE")]
        platform.set_strategy("2029-03-31 23:59:59")
        moves(platform, api, "Silver", "tierUpgraded")  # which is no renewal
        done(api)
        assert len(platform.adjustments()) == 3


def test_a_group_of_200_members_follows_and_a_larger_one_is_passed_over_with_that_reason(
    recipe: Recipe, platform: Apart
) -> None:
    for first, size in ((1000, 200), (2000, 201)):
        members = list(range(first, first + size))
        for member in members:
            email = f"somebody.with.a.long.name.{member}@mail.of.a.brand.example"
            platform.add(
                member, mobile=mobile_of(member), email=email, external_id=f"external-id-{member}"
            )
        platform.add_group(first, members)
        platform.set_tier(first, "Gold")
    with recipe.start() as api:
        sends(api, tier_event("tierUpgraded", 2000))
        done(api)
        [run] = runs(api, "group-members")
        assert (run["state"], why(run)) == ("cancelled", "The group has more than 200 members.")
        sends(api, tier_event("tierUpgraded", 1000))
        done(api)
        assert {platform.tier(number) for number in range(1000, 1200)} == {"Gold"}
        assert len(platform.adjustments()) == 199


def test_what_members_come_to_themselves_causes_nothing(recipe: Recipe, platform: Apart) -> None:
    with recipe.start() as api:
        platform.set_tier(2, "Gold")
        sends(api, tier_event("tierUpgraded", 2))
        sends(api, tier_event("tierUpgraded", 77))  # in no group
        done(api)
        assert tiers(platform) == ["Gold", "Silver", "Silver"] and platform.adjustments() == []
        assert [run["state"] for run in runs(api, "group-members")] == ["cancelled"] * 2
        moves(platform, api, "Gold")
        done(api)
        told = len(platform.calls())
        for element in (3, 4):  # as the platform tells of each adjustment
            sends(api, tier_event("tierUpgraded", element))
        done(api)
        assert len(platform.adjustments()) == 2  # the second member had it already
        assert not platform.calls(ADJUST)[2:] and len(platform.calls()) == told + 2


def test_a_primary_member_without_a_number_is_found_by_e_mail(
    recipe: Recipe, platform: Apart
) -> None:
    platform.add(21, email="mei@brand.example", tier="Gold")
    platform.add(22, email="ken@brand.example", tier="Silver")
    platform.add_group(503, [21, 22])
    with recipe.start() as api:
        event = tier_event("tierUpgraded", 21)
        event["data"]["customerIdentifiers"]["instore"] = {"email": "mei@brand.example"}
        sends(api, event)
        done(api)
        assert platform.tier(22) == "Gold"
        event = tier_event("tierUpgraded", 21)
        event["data"]["customerIdentifiers"]["instore"] = {}
        sends(api, event)
        done(api)
        newest = runs(api, "group-members")[0]
        assert newest["state"] == "cancelled" and "group has no record" in why(newest)


def test_a_member_that_fails_is_tried_again_alone(recipe: Recipe, platform: Apart) -> None:
    with recipe.start() as api:
        platform.fails(1, status=521, path=ADJUST)
        platform.fails(1, status=500, path=ADJUST)
        moves(platform, api, "Gold")
        until(lambda: tiers(platform) == ["Gold"] * 3, "everybody is Gold")
        done(api)
        assert len(platform.adjustments()) == 3 and len(platform.calls(ADJUST)) == 5
        assert sorted(len(run["attemptList"]) for run in runs(api, "member-tier")) == [1, 2, 2]


def test_an_answer_that_is_lost_changes_no_tier_twice(recipe: Recipe, platform: Apart) -> None:
    with recipe.start() as api:
        platform.resets(1, done=True, path=ADJUST)
        moves(platform, api, "Gold")
        done(api)
        assert tiers(platform) == ["Gold"] * 3 and len(platform.adjustments()) == 3
        states = sorted(run["state"] for run in runs(api, "member-tier"))
        assert states == ["cancelled", "delivered", "delivered"]  # it had the tier when asked again


def test_events_of_the_same_message_are_known_again_and_a_replay_asks_anew(
    recipe: Recipe, platform: Apart
) -> None:
    with recipe.start() as api:
        moves(platform, api, "Gold")
        done(api)
        platform.set_tier(2, "Bronze")
        replayed(api, "group-members", states=["delivered"], again=True)
        assert tiers(platform) == ["Gold"] * 3
        [answer, first] = [run["attemptList"][-1] for run in runs(api, "group-members")]
        assert (first["status"], answer["status"]) == (202, 202)
        assert len(runs(api, "member-tier")) == 6


def test_the_type_of_the_file_is_declared_once_and_its_events_are_checked(
    recipe: Recipe, platform: Apart
) -> None:
    with recipe.start() as api:
        kind = api.get("/v1/eventTypes/groupMemberTierDue").must(200)
    with recipe.dies_and_comes_back() as api:
        assert api.get("/v1/eventTypes/groupMemberTierDue").must(200) == kind
    text = recipe.file.read_text()
    assert 'path = "each.role"' in text
    recipe.file.write_text(text.replace('path = "each.role"', 'path = "each.lost"'))
    with recipe.dies_and_comes_back() as api:
        moves(platform, api, "Gold")
        done(api)
        [run] = runs(api, "group-members")
        assert run["state"] == "failed" and "data.role" in why(run)
        assert runs(api, "member-tier") == []  # none of them, and not three of four


@pytest.mark.parametrize("seed", [1, 2])
def test_events_in_any_order_among_changes_and_kills_end_with_the_primary_members_tier(
    recipe: Recipe, platform: Apart, seed: int
) -> None:
    rng = random.Random(seed)
    api = recipe.start()
    late: list[dict[str, Any]] = []
    told = 0
    for turn in range(9):
        platform.set_tier(PRIMARY, rng.choice(("Bronze", "Silver", "Gold")))
        late.append(tier_event(rng.choice(TYPES), PRIMARY))
        if turn % 3 == 1:
            platform.fails(1, status=rng.choice((500, 503, 521)), path=rng.choice((ADJUST, "tier")))
            platform.resets(1, done=rng.random() < 0.5, path=ADJUST)
        made = platform.adjustments()
        late += [tier_event("tierUpgraded", row["customer"]) for row in made[told:]]
        told = len(made)
        sent = disordered(rng, late)[: len(late) // 2 + 1]
        for event in sent:
            sends(api, event)
        late = [event for event in late if event not in sent]
        if turn % 3 == 2:
            api.close()
            api = recipe.dies_and_comes_back()
    for event in disordered(rng, late):
        sends(api, event)
    hurried(api)
    assert api.counts()["failed"] == 0
    assert tiers(platform) == [platform.tier(PRIMARY)] * 3
    assert platform.adjustments(PRIMARY) == [] and platform.tier(OTHER[1]) == "Silver"
    api.close()
