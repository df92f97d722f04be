"""The state of the story, its clock and chance, and how an event comes out of it."""

import heapq
import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec

from tidings.catalogue import load
from tidings.simulator import people
from tidings.simulator.programme import DAY_MS, TILLS, ZONE_MIN
from tidings.simulator.things import Household, Json, Owner, Promotion, Reward, SimulatedCustomer

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_CODE = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
BLANK = 0.25  # of what has no value is null
_ZONE = timezone(timedelta(minutes=ZONE_MIN))
_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, and how it is told."""

    name: str
    event_id: str
    at_ms: int
    who: str  # the first name of whom it is about; empty where it is about nobody
    note: str  # "+86", "→ Gold"
    event: Json  # blocks are shared between events: read them, never change them

    def body(self) -> bytes:
        """Encode the event as it is posted."""
        return _encode(self.event)


@dataclass(frozen=True, slots=True)
class PlatformCall:
    """One call of the platform's API, or one run of a job: what caused all its events."""

    request_id: str  # empty where a job did it
    loyalty_id: str
    till: int
    nothing: list[Json] | None  # how it writes that an activity has no attributes


class World:
    """Everything that there is. Activities change it and `emit` events."""

    def __init__(self, org: int, seed: int, start_ms: int, customers: int) -> None:
        self.org = org
        self.rng = random.Random(seed)
        self.now_ms = start_ms
        self.customers_max = customers
        self.members: list[SimulatedCustomer] = []
        self.groups: list[Household] = []
        self.promotions: list[Promotion] = []
        self.rewards: list[Reward] = []
        self.out: deque[Happening] = deque()
        self._due: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._counts: dict[str, int] = {}
        self._logged = frozenset(
            name for name in load().names() if (kind := load().get(name)) and kind.event_log_id
        )

    # -- chance and numbers -----------------------------------------------------------------------

    def number(self, what: str, first: int) -> int:
        """Return the next number of a kind: bills, coupons, requests …"""
        self._counts[what] = made = self._counts.get(what, first - 1) + 1
        return made

    def hex(self, digits: int) -> str:
        """Draw random hex digits."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """Draw a random UUID (version 4)."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def code(self, length: int = 6) -> str:
        """Draw a code that can be read aloud."""
        return "".join(self.rng.choices(_CODE, k=length))

    def chance(self, probability: float) -> bool:
        """Return whether it happens this time."""
        return self.rng.random() < probability

    def blank(self, empty: _T) -> _T | None:
        """Return empty or null for a missing value, as the platform's producers write either."""
        return None if self.chance(BLANK) else empty

    def member(self) -> SimulatedCustomer:
        """Draw any member."""
        return self.members[int(self.rng.random() * len(self.members))]

    def another(self, than: SimulatedCustomer) -> SimulatedCustomer | None:
        """Draw any other member; None where there is none."""
        for _ in range(4):
            if (found := self.member()) is not than:
                return found
        return None

    # -- time -------------------------------------------------------------------------------------

    def later(self, days: float, activity: Callable[..., object], *about: Any) -> None:
        """Let something happen after some days."""
        self.later_at(self.now_ms + int(days * DAY_MS), activity, *about)

    def later_at(self, at_ms: int, activity: Callable[..., object], *about: Any) -> None:
        """Let something happen at an instant."""
        heapq.heappush(self._due, (at_ms, self.number("due", 0), activity, about))

    def pass_to(self, at_ms: int) -> None:
        """Let time pass; what falls due on the way happens in order."""
        while self._due and self._due[0][0] <= at_ms:
            when, _, activity, about = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, when)
            activity(self, *about)
        self.now_ms = max(self.now_ms, at_ms)

    def in_days(self, days: float) -> int:
        """Return the time after some days, epoch milliseconds."""
        return self.now_ms + int(days * DAY_MS)

    # -- events -----------------------------------------------------------------------------------

    def call(self, till: int | None = None) -> PlatformCall:
        """Make a call of the API, from a till."""
        loyalty = "".join(self.rng.choices(_LETTERS, k=10))
        return PlatformCall(
            self.hex(32), loyalty, till or self.rng.choice(TILLS), nothing=self.blank([])
        )

    def job(self) -> PlatformCall:
        """Make a run of a job of the platform."""
        return PlatformCall(
            "", f"job-{self.number('job', 88_001)}", TILLS[0], nothing=self.blank([])
        )

    def emit(
        self,
        name: str,
        data: Json,
        call: PlatformCall,
        ref: object,
        who: Owner | None = None,
        note: str = "",
        *,
        loyalty: str | None = None,
        org: int | None = None,
        log_id: int | None = None,
        hyphen: bool = False,
    ) -> None:
        """Let an event come out. `ref` is what stands behind the org in its refId, and behind an
        underscore, or a hyphen."""
        event_id = self.uuid()
        org = self.org if org is None else org
        event: Json = {
            "eventName": name,
            "eventId": event_id,
            "orgId": org,
            "refId": f"{org}{'-' if hyphen else '_'}{ref}",
            "apiRequestId": call.request_id,
            "createdAt": self.now_ms,
            "data": data,
            "loyaltyEventId": loyalty,
        }
        if name in self._logged:
            event["eventLogId"] = self.number("log", 5_540_001) if log_id is None else log_id
        first = "" if who is None else who.first
        self.out.append(
            Happening(
                name=name, event_id=event_id, at_ms=self.now_ms, who=first, note=note, event=event
            )
        )
        self.now_ms += 1 + int(self.rng.random() * 8)  # events of a call follow closely

    def emit_loyalty(
        self,
        name: str,
        data: Json,
        call: PlatformCall,
        who: Owner | None = None,
        note: str = "",
        *,
        ref: object = None,
        log_id: int | None = None,
    ) -> None:
        """Let an event of the loyalty engine come out: its ids are of the call or job there."""
        loyalty = call.loyalty_id
        self.emit(name, data, call, ref or loyalty, who, note, loyalty=loyalty, log_id=log_id)

    # -- people -----------------------------------------------------------------------------------

    def new_customer(self) -> SimulatedCustomer:
        """Make a member who was not there before."""
        rng = self.rng
        first, last = people.name(rng)
        number = self.number("customer", 41_200_777)
        customer = SimulatedCustomer(
            id=number,
            first=first,
            last=last,
            mobile=people.mobile(number),
            email=people.email(first, last, number),
            external=f"EXT-{number - 41_200_736}",
            card=f"6000{number}",
            card_id=number - 41_170_700,
            till=rng.choice(TILLS),
            joined_ms=self.now_ms,
            city=rng.choice(people.CITIES),
        )
        asked = rng.choice(
            (
                {"mobile": customer.mobile},
                {"mobile": customer.mobile},
                {"email": customer.email},
                {"externalId": customer.external},
            )
        )
        customer.asked = {"customerId": number, "instore": {**asked, "cardNumbers": []}}
        customer.identity = customer.asked if self.chance(0.3) else {"customerId": number}
        customer.entity = {"entityType": "USER", "entityId": number}
        self.members.append(customer)
        return customer

    def remove(self, customer: SimulatedCustomer, heir: SimulatedCustomer) -> None:
        """Remove a member, who is but a part of another from now on."""
        customer.heir = heir
        self.members.remove(customer)


def moment(at_ms: int) -> datetime:
    """Return a time of the story, in the organisation's zone."""
    return datetime.fromtimestamp(at_ms / 1000, _ZONE)


def day(at_ms: int) -> str:
    """Return the day as YYYY-MM-DD, in the organisation's zone."""
    return moment(at_ms).strftime("%Y-%m-%d")


def clock(at_ms: int) -> str:
    """Return the time as YYYY-MM-DD hh:mm:ss, without a zone, as streaks and some others have
    it."""
    return moment(at_ms).strftime("%Y-%m-%d %H:%M:%S")
