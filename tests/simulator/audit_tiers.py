"""Tiers: who crossed a line, whose time is over, who was told of it before."""

from collections import defaultdict
from dataclasses import dataclass

from tests.simulator.audit_reading import DAY_MS, HOUR_MS, Event, Told, date_of, end_of_day, instant
from tidings.simulator.programme import TIER_DAYS, TIER_KEEP, TIERS

LATE_MS = HOUR_MS


@dataclass
class Standing:
    """Where a customer stands."""

    tier: int = 1
    qualifying: float = 0.0
    since: float = 0.0  # earned in this tier
    expires_ms: int = 0
    told: bool = False
    due: int = 0  # the tier that an upgrade has to follow for

    def begin(self, tier: int, expires_ms: int) -> None:
        """Another time of a tier."""
        self.tier, self.expires_ms = tier, expires_ms
        self.since, self.told, self.due = 0.0, False, 0


def line(tier: int) -> float:
    """The points that a tier begins with."""
    return next(points for number, _, points in TIERS if number == tier)


def reached(points: float) -> int:
    """The tier that so many points reach."""
    return max(number for number, _, begins in TIERS if points >= begins)


class Tiers:
    """The standing of all customers, from events alone."""

    def __init__(self) -> None:
        self._standing: defaultdict[int, Standing] = defaultdict(Standing)
        self._due: Standing | None = None

    def of(self, customer: int | None) -> Standing:
        """Where a customer stands now."""
        assert customer is not None
        return self._standing[customer]

    def read(self, event: Event) -> Told:
        """What one event contradicts."""
        if self._due is not None:
            if event.name != "tierUpgraded" or self.of(event.customer) is not self._due:
                yield "tier", f"tier {self._due.due} is reached, and nothing says so"
                self._due.due = 0
            self._due = None
        if event.name == "loyaltyCustomerMerge":
            yield from self._merged(event)
        if event.customer is None:
            return
        one = self.of(event.customer)
        match event.name:
            case "pointsIssued":
                self._earned(one, event.data["totalPointsIssued"])
            case "promisedToCurrentPointsConversion":
                self._earned(one, event.data["pointsConverted"])
            case "issuedPointsReversed":
                gone = event.data["totalIssuedPointsReversed"]
                one.qualifying = max(0.0, one.qualifying - gone)
                one.since -= gone
            case "tierUpgraded":
                yield from self._upgraded(event, one)
            case "tierDowngradeReminder":
                yield from self._warned(event, one)
            case "tierRenewed" | "tierDowngraded":
                yield from self._judged(event, one)
            case _:
                if one.tier > 1 and event.at_ms > one.expires_ms + LATE_MS:
                    yield "tier dates", f"tier {one.tier} was over {instant(one.expires_ms)}"
                    one.begin(1, 0)

    def _earned(self, one: Standing, points: float) -> None:
        one.qualifying += points
        one.since += points
        if reached(one.qualifying) > one.tier:
            one.due = reached(one.qualifying)
            self._due = one

    def _new_time(self, event: Event, one: Standing, tier: int) -> Told:
        expires = event.data["tierExpiryDateInMillis"]
        if tier > 1 and expires != end_of_day(event.at_ms, TIER_DAYS) // 1000 * 1000:
            yield "tier dates", f"{TIER_DAYS} days of tier {tier} are over {instant(expires)}"
        if event.data["currentDateStoreTz"] != date_of(event.at_ms):
            yield "tier dates", f"today is not {event.data['currentDateStoreTz']}"
        one.begin(tier, expires)

    def _upgraded(self, event: Event, one: Standing) -> Told:
        before, after = event.data["previousTierNumber"], event.data["upgradedTierNumber"]
        if (before, after) != (one.tier, one.due):
            yield "tier", f"{before} → {after}, with {one.qualifying} points in tier {one.tier}"
        yield from self._new_time(event, one, after)

    def _warned(self, event: Event, one: Standing) -> Told:
        if event.data["currentTierNumber"] != one.tier or one.since >= TIER_KEEP:
            yield "tier", f"a warning in tier {one.tier} with {one.since} points"
        if event.data["scheduledDowngradeDate"] != date_of(one.expires_ms):
            yield "tier dates", f"the tier is over {instant(one.expires_ms)}"
        if not 0 < one.expires_ms - event.at_ms < TIER_DAYS * DAY_MS:
            yield "tier dates", "the warning comes when nothing can be done"
        one.told = True

    def _judged(self, event: Event, one: Standing) -> Told:
        if event.at_ms < one.expires_ms or date_of(event.at_ms) != date_of(one.expires_ms):
            yield "tier dates", f"judged {instant(event.at_ms)}, over {instant(one.expires_ms)}"
        kept = one.since >= TIER_KEEP or not one.told
        if event.name == "tierRenewed":
            if not kept or event.data["currentTierNumber"] != one.tier:
                yield "tier", f"kept with {one.since} points"
            yield from self._new_time(event, one, one.tier)
            return
        before, after = event.data["previousTierNumber"], event.data["downgradedTierNumber"]
        if kept or (before, after) != (one.tier, one.tier - 1):
            yield "tier", f"{before} → {after} with {one.since} points in tier {one.tier}"
        one.qualifying = line(after)
        yield from self._new_time(event, one, after)

    def _merged(self, event: Event) -> Told:
        data = event.data
        survivor = self.of(data["survivorCustomerIdentifiers"]["customerId"])
        victim = self.of(data["victimCustomerIdentifiers"]["customerId"])
        survivor.qualifying = max(survivor.qualifying, victim.qualifying)
        if victim.tier > survivor.tier:
            survivor.begin(victim.tier, victim.expires_ms)
            survivor.since = victim.since
        [told] = data["survivorCustomerLoyaltySummary"]
        if told["tierNumber"] != survivor.tier:
            yield "tier", f"the survivor is told tier {told['tierNumber']}, has {survivor.tier}"
