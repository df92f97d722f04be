"""The programme's rules: what is fixed for every member, with numbers that make a lively year."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DAY_MS = 86_400_000
CURRENCY = "INR"
ZONE_MIN = 330  # the organisation's zone, minutes east of Greenwich: dates without one are its
PER_POINT = 20.0  # spend for one point in the base tier
MULTIPLIERS = {1: 1.0, 2: 1.25, 3: 1.5}  # higher tiers earn faster
RATIO = 0.25  # money value of a point
PROGRAM = 77
TIERS = ((1, "Base", 0.0), (2, "Silver", 1_000.0), (3, "Gold", 4_000.0))  # qualifying points
TIER_DAYS = 60
TIER_REMINDER_DAYS = 15
TIER_KEEP = 450.0  # points within the tier's time that keep it
POINTS_DAYS = 75
POINTS_REMINDER_DAYS = 10
PROMISE_DAYS = 12
PROMISED_SHARE = 0.2  # of a large bill's points
LARGE_BILL = 5_000.0
COIN = ("COIN", "Coins")
COIN_BILL = 3_000.0  # bills from here on bring coins
COUPON_BILL = 2_500.0
SERIES = 55_120
SERIES_BULK = 55_121
COUPON_DAYS = 45
COUPON_VALUE = 100.0
BADGE_EVERY = 5  # bills
PROMOTION_BILL = 2_000.0  # a bill from here on earns an issued promotion
PROMOTION_POINTS = 50.0
TARGETS = ((7101, "Spend 10,000", 10_000.0), (7102, "Spend 20,000", 20_000.0))
TARGET_GROUP = (71, "Monsoon mission")
TARGET_DAYS = 30
UNIFIED_GOAL = 12_000.0
STREAK = (4102, "Weekly visits")
STREAK_DAYS = 42
STREAK_LEVELS = (2, 4)  # weeks in a row
PARTNER = (901, "Fuel partner", "SUPPLEMENTARY")
MEMBERSHIP_DAYS = 60
MEMBERSHIP_REMINDER_DAYS = 10
REWARD_DAYS = 120
REWARD_REMINDER_DAYS = 10
ADMIN = 9001
CART_SHARE = 0.1  # of the bill, that a cart offer takes off


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop: its own zone (none of them has summer time), hours and weekly closed day."""

    code: str
    city: str
    offset_min: int  # east of Greenwich
    opens_h: float  # local time
    closes_h: float
    closed: int  # weekday, Monday is 0; -1: open all week
    tills: tuple[int, ...]


STORES = (
    Shop(
        code="PUN1",
        city="Pune",
        offset_min=330,
        opens_h=10.0,
        closes_h=22.0,
        closed=-1,
        tills=(5031, 5032, 5033),
    ),
    Shop(
        code="KOC1",
        city="Kochi",
        offset_min=330,
        opens_h=9.5,
        closes_h=21.0,
        closed=6,
        tills=(5034, 5035, 5036),
    ),
    Shop(
        code="KTM1",
        city="Kathmandu",
        offset_min=345,
        opens_h=10.0,
        closes_h=20.0,
        closed=5,
        tills=(5037, 5038, 5039),
    ),
    Shop(
        code="THI1",
        city="Thimphu",
        offset_min=360,
        opens_h=9.0,
        closes_h=19.5,
        closed=1,
        tills=(5040, 5041, 5042),
    ),
)
TILLS = tuple(till for store in STORES for till in store.tills)
_STORE_OF = {till: store for store in STORES for till in store.tills}

DETAILS: Json = {
    "id": PROGRAM,
    "name": "Banyan Circle",
    "isDefault": True,
    "pointsToCurrencyRatio": RATIO,
    "tiers": [{"tierNumber": number, "tierName": name} for number, name, _ in TIERS],
}


def tier_for(points: float) -> int:
    """Return the tier that so many qualifying points reach."""
    return max((number for number, _, line in TIERS if points >= line), default=TIERS[0][0])


def tier_line(number: int) -> float:
    """Return the qualifying points that a tier begins with."""
    return next(line for tier, _, line in TIERS if tier == number)


def tier_name(number: int) -> str:
    """Return the name of a tier."""
    return next(name for tier, name, _ in TIERS if tier == number)


def store_of(till: int) -> Shop:
    """Return the shop in which a till stands."""
    return _STORE_OF[till]


def end_of_day(at_ms: int, days: float = 0) -> int:
    """Return the last millisecond of the organisation's day, some days later: until then things
    hold."""
    offset = ZONE_MIN * 60_000
    return (at_ms + int(days * DAY_MS) + offset) // DAY_MS * DAY_MS + DAY_MS - 1 - offset
