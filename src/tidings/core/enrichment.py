"""What is added to the events of one webhook: which records that takes, and where they land.

Pure, and driven by data: an event type says where its blocks of customers and actors stand
(`catalogue.Enrichment`), a webhook says what it wants of them, and a `Plan` of both tells which
records to look up and makes the enriched event. What the event holds already stays as it came;
what is not known is left out. The event is not changed: what changes is copied.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from tidings.catalogue import Enrichment as Points
from tidings.catalogue.event_type import Json
from tidings.catalogue.paths import MAX_TEXT, steps, text_of
from tidings.core.exact_json import value_of
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
_EACH = -1
_SMALL = 1 << 63
_DATA = ("data",)
REFERENCE, BEHAVIOUR = "awardedReferenceId", "behavioralEventAttributes"
BALANCE_FIELD = "AvailablePointsBalance"

Key = tuple[str, str]  # a kind of record, and its id
Steps = tuple[str | int, ...]
Site = tuple[Steps, str | int, Json]  # where a block stands, and the block
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
        self._actors = tuple(_way(path) for path in actors)
        self._customers = tuple(_way(path) for path in customers)
        self._slices = (  # each ends with the items of a list
            tuple(way.head for way in map(_way, points.awarded_slices))
            if wanted.awards and points.awarded_reference
            else ()
        )
        self._balance = (
            _way(points.customer_identifiers[0])
            if wanted.balance and points.available_points_balance and points.customer_identifiers
            else None
        )

    @property
    def empty(self) -> bool:
        """Whether it adds nothing to any event of the type."""
        return not (self._actors or self._customers or self._slices or self._balance)

    def look(self, event: Json) -> "Look":
        """What of the event is to be filled, and which records that takes."""
        look = Look(event)
        keys = look.keys
        for way in self._actors:
            for head, last, actor in _sites(event, way):
                if "user" not in actor and (till := _id(actor.get("id"))) is not None:
                    key = (TILLS, till)  # an id beside a user is the user's
                    keys[key] = None
                    look.actors.append((head, last, actor, key))
        for way in self._customers:
            for head, last, block in _sites(event, way):
                if (customer := _id(block.get("customerId"))) is not None:
                    key = (CUSTOMERS, customer)
                    keys[key] = None
                    look.customers.append((head, last, block, key))
        if self._balance is not None:
            if (owner := self._owner(look)) is not None:
                look.balance = (BALANCES, owner)
                keys[look.balance] = None
        if self._slices and (award := _award(event)) is not None:
            look.award = (AWARDED, award)
            keys[look.award] = None
        return look

    def _owner(self, look: "Look") -> str | None:
        """Whose the points are: the first customer's."""
        way = self._balance
        assert way is not None
        if look.customers:  # it was looked at already, nearly always
            head, last, _, (_, customer) = look.customers[0]
            if way.plain and head == way.head and last == way.last:
                return customer
        for _, _, block in _sites(look.event, way):
            return _id(block.get("customerId"))
        return None

    def then(self, look: "Look", found: Found) -> Collection[Key]:
        """The records that the first ones name: the stores of the tills."""
        if not self._wanted.store:
            return ()
        stores = look.stores
        for _, _, _, key in look.actors:
            record = found.get(key)
            if record and (store := _id(record.get("storeId"))) is not None:
                stores[key] = (STORES, store)
        return dict.fromkeys(stores.values()) if len(stores) > 1 else stores.values()

    def apply(self, look: "Look", found: Found) -> Json:
        """The enriched event; the event itself where there is nothing to add."""
        edit = _Edit(look.event)
        for head, last, block, key in look.customers:
            if record := found.get(key):
                edit.put(head, last, self._customer(block, record))
        stores = look.stores
        for head, last, actor, key in look.actors:
            if record := found.get(key):
                store = found.get(stores[key]) if key in stores else None
                edit.put(head, last, self._actor(actor, record, store))
        if look.award is not None and (record := found.get(look.award)):
            self._awarded(look.event, record, edit)
        if look.balance is not None and (record := found.get(look.balance)):
            if (balance := record.get("pointsBalance")) is not None:
                _add_to_data(look.event, edit, BALANCE_FIELD, balance)
        return edit.out

    # -- blocks -----------------------------------------------------------------------------------

    def _customer(self, block: Json, record: Json) -> Json:
        wanted = self._wanted
        more: Json = {}
        if INSTORE in wanted.sources:
            for name in _INSTORE_FIELDS:
                if name in record:
                    more[name] = record[name]
        if wanted.cards and "cardNumbers" in record:
            more["cardNumbers"] = list(record["cardNumbers"])
        out = block.copy()
        held = out.get(INSTORE)
        if more and (held is None or type(held) is dict):
            out[INSTORE] = {**held, **_absent(more, held)} if held else more
        known = record.get("sources")
        if known:
            for source in wanted.sources:
                if source in known and source not in out:
                    out[source] = known[source]
        return out

    def _actor(self, actor: Json, record: Json, store: Json | None) -> Json:
        out = actor.copy()
        if self._wanted.till:
            _fill(out, "till", {"code": record.get("code", ""), "name": record.get("name", "")})
        if store:
            _fill(out, "store", _store_block(store))
        return out

    def _awarded(self, event: Json, record: Json, edit: "_Edit") -> None:
        known = record.get("awardedReferenceIds") or {}
        for place in self._slices:
            if not (references := known.get(place[-1])):
                continue
            items = _at(event, place)
            if type(items) is not list:
                continue
            if (fresh := _referenced(items, references)) is not None:
                edit.put(place[:-1], place[-1], fresh)
        if attributes := record.get(BEHAVIOUR):
            _add_to_data(event, edit, BEHAVIOUR, attributes)


class Look:
    """One event as a plan sees it: its places, each with the record that fills it."""

    __slots__ = ("actors", "award", "balance", "customers", "event", "keys", "stores")

    def __init__(self, event: Json) -> None:
        self.event = event
        self.keys: dict[Key, None] = {}  # the records to look up, each once
        self.actors: list[tuple[Steps, str | int, Json, Key]] = []
        self.customers: list[tuple[Steps, str | int, Json, Key]] = []
        self.stores: dict[Key, Key] = {}  # the store of each till, once the till is known
        self.award: Key | None = None
        self.balance: Key | None = None


class _Way(NamedTuple):
    """A path to blocks, prepared once."""

    steps: Steps
    head: Steps
    last: str | int
    plain: bool  # it leads through no list


def _way(path: str) -> _Way:
    way = steps(path)
    return _Way(way, way[:-1], way[-1], _EACH not in way)


def _sites(event: Json, way: _Way) -> Iterable[Site]:
    """The blocks at a path, and where each stands."""
    steps, head, last, plain = way
    if not plain:
        return _each(event, steps, ())
    node: Any = event
    for step in steps:  # as _at, without a call: it is asked for every event
        node = node.get(step)
        if type(node) is not dict:
            return ()
    return ((head, last, node),)


def _at(event: Json, way: Steps) -> Any:
    """What stands at a path that leads through no list; None where nothing does."""
    node: Any = event
    for step in way:
        if type(node) is not dict:
            return None
        node = node.get(step)
    return node


def _each(node: Any, way: Steps, came: Steps) -> Iterator[Site]:
    if not way:
        if type(node) is dict:
            yield came[:-1], came[-1], node
        return
    step, rest = way[0], way[1:]
    if step == _EACH:
        if type(node) is list:
            for index, item in enumerate(node):
                yield from _each(item, rest, (*came, index))
    elif type(node) is dict and step in node:
        yield from _each(node[step], rest, (*came, step))


def _store_block(store: Json) -> Json:
    """The fields of a store that payloads show, in their order."""
    get = store.get
    return {
        "code": get("code", ""),
        "name": get("name", ""),
        "externalId": get("externalId", ""),
        "externalId1": get("externalId1", ""),
        "externalId2": get("externalId2", ""),
    }


class _Edit:
    """A copy of an event, made as far as it is changed: each container once, the others shared."""

    __slots__ = ("_own", "out")

    def __init__(self, event: Json) -> None:
        self.out = event
        self._own: dict[int, Any] = {}  # what we made, by identity

    def put(self, head: Steps, last: str | int, value: object) -> None:
        """Set what stands at a place that is there, or a new field of a block that is."""
        own = self._own
        node: Any = self.out
        if not own:
            self.out = node = node.copy()
            own[id(node)] = node
        for step in head:
            child = node[step]
            if id(child) not in own:
                node[step] = child = child.copy()
                own[id(child)] = child
            node = child
        node[last] = value


def _add_to_data(event: Json, edit: _Edit, name: str, value: Any) -> None:
    data = event.get("data")
    if type(data) is dict and name not in data:
        edit.put(_DATA, name, value)


def _absent(more: Json, held: Json) -> Json:
    return {name: value for name, value in more.items() if name not in held}


def _fill(block: Json, name: str, more: Json) -> None:
    held = block.get(name)
    if held is None:
        block[name] = more
    elif type(held) is dict:
        block[name] = {**held, **_absent(more, held)}


def _referenced(items: list[Any], references: Iterable[Any]) -> list[Any] | None:
    """The items, each block with its reference, in order; None where none takes one."""
    left = iter(references)
    fresh, changed = items.copy(), False
    for index, item in enumerate(items):
        if type(item) is dict:
            reference = next(left, None)
            if reference is not None and REFERENCE not in item:
                fresh[index] = {**item, REFERENCE: reference}
                changed = True
    return fresh if changed else None


def _award(event: Json) -> str | None:
    """The loyalty engine's id of the activity, which is the only one that all samples carry."""
    found = _id(event.get("loyaltyEventId"))
    if found is None and type(data := event.get("data")) is dict:
        found = _id(data.get("loyaltyEventId"))
    return found


def _id(value: object) -> str | None:
    """A value as the id of a record; 7.0 is the same id as 7."""
    if type(value) is int and -_SMALL < value < _SMALL:  # nearly always
        return str(value)
    if type(value) is str:
        return value if 0 < len(value) <= MAX_TEXT else None
    if value is None:
        return None
    return text_of(value_of(value) if isinstance(value, msgspec.Raw) else value)
