"""What a record adds to the events that it fills, made once and kept with the record.

It is JSON already, ready to be written with the event. Pure.
"""

from collections.abc import Mapping

from msgspec import Raw

from tidings.catalogue.event_type import Json
from tidings.catalogue.spellings import respelt
from tidings.core.exact_json import fields_of, read_exactly, value_of, write_exactly
from tidings.core.shaping.enrichment import INSTORE, EnrichmentSettings
from tidings.core.shaping.record import EnrichmentRecord, id_of

BALANCE, BEHAVIOUR = "AvailablePointsBalance", "behavioralEventAttributes"
_INSTORE_FIELDS = ("mobile", "email", "externalId")
_TILL_FIELDS = ("code", "name")
_STORE_FIELDS = ("code", "name", "externalId", "externalId1", "externalId2")
_EMPTY = Raw(b'""')
_NULL = Raw(b"null")


class RecordAddition:
    """The addition of one record to a block."""

    __slots__ = ("fields", "merged", "store")

    def __init__(self, fields: dict[str, Raw], merged: str = "", store: str | None = None) -> None:
        self.fields = fields
        self.merged = merged  # the one that fills up what the event holds; others give way to it
        self.store = store  # of a till: the id of its store


class AwardAddition:
    """The addition of an award."""

    __slots__ = ("behaviour", "references")

    def __init__(self, references: dict[str, list[Raw]], behaviour: Raw | None) -> None:
        self.references = references  # by the list of slices, in its order
        self.behaviour = behaviour


def added_to(block: Json, added: RecordAddition) -> Json:
    """Add a record's fields to a block; return the block itself if that adds nothing. What the
    block holds already wins."""
    fields = added.fields
    out = {**block, **fields}
    if len(out) == len(block) + len(fields):  # nearly always: it holds nothing of this
        return out if fields else block
    fresh: Json = {}
    for name, more in fields.items():
        held = block.get(name)
        if name not in block or (held is None and name == added.merged):
            fresh[name] = more
        elif type(held) is dict and name == added.merged:
            if absent := {key: raw for key, raw in fields_of(more).items() if key not in held}:
                fresh[name] = {**held, **absent}
    return {**block, **fresh} if fresh else block


def added_to_customer(block: Json, added: RecordAddition) -> Json:
    """Add a record's fields to a block of customer identifiers, as `added_to` does: a source that
    the block spells otherwise is filled under its spelling."""
    others = respelt(block, added.fields)
    if not others:
        return added_to(block, added)
    fields = {others.get(name, name): raw for name, raw in added.fields.items()}
    return added_to(block, RecordAddition(fields, others.get(added.merged, added.merged)))


def customer_key(wanted: EnrichmentSettings) -> str:
    """Return the name under which `customer_added` is kept: one for all who want the same."""
    return f"customer {wanted.cards} {' '.join(wanted.sources)}"


def customer_added(record: EnrichmentRecord, wanted: EnrichmentSettings) -> RecordAddition:
    """Build what the record of a customer adds to the customer's block, of what is wanted."""
    known = record.raw_fields
    names = _INSTORE_FIELDS if INSTORE in wanted.sources else ()
    cards = ("cardNumbers",) if wanted.cards else ()
    instore = {name: known[name] for name in (*names, *cards) if name in known}
    fields = {INSTORE: Raw(write_exactly(instore))} if instore else {}
    sources = fields_of(known["sources"]) if "sources" in known else {}
    for source in wanted.sources:
        if source in sources and source not in fields:
            fields[source] = sources[source]
    return RecordAddition(fields, INSTORE if instore else "")


def till_added(record: EnrichmentRecord) -> RecordAddition:
    """Build what the record of a till adds to the block of who did it, with the id of the till's
    store."""
    known = record.raw_fields
    till = Raw(write_exactly(_shown(known, _TILL_FIELDS)))
    return RecordAddition({"till": till}, "till", id_of(value_of(known.get("storeId", _NULL))))


def store_added(record: EnrichmentRecord) -> RecordAddition:
    """Build what the record of a store adds to the block of who did it."""
    return RecordAddition(
        {"store": Raw(write_exactly(_shown(record.raw_fields, _STORE_FIELDS)))}, "store"
    )


def balance_added(record: EnrichmentRecord) -> RecordAddition:
    """Build what a balance adds to `data`: the points that the customer can spend."""
    balance = record.raw_fields.get("pointsBalance", _NULL)
    return RecordAddition({} if bytes(balance) == b"null" else {BALANCE: balance})


def awarded(record: EnrichmentRecord) -> AwardAddition:
    """Build what an award adds to slices of points, and to `data`."""
    known = record.raw_fields
    references = read_exactly(known.get("awardedReferenceIds", _NULL)) or {}
    behaviour = known.get(BEHAVIOUR, _NULL)
    return AwardAddition(references, behaviour if value_of(behaviour) else None)


def _shown(known: Mapping[str, Raw], names: tuple[str, ...]) -> dict[str, Raw]:
    return {name: known.get(name, _EMPTY) for name in names}
