"""What a webhook wants added to its events, read from the fields that ask for it.

The kinds of records that it takes are named here; what of them lands where is told by
`core/shaping/additions.py` and `core/shaping/enrichment_plan.py`. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidings.catalogue.spellings import source_of
from tidings.values import describe_value

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

Key = tuple[str, str]  # a kind of record, and its id


class EnrichmentSettings(msgspec.Struct, frozen=True):
    """A webhook's wishes for enrichment."""

    till: bool = False
    store: bool = False
    sources: tuple[str, ...] = ()  # the blocks' names in payloads
    cards: bool = False
    awards: bool = False
    balance: bool = False
    wait: bool = False  # when the platform does not answer: wait, instead of sending thin

    @property
    def any(self) -> bool:
        """Return whether anything is added at all. Cards take a source."""
        return bool(self.till or self.store or self.sources or self.awards or self.balance)


NOTHING = EnrichmentSettings()


def enrichment_of(fields: Mapping[str, msgspec.Raw]) -> EnrichmentSettings:
    """Read what the fields of a webhook ask for; they were checked when they came."""
    if not fields:
        return NOTHING

    def value(name: str) -> Any:
        raw = fields.get(name)
        return None if raw is None else msgspec.json.decode(raw)

    named = value(IDENTIFIERS) or []
    blocks = (source_of(name) for name in named if isinstance(name, str))
    return EnrichmentSettings(
        till=value(TILL) is True,
        store=value(STORE) is True,
        sources=tuple(dict.fromkeys(block for block in blocks if block is not None)),
        cards=value(CARDS) is True,
        awards=value(AWARDS) is True,
        balance=value(BALANCE) is True,
        wait=value(WHEN_DOWN) == WAIT,
    )


def idle_wishes(fields: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, str, str]]:
    """Yield what is asked for and adds nothing, as code, field and sentence: its owner should
    know."""
    raw = fields.get(IDENTIFIERS)
    named: list[str] = [] if raw is None else msgspec.json.decode(raw)
    unknown = [name for name in named if source_of(name) is None]
    if unknown:
        yield (
            "unknown_source",
            IDENTIFIERS,
            f"{IDENTIFIERS} should hold sources such as WeChat, WebEngage or Instore; got "
            f"{describe_value(unknown[0])}, which adds nothing. Check its spelling.",
        )
    asked = enrichment_of(fields)
    if asked.cards and not asked.sources:
        yield (
            "cards_without_source",
            CARDS,
            f"{CARDS} should come with a source in {IDENTIFIERS}; got none, so no card number is "
            "added. Add Instore.",
        )
