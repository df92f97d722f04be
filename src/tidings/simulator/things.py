"""What the programme is about: its members and what they hold. State only, no decisions."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Lot:
    """Points that were issued together and lapse together."""

    points: float
    expires_ms: int


@dataclass(slots=True)
class Bill:
    """A recorded purchase, and what it brought."""

    id: int
    number: str
    amount: float
    discount: float
    at_ms: int
    lines: int
    points: float = 0.0
    promotional: float = 0.0
    promised: float = 0.0
    coins: float = 0.0
    earned: "Earned | None" = None  # the promotion that it earned
    redemption: "Redemption | None" = None  # points that were paid with
    returned: bool = False


@dataclass(slots=True)
class Redemption:
    """Points that were spent on a bill."""

    id: int
    points: float
    reversed: bool = False


@dataclass(slots=True)
class Promotion:
    """A points promotion of the programme."""

    id: int
    identifier: str
    name: str
    description: str
    starts_ms: int
    ends_ms: int
    created_ms: int


@dataclass(slots=True)
class Earned:
    """A promotion in a member's hands: issued, and earned once a bill met its condition."""

    promotion: Promotion
    issue_id: int
    issued_ms: int
    earn_id: int = 0
    earned_ms: int = 0


@dataclass(slots=True)
class CartOffer:
    """A cart promotion in a member's hands."""

    promotion_id: str
    issue_id: str
    issued_ms: int
    earn_id: str = ""
    earned_ms: int = 0


@dataclass(slots=True)
class Coupon:
    """A coupon that was issued and not yet used."""

    id: int
    code: str
    series: int
    valid_till_ms: int


@dataclass(slots=True)
class Reward:
    """An entry of the rewards catalogue."""

    id: int
    name: str
    points: int
    starts_ms: int
    ends_ms: int
    enabled: bool = True


@dataclass(slots=True)
class Target:
    """A goal that a member works towards in one period."""

    id: int
    name: str
    goal: float
    period: int
    starts_ms: int  # of that period
    achieved: float = 0.0
    met: bool = False


@dataclass(slots=True)
class Streak:
    """Purchases in a row that a member collects until a day."""

    user_id: int
    starts_ms: int
    ends_ms: int
    count: int = 0
    levels: int = 0  # reached so far


@dataclass(slots=True)
class Link:
    """Membership of a partner programme."""

    partner: int
    tier: int
    number: str
    expires_ms: int


@dataclass(slots=True, eq=False)
class Group:
    """A household that collects together."""

    id: int
    name: str
    primary: "Customer"
    others: "list[Customer]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Customer:
    """A member, made up."""

    id: int
    first: str
    last: str
    mobile: str
    email: str
    external: str
    card: str
    card_id: int
    till: int
    joined_ms: int
    identity: Json = field(default_factory=dict)  # thin: the id, and what the till asks for
    entity: Json = field(default_factory=dict)
    city: str = ""
    tier: int = 1
    tier_expires_ms: int = 0
    tier_warned: bool = False
    tier_points: float = 0.0  # earned since the tier began
    lifetime: float = 0.0
    qualifying: float = 0.0  # points that count for the next tier; set back by a downgrade
    lots: list[Lot] = field(default_factory=list)
    promised: float = 0.0
    coins: float = 0.0
    coins_lifetime: float = 0.0
    bills: list[Bill] = field(default_factory=list)
    bought: int = 0
    coupons: list[Coupon] = field(default_factory=list)
    offers: list[CartOffer] = field(default_factory=list)
    promotions: list[Earned] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    unified_met: bool = False
    streak: Streak | None = None
    link: Link | None = None
    group: Group | None = None
    subscribed: bool = True
    card_active: bool = True
    gone: bool = False  # merged into another

    @property
    def balance(self) -> float:
        """Points that can be spent now."""
        return sum(lot.points for lot in self.lots)
