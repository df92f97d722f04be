"""Where the records land that one webhook wants in the events of one type.

Driven by data: an event type says where its blocks of customers and actors stand
(`catalogue.Enrichment`), a webhook says what it wants of them, and a `Plan` of both fills events.
What an event holds already stays as it came; what is not known is left out. The event is not
changed: what changes is copied. Pure: records are asked for by a function that is given.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Raw

from tidings.catalogue import EnrichmentPaths as Points
from tidings.catalogue.event_type import Json
from tidings.catalogue.ordering import group_getter
from tidings.catalogue.paths import getter, steps
from tidings.catalogue.spellings import with_twins
from tidings.core.shaping.additions import (
    BALANCE,
    BEHAVIOUR,
    AwardAddition,
    RecordAddition,
    added_to,
    added_to_customer,
    awarded,
    balance_added,
    customer_added,
    customer_key,
    store_added,
    till_added,
)
from tidings.core.shaping.enrichment import (
    AWARDED,
    BALANCES,
    CUSTOMERS,
    STORES,
    TILLS,
    EnrichmentSettings,
)
from tidings.core.shaping.places import EACH, BlockPlaces, Way
from tidings.core.shaping.record import EnrichmentRecord, id_of

DATA = "data"
REFERENCE = "awardedReferenceId"

Find = Callable[
    [str, str], EnrichmentRecord | None
]  # the record of a kind and an id; None: none is known


class Plan:
    """One webhook's wishes for one event type. Made once for both, used for every event."""

    def __init__(
        self, points: Points, wanted: EnrichmentSettings, owner: str | None = None
    ) -> None:
        """`owner`: where an event of the type says which entity owns it."""
        self._wanted = wanted
        self._customer_key = customer_key(wanted)
        actors = with_twins(points.till_store) if wanted.till or wanted.store else ()
        customers = points.customer_identifiers if wanted.sources else ()
        blocks: BlockPlaces[Find] = BlockPlaces()
        for path in actors:
            blocks.add(_within(path), self._actor)
        for path in customers:
            blocks.add(_within(path), self._customer)
        self._blocks = blocks.change()
        self._slices = (
            frozenset(map(_list_in, points.awarded_slices))
            if wanted.awards and points.awarded_reference
            else frozenset()
        )
        self._owner = (  # whose the points are: the first customer
            _within(points.customer_identifiers[0])
            if wanted.balance and points.available_points_balance and points.customer_identifiers
            else None
        )
        self._is_group = group_getter(owner) if owner else None
        self._customer_id = None
        self.of_customer: tuple[str, ...] = ()  # kinds of records that take the owning customer
        if points.customer_identifiers and owner:
            self._customer_id = getter(f"{points.customer_identifiers[0]}.customerId")
            self.of_customer = (
                *((CUSTOMERS,) if customers else ()),
                *((BALANCES,) if self._owner else ()),
            )
        # Whether it adds nothing to any event of the type.
        self.empty = not (actors or customers or self._slices or self._owner)

    def fill(self, event: Json, find: Find) -> Json:
        """Return the enriched event; the event itself if there is nothing to add.

        `find` is asked for every record that it takes. What comes of it holds JSON that was written
        before (core/exact_json.py).
        """
        data = event.get(DATA)
        if type(data) is not dict:
            return event
        out = self._blocks(data, find)
        balance = {} if self._owner is None else self._balance(data, self._owner, find)
        fresh = self._award(event, out, find) if self._slices else {}
        if BALANCE not in data:
            fresh |= balance
        if fresh:
            out = {**out, **fresh}
        return event if out is data else {**event, DATA: out}

    def lacks_customer(self, event: Json) -> bool:
        """Return whether a customer is wanted, and none can be looked up: a group owns the
        event."""
        if not self.of_customer or self._is_group is None or self._customer_id is None:
            return False
        return self._customer_id(event) is None and self._is_group(event)

    # -- inside -----------------------------------------------------------------------------------

    def _customer(self, block: Json, find: Find) -> Json:
        id = id_of(block.get("customerId"))
        if id is None or (record := find(CUSTOMERS, id)) is None:
            return block
        key = self._customer_key
        added: RecordAddition = record.made.get(key) or record.keep(
            key, customer_added(record, self._wanted)
        )
        return added_to_customer(block, added)

    def _actor(self, block: Json, find: Find) -> Json:
        id = None if "user" in block else id_of(block.get("id"))  # then the id is the user's
        if id is None or (record := find(TILLS, id)) is None:
            return block
        till: RecordAddition = record.made.get("till") or record.keep("till", till_added(record))
        if self._wanted.till:
            block = added_to(block, till)
        if till.store is None or not self._wanted.store:
            return block
        if (record := find(STORES, till.store)) is None:
            return block
        store: RecordAddition = record.made.get("store") or record.keep(
            "store", store_added(record)
        )
        return added_to(block, store)

    def _balance(self, data: Json, way: Way, find: Find) -> Mapping[str, Raw]:
        block: Any = data
        for step in way:
            block = block.get(step)
            if type(block) is not dict:
                return {}
        owner = id_of(block.get("customerId"))
        if owner is None or (record := find(BALANCES, owner)) is None:
            return {}
        added: RecordAddition = record.made.get("balance") or record.keep(
            "balance", balance_added(record)
        )
        return added.fields

    def _award(self, event: Json, data: Json, find: Find) -> Json:
        """Return the fields of `data` that change by an award."""
        # The loyalty engine's id of the activity is the only one that all samples carry.
        id = id_of(event.get("loyaltyEventId")) or id_of(data.get("loyaltyEventId"))
        if id is None or (record := find(AWARDED, id)) is None:
            return {}
        award: AwardAddition = record.made.get("award") or record.keep("award", awarded(record))
        fresh: Json = {}
        for name, references in award.references.items():
            items = data.get(name)
            if type(items) is list and name in self._slices:
                if (made := _referenced(items, references)) is not items:
                    fresh[name] = made
        if award.behaviour is not None and BEHAVIOUR not in data:
            fresh[BEHAVIOUR] = award.behaviour
        return fresh


def _within(path: str) -> Way:
    """Return the way to a block from `data` on. Raise ValueError if it stands elsewhere."""
    first, *way = steps(path)
    if first != DATA:
        raise ValueError(f"an enrichment point must stand in {DATA}; got {path}")
    return tuple(way)


def _list_in(path: str) -> str:
    """Return the name of a list of slices in `data`. Raise ValueError if the path leads
    elsewhere."""
    match _within(path):
        case (str(name), int(each)) if each == EACH:
            return name
    raise ValueError(f"slices must be the items of a list in {DATA}; got {path}")


def _referenced(items: list[Any], references: list[Any]) -> list[Any]:
    """Return the items, each block with its reference, in order; the same list if none takes
    one."""
    left = iter(references)
    out = items
    for index, element in enumerate(items):
        if type(element) is dict:
            reference = next(left, None)
            if reference is None:
                break
            if REFERENCE not in element:
                if out is items:
                    out = items.copy()
                out[index] = {**element, REFERENCE: reference}
    return out
