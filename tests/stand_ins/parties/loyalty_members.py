"""Who is known to the loyalty platform: customers, their tiers and points, and groups of them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.stand_ins.base import StandIn, told

from .loyalty_answers import EXPIRY, Programme

DEFAULT_PROGRAMME = 973


@dataclass
class Member:
    """A customer."""

    id: int
    first: str
    last: str
    identifiers: dict[str, str]
    tiers: dict[int, str] = field(default_factory=dict)  # by programme
    ends: dict[int, str] = field(default_factory=dict)  # of these
    points: dict[int, Decimal] = field(default_factory=dict)
    promised: dict[int, Decimal] = field(default_factory=dict)


@dataclass
class Group:
    """A group of customers, the first of whom is its primary member."""

    id: int
    name: str
    external_id: str
    members: list[int]
    points: Decimal


class Members(StandIn):
    """They, as a test puts them there and reads them."""

    def __init__(self, ttl_s: int, **how: Any) -> None:
        super().__init__(**how)
        self._tokens = self.tokens(ttl_s)
        self._programmes: dict[int, Programme] = {}
        self._customers: dict[int, Member] = {}
        self._by_group: dict[int, Group] = {}
        self._adjustments: list[dict[str, Any]] = []
        self._strategy_ends = EXPIRY
        self.add_programme(DEFAULT_PROGRAMME, ["Bronze", "Silver", "Gold"])

    @told
    def add_programme(self, id: int, tiers: list[str]) -> None:
        """A programme, with the names of its tiers from the lowest to the highest."""
        self._programmes[id] = Programme(id, tiers)

    @told
    def add(
        self,
        id: int,
        *,
        mobile: str = "",
        email: str = "",
        external_id: str = "",
        first: str = "Asha",
        last: str = "Rao",
        tier: str = "Bronze",
        points: str = "0",
        promised: str = "0",
        programme: int = DEFAULT_PROGRAMME,
    ) -> None:
        """A customer, or one more programme of one."""
        named = {"mobile": mobile, "email": email, "externalId": external_id}
        known = {name: value for name, value in named.items() if value}
        one = self._customers.setdefault(id, Member(id, first, last, known))
        one.tiers[programme], one.ends[programme] = tier, EXPIRY
        one.points[programme], one.promised[programme] = Decimal(points), Decimal(promised)

    @told
    def add_group(
        self, id: int, members: list[int], *, name: str = "Family", points: str = "0"
    ) -> None:
        """A group of customers; the first is its primary member."""
        self._by_group[id] = Group(id, name, f"ext-{id}", list(members), Decimal(points))

    @told
    def set_tier(self, id: int, tier: str, programme: int = DEFAULT_PROGRAMME) -> None:
        """The tier of a customer, as the platform itself changes it."""
        self._customers[id].tiers[programme] = tier

    @told
    def set_strategy(self, ends: str) -> None:
        """Until when tiers that are given, or renewed, from now on are held."""
        self._strategy_ends = ends

    @told
    def renew(self, id: int, programme: int = DEFAULT_PROGRAMME) -> None:
        """A customer keeps the tier for another period, as the platform itself decides it."""
        self._customers[id].ends[programme] = self._strategy_ends

    @told
    def expiry(self, id: int, programme: int = DEFAULT_PROGRAMME) -> str:
        """Until when a customer has the tier."""
        return self._customers[id].ends[programme]

    @told
    def set_points(self, id: int, points: str, programme: int = DEFAULT_PROGRAMME) -> None:
        """The points of a customer that can be redeemed."""
        self._customers[id].points[programme] = Decimal(points)

    @told
    def tier(self, id: int, programme: int = DEFAULT_PROGRAMME) -> str:
        """The name of a customer's tier."""
        return self._customers[id].tiers[programme]

    @told
    def adjustments(self, id: int | None = None) -> list[dict[str, Any]]:
        """The adjustments of tiers that were made, in order: `customer from to`, and the body."""
        return [
            adjustment for adjustment in self._adjustments if id in (None, adjustment["customer"])
        ]

    @told
    def tokens_issued(self) -> int:
        """How many tokens were given."""
        return self._tokens.issued

    @told
    def revoke_tokens(self) -> None:
        """No token that was given so far is good any longer."""
        self._tokens.revoke()
