"""What a loyalty platform says of a customer: its tier, points, details."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

CUSTOMER, FLEET = "CUSTOMER", "FLEET"
EXPIRY = "2027-03-31 23:59:59"


@dataclass(frozen=True)
class Programme:
    """A loyalty programme, with its tiers from the lowest to the highest."""

    id: int
    tiers: list[str]

    def number(self, name: str) -> int:
        """The serial number of a tier."""
        return self.tiers.index(name) + 1


class Person(Protocol):
    """Who a customer is."""

    id: int
    first: str
    last: str
    identifiers: dict[str, str]


def tier(
    id: int, kind: str, held: Mapping[int, str], ends: Mapping[int, str], asked: list[Programme]
) -> dict[str, Any]:
    """An answer of tierDetails; beyond the top tier are "" and -1. `ends`: when each tier does."""
    rows = []
    for programme in asked:
        number = programme.number(held[programme.id])
        top = number == len(programme.tiers)
        rows.append(
            {
                "programId": programme.id,
                "currentTierName": held[programme.id],
                "currentTierSerialNumber": number,
                "tierExpiryDate": ends[programme.id],
                "tierExpiryDateISO": ends[programme.id].replace(" ", "T") + "Z",
                "nextTierName": "" if top else programme.tiers[number],
                "nextTierSerialNumber": -1 if top else number + 1,
            }
        )
    return {"entityId": id, "entityType": kind, "programTiers": rows, "warnings": []}


def balance(id: int, kind: str, main: Decimal, promised: Decimal) -> dict[str, Any]:
    """An answer of points/balance."""
    breakup = {"delayedAccrualPoints": promised, "externalTriggerBasedPoints": Decimal(0)}
    return {
        "entityId": id,
        "entityType": kind,
        "totalPoints": main + promised,
        "mainPoints": main,
        "promisedPoints": promised,
        "promisedPointsBreakup": breakup,
        "warnings": [],
    }


def details(
    one: Person,
    programmes: list[Programme],
    tiers: Mapping[int, str],
    points: Mapping[int, Decimal],
    embed: set[str],
) -> dict[str, Any]:
    """An answer of the details of a customer; `embed` adds points and programmes."""
    identifiers = [{"type": name, "value": value} for name, value in one.identifiers.items()]
    profile = {
        "firstName": one.first,
        "lastName": one.last,
        "source": "INSTORE",
        "identifiers": identifiers,
        "fields": {},
    }
    loyalty = {"loyaltyType": "loyalty", "lifetimePurchases": Decimal(0)}
    said: dict[str, Any] = {
        "id": one.id, "profiles": [profile], "loyaltyInfo": loyalty, "extendedFields": {},
        "warnings": [],
    }  # fmt: skip
    each = [
        {"programId": programme.id, "currentSlab": tiers[programme.id],
         "slabSNo": programme.number(tiers[programme.id]), "slabExpiryDate": EXPIRY,
         "loyaltyPoints": points[programme.id]}
        for programme in programmes
    ]  # fmt: skip
    if "points" in embed and each:
        said["pointsSummary"] = {name: each[0][name] for name in each[0] if name != "programId"}
    if "mlp" in embed:
        said["loyaltyProgramDetails"] = each
    return said


def adjustment(id: int, programme: Programme, old: str, new: str, ends: str) -> dict[str, Any]:
    """An answer of an adjustment of a tier."""
    until = datetime.fromisoformat(ends)
    nth = {1: "st", 2: "nd", 3: "rd"}.get(until.day % 10 if until.day not in (11, 12, 13) else 0)
    effect = {
        "type": "slab",
        "entityType": CUSTOMER,
        "previousSlabName": old,
        "previousSlabNumber": programme.number(old),
        "upgradedSlabName": new,
        "upgradedSlabNumber": programme.number(new),
        "slabExpiryDate": f"{until.day}{nth or 'th'} {until:%b, %Y}",
    }
    return {"programId": programme.id, "entityId": id, "sideEffects": [effect]}
