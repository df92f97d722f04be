"""The event types together, with the three questions that the accept path asks of each event.

Measured with timeit (best of 7 × 20,000 calls, CPython 3.11, jsonschema-rs 0.60, a two-core machine
shared with other work, so repeated runs differ; µs a call, decoded dict in):

    event                          check   key_of   search_values (enriched / thin identifiers)
    pointsIssued, 1.7 KB           2.6-2.7   0.5    2.6-3.2 / 1.7-2.9
    transactionAdded, 1.0 KB       1.8-2.6   0.5-0.9  3.0-5.1 / 1.9-2.3
    customerUpdated, 1.2 KB        1.9-2.4   0.5-0.7  2.7-4.0 / 1.7-2.0

An event that is refused costs 72-103 µs: it is walked once more to say why. Files are
read in 25-30 ms; compiling all 76 validators takes 43-55 ms and is done type by type at first use.
A msgspec.convert fast path was no faster than jsonschema-rs (4.4 against 3.8 µs on the same event).
"""

from collections.abc import Callable, Iterable

import jsonschema_rs

from tidings.catalogue.event_type import EventType, Json, Problem
from tidings.catalogue.explain import explain
from tidings.catalogue.paths import Tree, distinct_texts, gather, getter, tree
from tidings.catalogue.schema import lean


def _refuse(uri: str) -> Json:
    """The validator may fetch nothing, from nowhere."""
    raise ValueError(f"schemas must hold all they need; got a reference to {uri}")


def compile_validator(schema: Json) -> Callable[[Json], bool]:
    """A fast yes or no for one schema."""
    validator = jsonschema_rs.Draft202012Validator(
        lean(schema),
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20),
    )
    return validator.is_valid


class _Ready:
    """What is prepared for one event type when its first event comes."""

    __slots__ = ("fits", "key", "wanted")

    def __init__(self, kind: EventType) -> None:
        self.fits = compile_validator(kind.schema)
        self.key = getter(kind.key)
        self.wanted: Tree = tree(kind.search_paths)


class Catalogue:
    """Event types by name. Safe to share between threads: what is prepared late is idempotent."""

    def __init__(self, types: Iterable[EventType]) -> None:
        self._types = {kind.name: kind for kind in types}
        self._ready: dict[str, _Ready] = {}

    def get(self, name: str) -> EventType | None:
        """The event type of that name, case-sensitive; None when there is none."""
        return self._types.get(name)

    def names(self) -> list[str]:
        """All names, sorted without regard to case."""
        return sorted(self._types, key=str.lower)

    def check(self, name: str, event: Json) -> list[Problem]:
        """What is wrong with a whole decoded event; empty means nothing. At most ten, worst first.

        Never raises, whatever the event holds.
        """
        ready = self._ready.get(name) or self._prepare(name)
        if ready is None:
            return [_unknown(name)]
        if ready.fits(event):
            return []
        return explain(event, self._types[name].schema)

    def key_of(self, name: str, event: Json) -> str | None:
        """The ordering key of the event as text; None when the event holds none."""
        ready = self._ready.get(name) or self._prepare(name)
        return None if ready is None else ready.key(event)

    def search_values(self, name: str, event: Json) -> list[str]:
        """The distinct texts that the event is found by, at most 256."""
        ready = self._ready.get(name) or self._prepare(name)
        if ready is None:
            return []
        found: list[object] = []
        gather(event, ready.wanted, found)
        return distinct_texts(found)

    def prepare_all(self) -> None:
        """Compile every event type now, so that no first event waits for it."""
        for name in self._types:
            self._prepare(name)

    def _prepare(self, name: str) -> _Ready | None:
        kind = self._types.get(name)
        if kind is None:
            return None
        return self._ready.setdefault(name, _Ready(kind))


def _unknown(name: str) -> Problem:
    shown = name if len(name) <= 40 else name[:40] + "…"
    expected = "the name of an event type"
    got = f'text "{shown}"'
    return Problem("eventName", expected, got, f"eventName must be {expected}; got {got}.")
