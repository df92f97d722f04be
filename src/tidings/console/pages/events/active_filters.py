"""The filters that are set, one by one: what each says, and the address without it.

Half of them stand folded away in the form; a list that lacks rows must say why it does.
"""

from collections.abc import Iterator, Mapping

import msgspec

from tidings.console.pages.events.log_filters import SPANS, Filters, address

_LABELS = {
    "q": "Value",
    "customer": "Customer",
    "bill": "Bill",
    "card": "Card",
    "type": "Event type",
    "webhook": "Webhook",
    "status": "State",
    "matched": "Wanted",
    "request": "Request id",
    "event": "Event id",
    "from": "From",
    "to": "Before",
}
_LISTED = ("type", "webhook", "status")  # any of several values
_MATCHED = {"true": "by a webhook", "false": "by no webhook"}


class ActiveFilter(msgspec.Struct, frozen=True):
    """One value of one filter."""

    label: str
    value: str  # as people say it
    without: str  # the query string of all the others


def active_filters(
    filters: Filters, webhooks: Mapping[str, str] | None = None
) -> list[ActiveFilter]:
    """Those of an address, in the order of the form. `webhooks`: names by id."""
    return list(_walk(filters, {"webhook": webhooks or {}, "matched": _MATCHED}))


def _walk(filters: Filters, words: Mapping[str, Mapping[str, str]]) -> Iterator[ActiveFilter]:
    for name, label in _LABELS.items():
        said = filters.shown.get(name, "")
        values = said.split(",") if name in _LISTED else [said]
        for value in filter(None, values):
            others = ",".join(one for one in values if one != value)
            word = words.get(name, {}).get(value, value)
            yield ActiveFilter(label, word, address(filters, **{name: others}))
    if filters.span:
        yield ActiveFilter("Time", SPANS[filters.span][1], address(filters, span=None))
