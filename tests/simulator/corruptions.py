"""A story made to contradict itself: for each rule of the audit little changes that break it.

Each is made at a place that a seed draws, and has to be found under the rule that it names.
"""

import copy
import random
from collections.abc import Callable
from typing import Any

from tests.simulator.audit_reading import DAY_MS, Event, Json, date_of
from tidings.simulator import programme

Change = Callable[[Json], None]  # of an event's data
Corruption = Callable[[list[Json], random.Random], list[Json]]
CORRUPTIONS: dict[str, tuple[str, Corruption]] = {}


def corrupts(rule: str) -> Callable[[Corruption], Corruption]:
    """Under which rule it has to be found."""

    def keep(corruption: Corruption) -> Corruption:
        CORRUPTIONS[corruption.__name__] = rule, corruption
        return corruption

    return keep


def named(events: list[Json], *names: str) -> list[Event]:
    return [Event(event) for event in events if event["eventName"] in names]


def weekday(event: Event) -> int:
    """Of the store; Monday is 0."""
    offset = programme.store_of(event.data["enteredBy"]["id"]).offset_min * 60_000
    return ((event.at_ms + offset) // DAY_MS + 3) % 7


def some(
    events: list[Json], rng: random.Random, name: str, where: Callable[[Event], bool]
) -> tuple[list[Json], int]:
    """A copy of the story, and the place of one event of that type which may be changed in it."""
    places = [
        at for at, event in enumerate(events) if event["eventName"] == name and where(Event(event))
    ]
    assert places, f"no {name} in it"
    at = rng.choice(places)
    events = list(events)
    events[at] = copy.deepcopy(events[at])
    return events, at


def changed(
    rule: str,
    label: str,
    name: str,
    change: Change,
    where: Callable[[Event], bool] = lambda event: True,
) -> None:
    """A corruption that changes the data of one event."""

    def corruption(events: list[Json], rng: random.Random) -> list[Json]:
        events, at = some(events, rng, name, where)
        change(events[at]["data"])
        return events

    corruption.__name__ = label
    corrupts(rule)(corruption)


def left_out(
    rule: str, label: str, name: str, where: Callable[[Event], bool] = lambda event: True
) -> None:
    """A corruption that leaves one event out."""

    def corruption(events: list[Json], rng: random.Random) -> list[Json]:
        events, at = some(events, rng, name, where)
        return events[:at] + events[at + 1 :]

    corruption.__name__ = label
    corrupts(rule)(corruption)


def add(field: str, by: float) -> Change:
    def change(data: Json) -> None:
        data[field] += by

    return change


def put(field: str, value: Any) -> Change:
    def change(data: Json) -> None:
        data[field] = value

    return change


def later(field: str, days: int) -> Change:
    """A date text and its twin, moved together."""

    def change(data: Json) -> None:
        twin = f"{field}InMillis"
        data[twin] += days * DAY_MS
        data[field] = date_of(data[twin])

    return change


def within(field: str, change: Change) -> Change:
    return lambda data: change(data[field][0])


def flat(data: Json) -> None:
    data["customerIdentifiers"] |= data["customerIdentifiers"].pop("instore")


def empty(data: Json) -> None:
    data["customerIdentifiers"]["instore"] = {}


def dearer(data: Json) -> None:
    data["amount"] += 5
    data["grossAmount"] += 5


def instore(event: Event) -> bool:
    return "instore" in event.data["customerIdentifiers"]


def of_group(event: Event) -> bool:
    return event.group is not None


changed("identifiers", "flat_identifiers", "transactionAdded", flat, instore)
changed("identifiers", "empty_instore", "transactionAdded", empty, instore)
changed("ownership", "a_groups_event_names_a_customer", "pointsRedeemed",
        put("customerIdentifiers", {"customerId": 41_200_777}), of_group)  # fmt: skip
changed("ownership", "a_stranger_owns_the_points", "pointsIssued",
        put("entityInformation", {"entityType": "USER", "entityId": 7}))  # fmt: skip
changed("dates", "a_date_of_another_day_than_its_twin", "tierUpgraded",
        put("tierExpiryDate", "2026-01-01"))  # fmt: skip

# points
changed("current", "a_balance_one_too_high", "pointsIssued", add("programCurrentPoints", 1))
changed("current", "a_groups_balance_one_too_high", "pointsRedeemed",
        within("redemptionFromEarningPrograms", add("programCurrentPoints", 1)),
        of_group)  # fmt: skip
changed("current", "more_received_than_was_sent", "pointsTransferredReceived",
        add("totalPointsTransferred", 10))  # fmt: skip
changed("current", "a_survivor_with_other_points", "loyaltyCustomerMerge",
        within("survivorCustomerLoyaltySummary", add("currentPoints", -5)))  # fmt: skip
left_out("current", "a_redemption_left_out", "pointsRedeemed")
changed("lifetime", "lifetime_points_one_too_few", "pointsIssued", add("programLifetimePoints", -1))
changed("negative", "more_taken_than_there_is", "manualPointsAdjustment",
        put("totalPoinstDeducted", "1000000.000"))  # fmt: skip
changed("negative", "a_group_gets_what_the_member_has_not", "pointsContributionToGroup",
        put("pointsContributedToGroup", 1e6))  # fmt: skip
changed("expiring", "points_that_lapse_sooner", "pointsIssued",
        within("regularPointsBreakup", later("expiryAt", -1)),
        lambda event: bool(event.data["regularPointsBreakup"]))  # fmt: skip
changed("expiring", "a_reminder_of_other_points", "pointsExpiryReminder",
        add("pointsScheduledForExpiry", -1))  # fmt: skip
changed("expiring", "fewer_lapse_than_were_due", "pointsExpired", add("pointsExpired", -1))
changed("expiring", "an_extension_of_other_points", "pointsExpiryChange",
        within("updatedPointsExpiryBreakup", add("points", 1)))  # fmt: skip
changed("expiring", "a_common_expiry_moved_back", "singlePointsExpiryUpdated",
        within("updatedPointsExpiry", later("newExpiryDate", -70)))  # fmt: skip
changed("coins", "coins_one_too_many", "alternateCurrenciesIssued",
        within("alternateCurrenciesIssuedData",
               add("programCurrentAlternateCurrencies", 1)))  # fmt: skip
changed("earning", "goodwill_as_regular_points", "pointsIssued", add("regularPointsIssued", 10),
        lambda event: event.cause_id("requestId") is not None)  # fmt: skip
changed("earning", "points_worth_more", "pointsRedeemed", add("redeemedPointsCurrencyValue", 1))


@corrupts("expiring")
def lapsed_points_left_out(events: list[Json], rng: random.Random) -> list[Json]:
    last: dict[int | None, int] = {
        event.customer: event.at_ms for event in named(events, "pointsIssued")
    }
    day_after = lambda event: event.at_ms + DAY_MS < last.get(event.customer, 0)  # noqa: E731
    events, at = some(events, rng, "pointsExpired", day_after)
    return events[:at] + events[at + 1 :]


@corrupts("reminder")
def points_lapse_without_a_reminder(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "pointsExpired", lambda event: True)
    gone = Event(events[at])
    told = [
        before for before in range(at)
        if events[before]["eventName"] == "pointsExpiryReminder"
        and Event(events[before]).owner == gone.owner
        and events[before]["data"]["scheduledExpiryDateInMillis"] <= gone.at_ms
    ]  # fmt: skip
    return [event for place, event in enumerate(events) if place not in told]


def _earn(data: Json, points: float) -> None:
    data["regularPointsIssued"] += points
    data["regularPointsBreakup"][0]["points"] += points
    for field in ("totalPointsIssued", "programCurrentPoints", "programLifetimePoints"):
        data[field] += points


def _issue_after(name: str, up: Callable[[Event], float]) -> Corruption:
    """The points of a bill are others, after an event of its call or of its customer."""

    def corruption(events: list[Json], rng: random.Random) -> list[Json]:
        events, at = some(events, rng, name, lambda event: up(event) != 0)
        cause = Event(events[at])
        for place in range(at + 1, len(events)):
            event = Event(events[place])
            its = name != "pointsRedeemed" or event.call == cause.call
            billed = event.name == "pointsIssued" and event.data["regularPointsBreakup"]
            if billed and its and (event.customer == cause.customer or cause.group):
                events[place] = copy.deepcopy(events[place])
                _earn(events[place]["data"], up(cause))
                break
        return events

    return corruption


def _paid(event: Event) -> float:
    billed = event.data["redemptionBillNumber"]
    return float(int(event.data["redeemedPointsCurrencyValue"] / 20)) if billed else 0.0


def paid_by_points_earns(events: list[Json], rng: random.Random) -> list[Json]:
    return _issue_after("pointsRedeemed", _paid)(events, rng)


def a_higher_tier_earns_as_before(events: list[Json], rng: random.Random) -> list[Json]:
    return _issue_after("tierUpgraded", lambda event: -3.0)(events, rng)


corrupts("earning")(paid_by_points_earns)
corrupts("earning")(a_higher_tier_earns_as_before)

# tiers
left_out("tier", "an_upgrade_left_out", "tierUpgraded")
changed("tier", "an_upgrade_to_another_tier", "tierUpgraded", put("previousTierNumber", 3))
changed("tier", "a_downgrade_upwards", "tierDowngraded", put("downgradedTierNumber", 3))
changed("tier", "a_survivor_in_another_tier", "loyaltyCustomerMerge",
        within("survivorCustomerLoyaltySummary", add("tierNumber", 1)))  # fmt: skip
changed("tier dates", "a_tier_that_ends_later", "tierUpgraded", later("tierExpiryDate", 1))
changed("tier dates", "a_warning_of_another_day", "tierDowngradeReminder",
        put("scheduledDowngradeDate", "2026-12-24"))  # fmt: skip
changed("tier dates", "today_is_another_day", "tierRenewed",
        put("currentDateStoreTz", "2026-12-24"))  # fmt: skip


@corrupts("tier")
def a_downgrade_without_a_warning(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "tierDowngraded", lambda event: True)
    who = Event(events[at]).customer
    return [
        event
        for event in events
        if event["eventName"] != "tierDowngradeReminder" or Event(event).customer != who
    ]


@corrupts("tier dates")
def a_downgrade_too_early(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "tierDowngraded", lambda event: True)
    events[at]["createdAt"] -= 3 * DAY_MS
    return events


@corrupts("tier")
def kept_without_the_points(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "tierDowngraded", lambda event: True)
    events[at]["eventName"] = "tierRenewed"
    events[at]["data"]["currentTierNumber"] = events[at]["data"]["previousTierNumber"]
    return events


# bills
changed("bill", "a_bill_that_does_not_add_up", "transactionAdded", add("amount", 1))
changed("bill", "another_amount_when_it_is_returned", "transactionUpdated",
        dearer)  # fmt: skip
changed("bill", "another_amount_when_it_is_attached", "retroBillAdded",
        dearer)  # fmt: skip


@corrupts("bill")
def recorded_twice(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "transactionAdded", lambda event: True)
    return [*events[: at + 1], *events[at:]]


def _without_discount(name: str) -> Corruption:
    def corruption(events: list[Json], rng: random.Random) -> list[Json]:
        events, at = some(events, rng, name, lambda event: True)
        bill = max(place for place in range(at) if events[place]["eventName"] == "transactionAdded")
        events[bill] = copy.deepcopy(events[bill])
        data = events[bill]["data"]
        data["discount"], data["amount"] = 0.0, data["grossAmount"]
        return events

    return corruption


CORRUPTIONS["a_cart_offer_without_its_discount"] = (
    "discount", _without_discount("cartPromotionRedeemed")
)  # fmt: skip
CORRUPTIONS["a_coupon_without_its_discount"] = "discount", _without_discount("CouponRedeem")
changed("discount", "a_cart_offer_of_nothing", "cartPromotionRedeemed",
        within("appliedPromotions", put("discount", 0.0)))  # fmt: skip
changed("discount", "a_cart_offer_of_another_bill", "cartPromotionRedeemed",
        put("transactionIdentifier", "INV-1"))  # fmt: skip


@corrupts("hours")
def a_bill_at_night(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "transactionAdded", lambda event: True)
    events[at]["createdAt"] += 12 * 3_600_000
    return events


@corrupts("closed days")
def shops_that_never_close(events: list[Json], rng: random.Random) -> list[Json]:
    def moved(one: Json) -> Json:
        if one["eventName"] != "transactionAdded":
            return one
        store = programme.store_of(one["data"]["enteredBy"]["id"])
        if store.closed < 0 or (weekday(Event(one)) + 1) % 7 != store.closed:
            return one
        return one | {"createdAt": one["createdAt"] + DAY_MS}

    return [moved(event) for event in events]


def duplicate(event: Event) -> bool:
    reason: str = event.data["rejectionDetails"][0]["rejectionReason"]
    return reason == "DUPLICATE_BILL_NUMBER"


def fixed(event: Event) -> bool:
    return bool(event.data["rejectionType"] == "FIXED")


def again(event: Event) -> bool:
    return not fixed(event)


changed("duplicate", "a_duplicate_of_nothing", "transactionRejected",
        put("billNumber", "INV-1"), duplicate)  # fmt: skip
changed("duplicate", "a_duplicate_of_another_moment", "transactionRejected",
        put("eventDateTime", "2026-01-05 10:00:00"), duplicate)  # fmt: skip
changed("duplicate", "a_duplicate_of_somebody_elses_bill", "transactionRejected",
        put("customerIdentifiers", {"customerId": 7}), duplicate)  # fmt: skip
changed("duplicate", "a_retrigger_of_nothing", "rejectedTransactionRetrigger",
        put("billNumber", "INV-1"))  # fmt: skip
changed(
    "refusal", "refused_and_fixed_at_once", "transactionRejected", put("rejectionType", "FIXED")
)
changed("refusal", "a_wrong_count_of_tries", "rejectedTransactionRetrigger", add("retrialCount", 1))
changed("refusal", "a_duplicate_is_fixed", "rejectedTransactionRetrigger",
        put("rejectionType", "FIXED"), again)  # fmt: skip
changed("refusal", "refused_for_another_reason", "rejectedTransactionRetrigger",
        put("rejectionDetailsOnRetrigger", []))  # fmt: skip
changed("refusal", "refused_again_for_what_it_is_not", "rejectedTransactionRetrigger",
        put("rejectionType", "OPEN"), fixed)  # fmt: skip


# returns
def returned(event: Event) -> bool:
    return event.cause == "ReturnBill"


changed("return", "a_negative_amount_of_a_return", "targetAchievedValueUpdated",
        lambda data: put("currentEventTargetValue", f"-{data['currentEventTargetValue']}")(data),
        returned)  # fmt: skip
changed("return", "a_return_that_looks_like_a_purchase", "targetAchievedValueUpdated",
        put("triggeringActivity", {"name": "TransactionAdd"}), returned)  # fmt: skip
changed("return", "other_points_go_back", "issuedPointsReversed",
        add("totalIssuedPointsReversed", -1))  # fmt: skip
changed("return", "other_points_come_back", "redeemedPointsReversed",
        add("redeemedPointsReversed", 1))  # fmt: skip


@corrupts("return")
def points_go_back_without_the_return(events: list[Json], rng: random.Random) -> list[Json]:
    events, at = some(events, rng, "issuedPointsReversed", lambda event: True)
    call = Event(events[at]).call
    return [
        event
        for event in events
        if event["eventName"] != "transactionUpdated" or event["apiRequestId"] != call
    ]


# streaks
changed("streak", "a_streak_one_week_too_long", "streakLevelAchieved",
        within("streakData", put("userCurrentStreakValue", "9")))  # fmt: skip
changed("streak", "another_level", "streakLevelAchieved",
        within("streakData", put("streakLevelName", "Level 1")),
        lambda event: event.data["streakData"][0]["streakLevelName"] == "Level 2")  # fmt: skip
changed("streak", "a_level_lost_at_another_value", "streakLevelUnAchieved",
        within("streakData", put("userCurrentStreakValue", "7")))  # fmt: skip
changed("streak", "an_end_with_other_weeks", "streakEnd",
        within("streakEndData", put("userStreakValueByTheEnd", "6")))  # fmt: skip
changed("streak", "an_end_on_another_day", "streakEnd",
        within("streakEndData", put("endDate", "2026-01-05 10:00:00")))  # fmt: skip
left_out("streak", "a_level_left_out", "streakLevelAchieved")


@corrupts("streak")
def a_week_without_a_purchase(events: list[Json], rng: random.Random) -> list[Json]:
    """All purchases of the days before a level are taken out: the streak should have ended."""
    events, at = some(events, rng, "streakLevelAchieved", lambda event: True)
    level = Event(events[at])
    return [
        event for place, event in enumerate(events)
        if not (
            event["eventName"] == "transactionAdded"
            and Event(event).customer == level.customer
            and 0 < level.at_ms - event["createdAt"] < 14 * DAY_MS
            and place < at
        )
    ]  # fmt: skip
