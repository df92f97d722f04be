"""What is added to the events of one webhook: which records that takes, and where they land.

Pure, and driven by data: an event type says where its blocks of customers and actors stand
(`catalogue.Enrichment`), a webhook says what it wants of them, and a `Plan` of both tells which
records to look up and makes the enriched event. What the event holds already stays as it came;
what is not known is left out. The event is not changed: what changes is copied.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tidings.catalogue import Enrichment as Points
from tidings.catalogue.event_type import Json
from tidings.catalogue.paths import steps, text_of
from tidings.core.form import came

# The flags of a webhook, by their names on the wire.
TILL, STORE = "tillDetailsEnrichmentEnabled", "storeDetailsEnrichmentEnabled"
CARDS, AWARDS = "cardNumberEnrichmentEnabled", "awardedReferenceEnrichmentEnabled"
BALANCE = "availablePointsBalanceEnrichmentEnabled"
IDENTIFIERS, WHEN_DOWN = "customerIdentifiersToBeEnriched", "enrichmentWhenDown"
THIN, WAIT = "thin", "wait"

# Kinds of records. Balances and awards are asked of the platform; they are true for a moment.
STORES, TILLS, CUSTOMERS = "stores", "tills", "customers"
BALANCES, AWARDED = "balances", "awards"

INSTORE = "instore"
# A source as it is asked for, in small letters, and its block in payloads.
SOURCES = {
    "instore": INSTORE,
    "webengage": "web_engage",
    "web_engage": "web_engage",
    "wechat": "wechat",
    "facebook": "facebook",
    "martjack": "martjack",
    "tmall": "tmall",
    "taobao": "toabao",  # misspelt on the wire
    "toabao": "toabao",
    "jd": "jd",
    "ecommerce": "ecommerce",
    "website": "website",
    "line": "line",
}
_INSTORE_FIELDS = ("mobile", "email", "externalId")
_STORE_FIELDS = ("code", "name", "externalId", "externalId1", "externalId2")
_EACH = -1

Key = tuple[str, str]  # a kind of record, and its id
Found = Mapping[Key, Json | None]  # None where there is no such record


class Enrichment(msgspec.Struct, frozen=True):
    """What a webhook wants added."""

    till: bool = False
    store: bool = False
    sources: tuple[str, ...] = ()  # the blocks' names in payloads
    cards: bool = False
    awards: bool = False
    balance: bool = False
    wait: bool = False  # when the platform does not answer: wait, instead of sending thin

    @property
    def any(self) -> bool:
        """Whether anything is added at all. Cards take a source."""
        return bool(self.till or self.store or self.sources or self.awards or self.balance)


NOTHING = Enrichment()


def enrichment_of(fields: Mapping[str, msgspec.Raw]) -> Enrichment:
    """What the fields of a webhook ask for; they were checked when they came."""
    if not fields:
        return NOTHING

    def value(name: str) -> Any:
        raw = fields.get(name)
        return None if raw is None else msgspec.json.decode(raw)

    named = value(IDENTIFIERS) or []
    blocks = (SOURCES.get(one.lower()) for one in named if isinstance(one, str))
    return Enrichment(
        till=value(TILL) is True,
        store=value(STORE) is True,
        sources=tuple(dict.fromkeys(block for block in blocks if block is not None)),
        cards=value(CARDS) is True,
        awards=value(AWARDS) is True,
        balance=value(BALANCE) is True,
        wait=value(WHEN_DOWN) == WAIT,
    )


def idle_wishes(fields: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, str, str]]:
    """What is asked for and adds nothing, as code, field and sentence: its owner should know."""
    raw = fields.get(IDENTIFIERS)
    named: list[str] = [] if raw is None else msgspec.json.decode(raw)
    unknown = [one for one in named if one.lower() not in SOURCES]
    if unknown:
        yield (
            "unknown_source",
            IDENTIFIERS,
            f"{IDENTIFIERS} should hold sources such as WeChat, WebEngage or Instore; got "
            f"{came(unknown[0])}, which adds nothing. Check its spelling.",
        )
    asked = enrichment_of(fields)
    if asked.cards and not asked.sources:
        yield (
            "cards_without_source",
            CARDS,
            f"{CARDS} should come with a source in {IDENTIFIERS}; got none, so no card number is "
            "added. Add Instore.",
        )


class Plan:
    """What one webhook wants of one event type. Made once for both, used for every event."""

    def __init__(self, points: Points, wanted: Enrichment) -> None:
        self._wanted = wanted
        actors = points.till_store if wanted.till or wanted.store else ()
        customers = points.customer_identifiers if wanted.sources else ()
        self._actors = tuple(steps(path) for path in actors)
        self._customers = tuple(steps(path) for path in customers)
        self._slices = (
            tuple(steps(path) for path in points.awarded_slices)
            if wanted.awards and points.awarded_reference
            else ()
        )
        self._balance = (
            steps(points.customer_identifiers[0])
            if wanted.balance and points.available_points_balance and points.customer_identifiers
            else None
        )

    @property
    def empty(self) -> bool:
        """Whether it adds nothing to any event of the type."""
        return not (self._actors or self._customers or self._slices or self._balance)

    def first(self, event: Json) -> list[Key]:
        """The records to look up, each once."""
        keys: dict[Key, None] = {}
        for way in self._actors:
            for actor in _blocks(event, way, 0):
                if (till := _till(actor)) is not None:
                    keys[(TILLS, till)] = None
        for way in self._customers:
            for block in _blocks(event, way, 0):
                if (customer := _id(block.get("customerId"))) is not None:
                    keys[(CUSTOMERS, customer)] = None
        if self._balance is not None and (owner := self._owner(event)) is not None:
            keys[(BALANCES, owner)] = None
        if self._slices and (award := _award(event)) is not None:
            keys[(AWARDED, award)] = None
        return list(keys)

    def then(self, found: Found) -> list[Key]:
        """The records that the first ones name: the stores of the tills."""
        if not self._wanted.store:
            return []
        keys: dict[Key, None] = {}
        for (kind, _), record in found.items():
            if kind == TILLS and record and (store := _id(record.get("storeId"))) is not None:
                keys[(STORES, store)] = None
        return list(keys)

    def apply(self, event: Json, found: Found) -> Json:
        """The enriched event; the event itself where there is nothing to add."""
        out = event
        for way in self._customers:
            out = _changed(out, way, 0, lambda block: self._customer(block, found))
        for way in self._actors:
            out = _changed(out, way, 0, lambda block: self._actor(block, found))
        if self._slices:
            out = self._awarded(out, found)
        if self._balance is not None and (owner := self._owner(event)) is not None:
            balance = (found.get((BALANCES, owner)) or {}).get("pointsBalance")
            if balance is not None:
                out = _with_data(out, "AvailablePointsBalance", balance)
        return out

    # -- blocks -----------------------------------------------------------------------------------

    def _customer(self, block: Json, found: Found) -> Json:
        record = found.get((CUSTOMERS, _id(block.get("customerId")) or ""))
        if not record:
            return block
        wanted = self._wanted
        more: Json = {}
        for source in wanted.sources:
            if source == INSTORE:
                more |= {name: record[name] for name in _INSTORE_FIELDS if name in record}
        if wanted.cards and "cardNumbers" in record:
            more["cardNumbers"] = list(record["cardNumbers"])
        out = dict(block)
        held = block.get(INSTORE)
        if more and (held is None or type(held) is dict):
            out[INSTORE] = {**held, **_absent(more, held)} if held else more
        known = record.get("sources")
        if known:
            for source in wanted.sources:
                if source in known and source not in out:
                    out[source] = known[source]
        return out

    def _actor(self, actor: Json, found: Found) -> Json:
        till = _till(actor)
        record = None if till is None else found.get((TILLS, till))
        if not record:
            return actor
        out = dict(actor)
        if self._wanted.till:
            _fill(out, "till", {name: record.get(name, "") for name in ("code", "name")})
        if self._wanted.store:
            store = found.get((STORES, _id(record.get("storeId")) or ""))
            if store:
                _fill(out, "store", {name: store.get(name, "") for name in _STORE_FIELDS})
        return out

    def _awarded(self, event: Json, found: Found) -> Json:
        award = _award(event)
        record = None if award is None else found.get((AWARDED, award))
        if not record:
            return event
        out = event
        for way in self._slices:
            name = str(way[-2])  # the list's own name; the way ends with each item of it
            references = record.get("awardedReferenceIds", {}).get(name, ())
            out = _changed(out, way, 0, _referencing(references))
        attributes = record.get("behavioralEventAttributes")
        return _with_data(out, "behavioralEventAttributes", attributes) if attributes else out

    def _owner(self, event: Json) -> str | None:
        assert self._balance is not None
        for block in _blocks(event, self._balance, 0):
            return _id(block.get("customerId"))
        return None


def _blocks(node: Any, way: tuple[str | int, ...], at: int) -> Iterator[Json]:
    """The objects at a path."""
    while at < len(way):
        step = way[at]
        at += 1
        if step == _EACH:
            if type(node) is list:
                for item in node:
                    yield from _blocks(item, way, at)
            return
        if type(node) is not dict:
            return
        node = node.get(step)
    if type(node) is dict:
        yield node


def _changed(node: Any, way: tuple[str | int, ...], at: int, change: Callable[[Json], Json]) -> Any:
    """`node` with the objects at a path changed; everything on the way to them is copied."""
    if at == len(way):
        return change(node) if type(node) is dict else node
    step = way[at]
    if step == _EACH:
        if type(node) is not list:
            return node
        items = [_changed(item, way, at + 1, change) for item in node]
        same = all(new is old for new, old in zip(items, node, strict=True))
        return node if same else items
    if type(node) is not dict or step not in node:
        return node
    child = node[step]
    fresh = _changed(child, way, at + 1, change)
    return node if fresh is child else {**node, step: fresh}


def _with_data(event: Json, name: str, value: Any) -> Json:
    data = event.get("data")
    if type(data) is not dict or name in data:
        return event
    return {**event, "data": {**data, name: value}}


def _absent(more: Json, held: Json) -> Json:
    return {name: value for name, value in more.items() if name not in held}


def _fill(block: Json, name: str, more: Json) -> None:
    held = block.get(name)
    if held is None:
        block[name] = more
    elif type(held) is dict:
        block[name] = {**held, **_absent(more, held)}


def _referencing(references: Iterable[Any]) -> Callable[[Json], Json]:
    """Gives each item its reference, in order."""
    left = iter(references)

    def give(item: Json) -> Json:
        reference = next(left, None)
        if reference is None or "awardedReferenceId" in item:
            return item
        return {**item, "awardedReferenceId": reference}

    return give


def _till(actor: Json) -> str | None:
    """The till that did it; an id beside a user is the user's."""
    return None if "user" in actor else _id(actor.get("id"))


def _award(event: Json) -> str | None:
    """The loyalty engine's id of the activity, which is the only one that all samples carry."""
    found = _id(event.get("loyaltyEventId"))
    if found is None and type(data := event.get("data")) is dict:
        found = _id(data.get("loyaltyEventId"))
    return found


def _id(value: object) -> str | None:
    """A value as the id of a record. A number may know how it was written, and then is no float by
    type; 7.0 is the same id as 7."""
    return text_of(float(value) if isinstance(value, float) else value)
