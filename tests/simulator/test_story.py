"""The story is coherent: every type occurs, follows its cause, fits its schema, repeats by seed."""

import ast
import hashlib
from itertools import islice
from pathlib import Path

import msgspec
import pytest

import tidings.simulator
from tests.depth import depth
from tests.pace import reference_s
from tests.simulator.causes import CAUSES
from tests.simulator.run import Run, customer_of
from tidings.catalogue import load
from tidings.simulator import START_MS, Happening, played_types, simulate

ORG, EVENTS = 2001, 15_000
SPEED_MIN = 15_000  # events a second in one thread of the reference machine


def play(seed: int, events: int = EVENTS, customers: int = 60) -> list[Happening]:
    return list(islice(simulate(ORG, seed, customers=customers), events))


@pytest.fixture(scope="module", params=range(1, 1 + depth(1, 6)))
def run(request: pytest.FixtureRequest) -> Run:
    return Run(play(request.param))


def test_the_table_names_every_type_that_is_played() -> None:
    assert set(CAUSES) == played_types()
    assert len(CAUSES) == 77


def test_every_type_occurs(run: Run) -> None:
    assert set(run.places) == set(CAUSES)


@pytest.mark.parametrize("name", CAUSES)
def test_each_event_follows_its_cause(run: Run, name: str) -> None:
    cause, rule = CAUSES[name]
    for step in run.of(name):
        if step.at + 1 == len(run.steps):
            continue  # what belongs to it comes after the end of the run
        assert rule(step), (cause, step.at, step.event)


def test_every_event_fits_its_schema(run: Run) -> None:
    catalogue = load()
    for happening in run.happenings:
        event = msgspec.json.decode(happening.body())
        assert catalogue.check(happening.name, event) == [], happening.event
        assert event["eventName"] == happening.name and event["eventId"] == happening.event_id


def test_time_goes_forward_and_ids_are_distinct(run: Run) -> None:
    times = [happening.at_ms for happening in run.happenings]
    assert times == sorted(times) and times[0] == START_MS
    assert len({happening.event_id for happening in run.happenings}) == EVENTS


def test_memberships_are_renewed_and_members_rise(run: Run) -> None:
    kinds = {step.data["updateType"] for step in run.of("partnerProgramUpdated")}
    assert kinds == {"UPGRADE", "RENEW"}


def test_a_refused_bill_is_named_behind_a_hyphen(run: Run) -> None:
    for name in ("transactionRejected", "rejectedTransactionRetrigger"):
        for step in run.of(name):
            assert step.event["refId"] == f"{ORG}-{step.data['billNumber']}"


def test_lifetime_points_add_up(run: Run) -> None:
    """What is issued is what the next total says, per member, as long as nothing else counts."""
    lifetime: dict[int, float] = {}
    for step in run.steps:
        if step.name == "loyaltyCustomerMerge":
            summary = step.data["survivorCustomerLoyaltySummary"][0]
            who = step.data["survivorCustomerIdentifiers"]["customerId"]
            lifetime[who] = summary["lifetimePoints"]
        if "programLifetimePoints" not in step.data:
            continue
        assert step.customer is not None
        added = (
            step.data.get("totalPointsIssued", 0)
            + step.data.get("pointsConverted", 0)
            - step.data.get("totalIssuedPointsReversed", 0)
        )
        lifetime[step.customer] = lifetime.get(step.customer, 0.0) + added
        assert step.data["programLifetimePoints"] == lifetime[step.customer]
        assert step.data["programCurrentPoints"] >= 0


def test_a_merged_member_is_heard_of_no_more(run: Run) -> None:
    gone: set[int] = set()
    for step in run.steps:
        assert customer_of(step.data) not in gone
        if step.name == "loyaltyCustomerMerge":
            gone.add(step.data["victimCustomerIdentifiers"]["customerId"])


def test_nobody_in_it_can_be_reached(run: Run) -> None:
    for step in run.steps:
        who = step.data.get("customerIdentifiers", {}).get("instore", {})
        assert "email" not in who or who["email"].endswith("@example.test")
        assert "mobile" not in who or who["mobile"].startswith("1555")


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    def digest(seed: int) -> str:
        body = b"\n".join(happening.body() for happening in play(seed, 3_000))
        return hashlib.sha256(body).hexdigest()

    assert digest(7) == digest(7) != digest(8)


@pytest.mark.parametrize("customers", [2, 5, 1000])
def test_the_number_of_members_is_kept(customers: int) -> None:
    living = 0
    for happening in play(4, 6_000, customers):
        living += happening.name == "customerAdded"
        living -= happening.name == "loyaltyCustomerMerge"
        assert living <= customers


def test_fewer_than_two_members_cannot_be() -> None:
    with pytest.raises(ValueError, match="must be 2 or more; got 1"):
        next(simulate(ORG, 1, customers=1))


def test_it_knows_the_catalogue_and_nothing_else_of_tidings() -> None:
    folder = Path(tidings.simulator.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tidings"):
                assert (node.module or "").split(".")[1] in ("simulator", "catalogue"), path.name


def test_it_is_quick() -> None:
    def tell() -> None:
        for happening in islice(simulate(ORG, 1), 4_000):
            happening.body()

    enough_s = 4_000 / SPEED_MIN
    assert reference_s(tell, enough_s) < enough_s


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        ("customerAdded", "transactionAdded"),
        ("transactionAdded", "pointsIssued"),
        ("transactionAdded", "targetAchievedValueUpdated"),
        ("transactionAdded", "streakLevelAchieved"),
        ("transactionUpdated", "issuedPointsReversed"),
        ("transactionUpdated", "revokeEarnedPromotion"),
        ("transactionRejected", "rejectedTransactionRetrigger"),
        ("notInterestedBillAdded", "retroBillAdded"),
        ("pointsIssued", "tierUpgraded"),
        ("pointsIssued", "promisedToCurrentPointsConversion"),
        ("pointsRedeemed", "redeemedPointsReversed"),
        ("pointsRedeemed", "rewardIssued"),
        ("pointsTransferredInitiated", "pointsTransferredReceived"),
        ("pointsTransferredReceived", "pointsTransferredInitiated"),
        ("pointsExpiryReminder", "pointsExpired"),
        ("pointsExpiryReminder", "pointsExpiryChange"),
        ("tierDowngradeReminder", "tierDowngraded"),
        ("promotionIssued", "promotionEarned"),
        ("cartPromotionIssued", "cartPromotionEarned"),
        ("CouponIssue", "CouponRedeem"),
        ("rewardIssued", "updateRewardTransaction"),
        ("requestWorkflowEvent", "pointsIssued"),
        ("groupMemberAdded", "groupMemberRemoved"),
        ("targetAchievedValueUpdated", "targetValueAchieved"),
        ("targetCustomerEnrolment", "targetCustomerUnenrolment"),
        ("streakStart", "streakEnd"),
        ("partnerProgramLinked", "partnerProgramUpdated"),
    ],
)
def test_without_the_cause_the_rule_would_fail(run: Run, cause: str, effect: str) -> None:
    """The rules themselves are under test: a story that leaves causes out does not pass them."""
    poor = Run([happening for happening in run.happenings if happening.name != cause])
    rule = CAUSES[effect][1]
    steps = [step for step in poor.of(effect) if step.at + 1 < len(poor.steps)]
    assert not all(rule(step) for step in steps)
