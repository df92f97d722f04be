"""What the programme is about: its members and what they hold. State only, no decisions."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class Wallet:
    """Points that can be spent, by the instant at which they lapse: one for each day."""

    __slots__ = ("lots", "watched")

    def __init__(self) -> None:
        self.lots: dict[int, float] = {}
        self.watched: set[int] = set()  # instants of which somebody is told ahead

    @property
    def balance(self) -> float:
        """Points that can be spent now."""
        return sum(self.lots.values())

    def put(self, points: float, expires_ms: int) -> bool:
        """Add points; whether nobody watches yet for what lapses then."""
        self.lots[expires_ms] = self.lots.get(expires_ms, 0.0) + points
        unseen = expires_ms not in self.watched
        self.watched.add(expires_ms)
        return unseen

    def take(self, points: float, first_ms: int = 0) -> float:
        """Take points: those that lapse at `first_ms`, then the soonest. How many there were."""
        left = points
        lots = self.lots
        for expires in sorted(lots, key=lambda at: (at != first_ms, at)):
            if left <= 0:
                break
            taken = min(lots[expires], left)
            left -= taken
            if taken == lots[expires]:
                del lots[expires]
            else:
                lots[expires] -= taken
        return points - left


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
    converted: bool = False  # what was promised is there
    coins: float = 0.0
    coins_converted: bool = False
    expires_ms: int = 0  # of its points
    paid: float = 0.0  # of the amount, by points
    coupon: "Coupon | None" = None  # that is used on it
    offer: "CartOffer | None" = None
    earned: "Earning | None" = None  # the promotion that it earned
    redemption: "Redemption | None" = None  # points that were paid with
    returned: bool = False
    attached: bool = False  # to a member, after it was made


@dataclass(slots=True)
class Redemption:
    """Points that were spent on a bill."""

    id: int
    points: float
    owner: "Owner"
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
class Earning:
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
    discount: float = 0.0  # once it is used
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
class MemberGoal:
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
    """Weeks in a row with a purchase, from the start on; a week without one ends it."""

    user_id: int
    starts_ms: int
    ends_ms: int
    week: int = 1  # that runs
    levels: int = 0  # reached so far
    bills: set[int] = field(default_factory=set)  # of the week that runs

    @property
    def count(self) -> int:
        """Weeks in a row so far."""
        return self.week - (not self.bills)


@dataclass(slots=True)
class PartnerMembership:
    """Membership of a partner programme."""

    partner: int
    tier: int
    number: str
    expires_ms: int


@dataclass(slots=True, eq=False)
class Household:
    """A household that collects together."""

    id: int
    name: str
    primary: "SimulatedCustomer"
    others: "list[SimulatedCustomer]" = field(default_factory=list)
    wallet: Wallet = field(default_factory=Wallet)  # what members have given
    identity: None = None  # what is about a group names no customer
    gone: bool = False

    @property
    def entity(self) -> Json:
        """As loyalty events name it."""
        return {"entityType": "USERGROUP2", "entityId": self.id}

    @property
    def first(self) -> str:
        """Return the id of its leader."""
        return self.primary.first


@dataclass(slots=True, eq=False)
class SimulatedCustomer:
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
    identity: Json = field(default_factory=dict)  # thin: the id, mostly nothing else
    asked: Json = field(default_factory=dict)  # with the identifier that the till asks for
    entity: Json = field(default_factory=dict)
    city: str = ""
    tier: int = 1
    tier_expires_ms: int = 0
    tier_warned: bool = False
    tier_points: float = 0.0  # earned since the tier began
    lifetime: float = 0.0
    qualifying: float = 0.0  # points that count for the next tier; set back by a downgrade
    wallet: Wallet = field(default_factory=Wallet)
    promised: float = 0.0
    converted: bool = False  # what was promised is there
    coins: float = 0.0
    coins_lifetime: float = 0.0
    bills: list[Bill] = field(default_factory=list)
    bought: int = 0
    coupons: list[Coupon] = field(default_factory=list)
    offers: list[CartOffer] = field(default_factory=list)
    promotions: list[Earning] = field(default_factory=list)
    targets: list[MemberGoal] = field(default_factory=list)
    unified_met: bool = False
    streak: Streak | None = None
    link: PartnerMembership | None = None
    group: Household | None = None
    subscribed: bool = True
    card_active: bool = True
    heir: "SimulatedCustomer | None" = None  # into whom this one was merged

    @property
    def gone(self) -> bool:
        """Return whether this one was merged into another."""
        return self.heir is not None

    @property
    def balance(self) -> float:
        """Points that can be spent now."""
        return self.wallet.balance


Owner = SimulatedCustomer | Household
