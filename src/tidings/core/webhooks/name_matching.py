"""Which names match an event: decided here for new events, replays, filters and counts alike.

An event goes by the name on its wire, and some by a second one beside it. The original sends the
issue of several coupons as `CouponIssue`, and lets brands subscribe to it as `IssueBulkCoupon`; an
`issualType` tells nothing (it is SINGLE in both), so the coupons and `refId` do. Both names are
decided once, when the event is accepted, and stored together as its *stored name*: `CouponIssue`,
or `CouponIssue+IssueBulkCoupon`. No event name holds a `+`.

What asks for events (a subscription, a filter of the log, a replay) is a list of names and of
prefixes, which end in `*`: `com.example.*` asks for every name that begins with `com.example.`,
whether the catalogue has it, the org has declared it, or nobody has ever seen it.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from tidings.core.ids import NAME_SIGNS

SINGLE, BULK = "CouponIssue", "IssueBulkCoupon"
AND = "+"
STORED_BULK = SINGLE + AND + BULK
ANY = "*"

_PREFIX = re.compile(rf"{NAME_SIGNS}{{1,127}}\*")


def stored_name(name: str, event: dict[str, Any]) -> str:
    """Build what is kept as the name of an event: its own, and behind it what else it is heard
    as."""
    return STORED_BULK if name == SINGLE and _is_bulk(event) else name


def names_of(kept: str) -> Sequence[str]:
    """Return the names under which an event is heard, its own first."""
    return kept.split(AND)


def wire_name(kept: str) -> str:
    """Return the name that the event itself bears."""
    return kept.partition(AND)[0]


def stored_name_of_type(name: str) -> str:
    """Return the stored name of what arrives of an event type: of the catalogue's example of it."""
    return STORED_BULK if name == BULK else name


def is_prefix(asked: str) -> bool:
    """Return whether a name that is asked for is a prefix: one sign or more, and a `*` behind
    them."""
    return asked.endswith(ANY) and _PREFIX.fullmatch(asked) is not None


def prefixes_of(asked: Iterable[str]) -> tuple[str, ...]:
    """Return the prefixes among what is asked for, without their `*`."""
    return tuple(sorted(asked_name[:-1] for asked_name in asked if is_prefix(asked_name)))


def hears(asked: Collection[str], kept: str) -> bool:
    """Return whether who asks for these names and prefixes hears an event."""
    names = names_of(kept)
    if any(name in asked for name in names):
        return True
    prefixes = prefixes_of(asked)
    return any(name.startswith(prefixes) for name in names)


class NameQuery(msgspec.Struct, frozen=True):
    """A query for stored names: these, and those that begin so."""

    names: tuple[str, ...]
    prefixes: tuple[str, ...] = ()

    def takes(self, kept: str) -> bool:
        """Return whether a stored name is one of them."""
        return kept in self.names or kept.startswith(self.prefixes)


def name_query(asked: Iterable[str]) -> NameQuery:
    """Return the stored names of all events that who asks for these hears."""
    wanted = tuple(asked)
    names = dict.fromkeys(asked_name for asked_name in wanted if not is_prefix(asked_name))
    if hears(wanted, STORED_BULK):
        names[STORED_BULK] = None
    return NameQuery(tuple(names), prefixes_of(wanted))


def both_ask(one: Iterable[str], other: Iterable[str]) -> list[str]:
    """List the names and prefixes that ask for the events which both hear, in the order of the
    first.

    A stored name stands for itself: for the events that each hears by another of their names.
    """
    first, second = list(one), list(other)
    found: dict[str, None] = {}
    for mine in first:
        for theirs in second:
            if hears((theirs,), mine) or (is_prefix(mine) and _covers(theirs, mine)):
                found[mine] = None
            elif is_prefix(mine) and _covers(mine, theirs):
                found[theirs] = None
    if hears(first, STORED_BULK) and hears(second, STORED_BULK) and not hears(found, STORED_BULK):
        found[STORED_BULK] = None
    return list(found)


def unheard_names(asked: Iterable[str], known: Collection[str]) -> list[str]:
    """List the names that no event of a known type is heard by: they wait for types that nobody has
    named yet."""
    return [
        asked_name
        for asked_name in asked
        if asked_name not in known
        and not (is_prefix(asked_name) and any(name.startswith(asked_name[:-1]) for name in known))
    ]


def _covers(prefix: str, asked: str) -> bool:
    return is_prefix(prefix) and asked.startswith(prefix[:-1])


def _is_bulk(event: dict[str, Any]) -> bool:
    """Return whether several coupons were issued: there are several, or refId names a first and a
    last."""
    data = event.get("data")
    coupons = data.get("coupons") if data.__class__ is dict else None
    if coupons.__class__ is list and len(coupons) > 1:
        return True
    ref = event.get("refId")
    if ref.__class__ is not str:
        return False
    first, _, last = ref.rpartition("_")[2].partition(":")
    return first != last and first.isdecimal() and last.isdecimal()
