"""Makes events and records of all shapes, most of which fit: written by hand, so that numbers,
escapes, spaces and names that come twice are such as a JSON library would not write."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.core.shaping.enrichment_oracle import Records
from tidings.core.shaping.enrichment import EnrichmentSettings
from tidings.core.shaping.platform_rules import ASKED

IDS = ["1", "2", "3"]
_ODD_IDS = [
    '"1"', "1.0", "0.2e1", "4", "null", "true", '""', "1.5", "1e400", "{}", "[1]",
    "9223372036854775808", str(2**127), str(2**129), str(-(2**63)), '"\\u0031"', f'"{"1" * 300}"',
]  # fmt: skip
_TEXTS = ["a", "", 'quo"te', "back\\slash", "\u20ac", "\U0001f600", "}{", "1.10"]
_SCALARS = ["1.10", "9.80E+2", "0", "-7", "true", "null", '"\\u20ac"', '"a\\/b"', '"}"']
_SPACES = ["", "", "", " ", "\n\t"]
_SOURCES = ["instore", "wechat", "line"]

Part = Callable[[], str]


class Makes:
    """One event, what is known for it and what is wanted."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._one = random.choice

    def event(self) -> bytes:
        fields = {"data": (self.data, 1.0), "loyaltyEventId": (self.id, 0.6)}
        return self._object(fields, odd=0.0)().encode()

    def records(self) -> Records:
        """Of each kind, for most of the ids."""
        return {
            (kind, id): record
            for kind in ASKED
            for id in IDS
            if (record := self._record(kind)) and self._random.random() < 0.8
        }

    def wishes(self) -> EnrichmentSettings:
        return EnrichmentSettings(
            till=self._likely(),
            store=self._likely(),
            sources=tuple(self._random.sample(_SOURCES, self._random.randint(0, 3))),
            cards=self._likely(),
            awards=self._likely(),
            balance=self._likely(),
        )

    # -- an event's parts, as texts ---------------------------------------------------------------

    def data(self) -> str:
        actor = self._object({"id": (self.id, 0.9), **self._held("till", "store", "user")})
        customer = self._object({"customerId": (self.id, 0.9), **self._held(*_SOURCES)})
        both = self._object(
            {
                "id": (self.id, 0.9),
                "customerId": (self.id, 0.9),
                "awardedReferenceId": (self.scalar, 0.2),
                **self._held("till", "store", "instore", "wechat"),
            }
        )
        deeper = self._list(self._object({"customerIdentifiers": (customer, 0.9)}))
        coupon = {
            "id": (self.id, 0.5),
            "customerIdentifiers": (customer, 0.9),
            "more": (deeper, 0.5),
        }
        member = {"customerIdentifiers": (customer, 0.9), "enteredBy": (actor, 0.9)}
        return self._object(
            {
                "customerIdentifiers": (customer, 0.9),
                "enteredBy": (actor, 0.6),
                "member": (self._object(member), 0.6),
                "triggeringActivity": (self._object({"enteredBy": (actor, 0.9)}), 0.8),
                "coupons": (self._list(self._object(coupon)), 0.6),
                "slices": (self._list(both), 0.6),
                "lists": (self._list(both), 0.6),
                "both": (both, 0.5),
                "loyaltyEventId": (self.id, 0.6),
                "AvailablePointsBalance": (self.scalar, 0.1),
                "behavioralEventAttributes": (self.scalar, 0.1),
            }
        )()

    def id(self) -> str:
        return self._one(IDS) if self._random.random() < 0.8 else self._one(_ODD_IDS)

    def scalar(self) -> str:
        return self._one(_SCALARS)

    def _held(self, *names: str) -> dict[str, tuple[Part, float]]:
        block = self._object(dict.fromkeys(("mobile", "code", "name"), (self.scalar, 0.5)))
        return {name: (lambda: self._one([block, self.scalar])(), 0.2) for name in names}

    def _object(self, fields: dict[str, tuple[Part, float]], odd: float = 0.04) -> Part:
        """With each field as likely as is said, in any order; sometimes something else."""

        def made() -> str:
            if self._random.random() < odd:
                return self._one([self.scalar, self._list(self.scalar)])()
            names = [name for name, (_, share) in fields.items() if self._random.random() < share]
            names += self._one([[], ["other"], names[:1]])
            self._random.shuffle(names)
            parts = (self._field(name, fields.get(name, (self.scalar, 0))[0]) for name in names)
            return "{" + ",".join(parts) + self._one(_SPACES) + "}"

        return made

    def _field(self, name: str, value: Part) -> str:
        written = json.dumps(name)
        if self._random.random() < 0.02:
            written = f'"\\u{ord(name[0]):04x}{name[1:]}"'
        spaces = [self._one(_SPACES) for _ in range(3)]
        return f"{spaces[0]}{written}{spaces[1]}:{spaces[2]}{value()}"

    def _list(self, item: Part) -> Part:
        def made() -> str:
            items = [item if self._random.random() < 0.8 else self.scalar for _ in range(3)]
            return f"[{','.join(element() for element in items[: self._random.randint(0, 3)])}]"

        return made

    # -- records ----------------------------------------------------------------------------------

    def _record(self, kind: str) -> dict[str, Any]:
        kinds: dict[str, dict[str, Any]] = {
            "customers": {
                **dict.fromkeys(("mobile", "email", "externalId"), self._one(_TEXTS)),
                "cardNumbers": [self._one(_TEXTS)],
                "sources": {self._one(_SOURCES): {"accounts": [{"accountId": "\u20ac"}]}},
            },
            "tills": {"code": "c", "name": self._one(_TEXTS), "storeId": self._one([*IDS, 1, ""])},
            "stores": dict.fromkeys(("code", "name", "externalId", "externalId2"), "s"),
            "balances": {"pointsBalance": self._one([0, 410, -1])},
            "awards": {
                "awardedReferenceIds": {
                    "slices": [self._one(_TEXTS), 7][: self._random.randint(0, 2)],
                    self._one(["lists", "coupons", "regularPointsBreakup"]): ["a", "b", "c"],
                },
                "behavioralEventAttributes": self._one([{}, {"event_name": "walk"}]),
            },
        }
        return {name: value for name, value in kinds[kind].items() if self._random.random() < 0.8}

    def _likely(self) -> bool:
        return self._random.random() < 0.7
