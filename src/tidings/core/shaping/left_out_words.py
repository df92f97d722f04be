"""What a delivery lacks, by the fields that its webhook's owner knows, and in words."""

from collections.abc import Iterable

from tidings.core.shaping.enrichment import (
    AWARDED,
    AWARDS,
    BALANCE,
    BALANCES,
    CARDS,
    CUSTOMERS,
    IDENTIFIERS,
    STORE,
    STORES,
    TILL,
    TILLS,
    EnrichmentSettings,
)
from tidings.core.shaping.left_out import LeftOut

_WORDS = {
    IDENTIFIERS: "customer identifiers",
    CARDS: "card numbers",
    TILL: "till details",
    STORE: "store details",
    AWARDS: "awarded references",
    BALANCE: "the points balance",
}
_OLDER = "the points balance that was loaded earlier instead of that of now"
_SEND_LESS = "Send fewer customers in one event to have all of them filled in."
_OF_GROUP = (
    "It was sent without {fields}: it belongs to a group, so there is no customer to look up. "
    "There is nothing to do."
)
_SHORT = {"sent_whole": "sent whole", "sent_thin": "sent thin", "no_customer": "no customer"}
_TO_DO = (
    "Once the platform answers, replay it with again: true to send all of it. To have deliveries "
    "wait instead, set enrichmentWhenDown to wait."
)
_WHOLE = (
    "It was sent whole: nobody here knows the flow {flow} of neoEnrichment, and what that may cut "
    "was not cut. Create it with POST /v1/transformations, or remove neoEnrichment."
)


def fields_of(kinds: Iterable[str], wanted: EnrichmentSettings) -> tuple[str, ...]:
    """List the fields of a webhook that go without records of these kinds."""
    asked = {
        TILLS: ((TILL, wanted.till), (STORE, wanted.store)),  # a till names its store
        STORES: ((STORE, wanted.store),),
        CUSTOMERS: ((IDENTIFIERS, bool(wanted.sources)), (CARDS, wanted.cards)),
        BALANCES: ((BALANCE, wanted.balance),),
        AWARDED: ((AWARDS, wanted.awards),),
    }
    found = (name for kind in kinds for name, is_wanted in asked.get(kind, ()) if is_wanted)
    return tuple(dict.fromkeys(found))


def code_of(left_out: LeftOut) -> str:
    """Return the code for programs: whole, thin, or thin because there is no customer."""
    if left_out.flow is not None:
        return "sent_whole"
    only_group = left_out.of_group and not (left_out.fields or left_out.older)
    return "no_customer" if only_group else "sent_thin"


def word_of(left_out: LeftOut) -> str:
    """Describe in two words, for a list, what is lacking."""
    return _SHORT[code_of(left_out)]


def describe_left_out(left_out: LeftOut) -> str:
    """Say what is lacking, why, and what to do; and that it went whole."""
    sentences = []
    if left_out.flow is not None:
        sentences.append(_WHOLE.format(flow=left_out.flow))
    if left_out.of_group:
        sentences.append(_OF_GROUP.format(fields=_named(left_out.of_group)))
    if left_out.fields or left_out.older or not sentences:
        sentences.append(_thin(left_out))
    return " ".join(sentences)


def _thin(left_out: LeftOut) -> str:
    sent = []
    if left_out.fields:
        sent.append(f"without {_named(left_out.fields)}")
    if left_out.older:
        sent.append(f"with {_OLDER}")
    to_do = _SEND_LESS if left_out.too_many else _TO_DO
    return f"It was sent {' and '.join(sent) or 'thin'}. {left_out.why} {to_do}"


def _named(fields: Iterable[str]) -> str:
    *most, last = (_WORDS.get(name, name) for name in fields)
    return f"{', '.join(most)} and {last}" if most else last
