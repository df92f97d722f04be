"""What the demonstration plays: documented events of a small programme, each about another person.

The events are the catalogue's examples with fresh ids, names and amounts, so that what is played is
what the documentation shows.
"""

import copy
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tidings.catalogue import load

Json = dict[str, Any]

NAMES = (
    ("Asha", "Verma"),
    ("Kofi", "Mensah"),
    ("Ines", "Duarte"),
    ("Milan", "Horvat"),
    ("Yuki", "Tanaka"),
    ("Rosa", "Alvarez"),
    ("Omar", "Haddad"),
    ("Lena", "Fischer"),
    ("Tomas", "Novak"),
    ("Mei", "Chen"),
)


@dataclass(frozen=True, slots=True)
class Played:
    """One event to post, and how it is shown."""

    event_id: str
    name: str
    detail: str  # "Asha +86"
    body: bytes


def _joins(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    data["firstName"], data["lastName"] = person
    return "joins"


def _buys(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    amount = draw.randrange(800, 24_000) / 100
    data["amount"], data["grossAmount"] = amount, round(amount + data["discount"], 2)
    data["transactionId"] = draw.randrange(10_000, 99_999)
    data["billNumber"] = f"INV-{draw.randrange(10_000, 99_999)}"
    return f"€{amount:.0f}"


def _earns(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    regular = draw.randrange(8, 180)
    bonus = int(data["totalPointsIssued"] - data["regularPointsIssued"])
    data["regularPointsIssued"] = data["regularPointsBreakup"][0]["points"] = float(regular)
    data["totalPointsIssued"] = float(regular + bonus)
    return f"+{regular + bonus}"


def _redeems(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    points = draw.randrange(5, 40) * 10
    data["totalPointsRedeemed"] = float(points)
    data["redemptionFromEarningPrograms"][0]["pointsRedeemed"] = float(points)
    data["redeemedPointsCurrencyValue"] = points / 10
    return f"-{points}"


def _rises(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    tiers = {
        tier["tierNumber"]: tier["tierName"] for tier in data["loyaltyProgramDetails"]["tiers"]
    }
    return f"→ {tiers[data['upgradedTierNumber']]}"


def _coupon(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    coupon = data["coupons"][0]
    coupon["id"] = draw.randrange(1000, 9999)
    coupon["code"] = "".join(draw.choices("ABCDEFGHJKMNPQRSTUVWXYZ23456789", k=6))
    return str(coupon["code"])


def _reward(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    data["rewardId"] = draw.randrange(100, 999)
    return "reward"


def _badge(data: Json, person: tuple[str, str], draw: random.Random) -> str:
    data["earnId"] = data["issualId"] = f"{draw.getrandbits(96):024x}"
    return "badge"


# The order in which a person lives through the programme.
SCENES: dict[str, Callable[[Json, tuple[str, str], random.Random], str]] = {
    "customerAdded": _joins,
    "transactionAdded": _buys,
    "pointsIssued": _earns,
    "tierUpgraded": _rises,
    "CouponIssue": _coupon,
    "rewardIssued": _reward,
    "pointsRedeemed": _redeems,
    "badgeEarned": _badge,
}


def _rename(node: Any, person: tuple[str, str], customer: int, draw: random.Random) -> None:
    """Puts the person wherever the event identifies its customer."""
    if isinstance(node, list):
        for item in node:
            _rename(item, person, customer, draw)
    if not isinstance(node, dict):
        return
    if "customerId" in node:
        node["customerId"] = customer
    if "instore" in node:
        node["instore"] |= {
            "mobile": f"1555{customer % 10_000:04}",
            "email": f"{person[0].lower()}.{person[1].lower()}@example.test",
            "externalId": f"EXT-{customer}",
            "cardNumbers": [f"6000{customer:08}"],
        }
    if node.get("entityType") == "USER":
        node["entityId"] = customer
    for inner in node.values():
        _rename(inner, person, customer, draw)


def story(org: int, draw: random.Random, clock_ms: Callable[[], int]) -> Iterator[Played]:
    """Events without end: ten people at a time, each scene with all of them in turn."""
    catalogue = load()
    while True:
        customers = [draw.randrange(10_000_000, 99_999_999) for _ in NAMES]
        for turn in range(len(SCENES) * len(NAMES)):
            # Diagonal, so that neighbours differ in both the scene and the person.
            scene = list(SCENES)[turn % len(SCENES)]
            who = (turn // len(SCENES) + turn) % len(NAMES)
            kind = catalogue.get(scene)
            assert kind is not None, scene
            event = copy.deepcopy(kind.example)
            _rename(event["data"], NAMES[who], customers[who], draw)
            detail = SCENES[scene](event["data"], NAMES[who], draw)
            event_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
            event |= {
                "eventId": event_id,
                "orgId": org,
                "refId": f"{org}_{customers[who]}",
                "apiRequestId": f"{draw.getrandbits(128):032x}",
                "createdAt": clock_ms(),
            }
            body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
            yield Played(event_id, scene, f"{NAMES[who][0]} {detail}", body)
