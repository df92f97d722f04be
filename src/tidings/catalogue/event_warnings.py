"""Warnings: what is odd in an event that its schema allows. Its sender is told; it is accepted.

* The customer: the block of its ordering key is empty, null or absent, and no group owns the event.
* A text that always says something is empty. Which ones follows from the catalogue's marks: the
  ordering key, and what people search by (`x-search`) beside contacts and what published samples
  show empty.

A warning names a field and what is wrong with it, never a value. Measured with timeit (CPython
3.11, best of 7, ns an event without warnings): pointsIssued 250, transactionAdded 380.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.paths import steps

WARNINGS_MAX = 3  # that are told of one event
ITEMS_MAX = 100  # of a list that are looked at
# Contacts of a customer, who need not have one, and what the original leaves empty.
MAY_BE_EMPTY = frozenset(
    "mobile email externalId cardnumber cardexternalid cardNumber billClientId returnId "
    "redemptionBillNumber membershipNumber intouchCouponCode number billId".split()
)
_GROUP = "USERGROUP"


class EventWarnings:
    """Checks for warnings in events of one type; prepared once."""

    __slots__ = ("_customer", "_each", "_here", "_inside")

    def __init__(self, kind: EventType) -> None:
        way = steps(kind.key)
        self._customer: tuple[str, ...] = ()  # from `data` to the block of the customer
        self._each: tuple[str, str] | None = None  # a list, and that block in each of its items
        if way[0] == "data" and way[-1] == "customerId":
            names = [step for step in way[1:-1] if isinstance(step, str)]
            if len(names) == len(way) - 2:
                self._customer = tuple(names)
            elif len(way) == 5:
                self._each = names[0], names[1]
        here, inside = [], []
        for path in dict.fromkeys((*kind.search_paths, kind.key)):
            names = path.split(".")
            if "[" in path or names[0] != "data" or names[-1] in MAY_BE_EMPTY:
                continue
            if len(names) == 2:
                here.append(names[1])
            elif tuple(names[1:-1]) != self._customer:
                inside.append(tuple(names[1:]))
        self._here = tuple(here)
        self._inside = tuple(inside)

    def finder(self) -> Callable[[Json], Sequence[str]]:
        """Return a function that gives the warnings of an event. Where one look shows that its
        customer is named and no text is empty, as in nearly all, that is all it does."""
        here, find = self._here, self.find
        if self._each is not None and not here and not self._inside:
            return self._finder_of_items(*self._each)
        if len(self._customer) != 1 or self._inside:
            return find
        (customer,) = self._customer

        def looked(event: Json) -> Sequence[str]:
            try:
                data = event["data"]
                if data[customer]["customerId"]:
                    get = data.get
                    for name in here:
                        if get(name) == "":
                            return find(event)
                    return ()
            except (LookupError, TypeError, AttributeError):
                pass
            return find(event)

        return looked

    def _finder_of_items(self, name: str, inner: str) -> Callable[[Json], Sequence[str]]:
        find = self.find

        def looked(event: Json) -> Sequence[str]:
            try:
                items = event["data"][name]
                if len(items) <= ITEMS_MAX:
                    for element in items:
                        if not element[inner]["customerId"]:
                            return find(event)
                    return ()
            except (LookupError, TypeError, AttributeError):
                pass
            return find(event)

        return looked

    def find(self, event: Json) -> list[str]:
        """Return the warnings; empty where nothing is doubtful. Never raises."""
        data = event.get("data")
        if data.__class__ is not dict:
            return []
        found: list[str] = []
        if self._customer:
            block: Any = data
            for name in self._customer:
                block = block.get(name) if block.__class__ is dict else None
            if block.__class__ is not dict or not block.get("customerId"):
                self._check_customer(block, data, found)
        elif self._each is not None:
            self._check_each(data, found, *self._each)
        get = data.get
        for name in self._here:
            if get(name) == "":
                found.append(_empty(f"data.{name}"))
        for way in self._inside:
            block = data
            for name in way:
                block = block.get(name) if block.__class__ is dict else None
            if block == "":
                found.append(_empty("data." + ".".join(way)))
        return found[:WARNINGS_MAX]

    def _check_customer(self, block: Any, data: Json, found: list[str]) -> None:
        place = "data." + ".".join(self._customer)
        if block.__class__ is dict and block.get("customerId") == "":
            found.append(_empty(f"{place}.customerId"))
        elif _nobody(block) and not _of_group(data):
            found.append(_unnamed(place))

    def _check_each(self, data: Json, found: list[str], name: str, inner: str) -> None:
        items = data.get(name)
        for at, element in enumerate(items[:ITEMS_MAX] if items.__class__ is list else ()):
            block = element.get(inner) if element.__class__ is dict else None
            if block.__class__ is dict and block.get("customerId"):
                continue
            place = f"data.{name}[{at}].{inner}"
            if block.__class__ is dict and block.get("customerId") == "":
                found.append(_empty(f"{place}.customerId"))
            elif _nobody(block):
                found.append(_unnamed(place))
            if len(found) == WARNINGS_MAX:
                return


def _nobody(block: Any) -> bool:
    """Return whether a block of identifiers names nobody; what is of another type the schema
    refuses."""
    if block is None:
        return True
    return block.__class__ is dict and not any(
        value for key, value in block.items() if value.__class__ is not dict or any(value.values())
    )


def _of_group(data: Json) -> bool:
    entity = data.get("entityInformation")
    kind = entity.get("entityType") if entity.__class__ is dict else None
    return kind.__class__ is str and kind.startswith(_GROUP)


def _empty(place: str) -> str:
    return (
        f"{place} should hold text; it is empty. The event is not found by it. Send the value, or "
        "leave the field out."
    )


def _unnamed(place: str) -> str:
    return (
        f"{place} should say whom the event is about; it names nobody, and no group owns the "
        "event. It is not found by its customer, nor ordered by it. Send the customerId."
    )
