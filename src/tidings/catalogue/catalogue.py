"""The event types together, with the three questions that the accept path asks of each event.

Measured with timeit (best of 7 × 20,000 calls, CPython 3.11, jsonschema-rs 0.60, a two-core machine
shared with other work, so repeated runs differ; µs a call, decoded dict in):

    event                          check   key_of   search_values (enriched / thin identifiers)
    pointsIssued, 1.7 KB           2.6-2.7   0.6      3.9-4.6 / 3.0-3.9
    transactionAdded, 1.0 KB       1.8-2.6   0.5-0.9  3.0-5.1 / 1.9-2.5
    customerUpdated, 1.2 KB        1.9-2.4   0.5-0.7  2.7-4.0 / 1.7-2.0

Of search_values 0.5 µs are for the entities of events that have them, 0.1 µs for spellings.

An event that is refused costs 72-103 µs: it is walked once more to say why. Files are
read in 25-30 ms; compiling all 77 validators takes 43-55 ms and is done type by type at first use.
A msgspec.convert fast path was no faster than jsonschema-rs (4.4 against 3.8 µs on the same event).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import jsonschema_rs

from tidings.catalogue.event_type import EventType, Json, SchemaViolation
from tidings.catalogue.event_warnings import EventWarnings
from tidings.catalogue.explain import explain
from tidings.catalogue.ordering import key_getter
from tidings.catalogue.paths import Tree, distinct_texts, gather, tree
from tidings.catalogue.schema import lean
from tidings.catalogue.versions import FIRST, pick


def _refuse(uri: str) -> Json:
    """Refuse to fetch a schema: the validator may fetch nothing, from nowhere. Always raises
    ValueError."""
    raise ValueError(f"schemas must hold all they need; got a reference to {uri}")


def compile_validator(schema: Json) -> Callable[[Json], bool]:
    """Compile a fast yes or no for one schema."""
    validator = jsonschema_rs.Draft202012Validator(
        lean(schema),
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20),
    )
    return validator.is_valid


class CatalogueVersion:
    """One version of the catalogue's event types (`versions.ReadyVersion`).

    What it needs is prepared when its first event comes. Safe to share between threads: preparing
    is idempotent.
    """

    __slots__ = ("_fits", "_key", "_wanted", "warnings", "kind")

    def __init__(self, kind: EventType) -> None:
        self.kind = kind
        self._fits: Callable[[Json], bool] | None = None
        self._key: Callable[[Json], str | None] = key_getter(kind)
        self._wanted: Tree = tree(kind.search_paths)
        self.warnings: Callable[[Json], Sequence[str]] = EventWarnings(kind).finder()

    def prepare(self) -> Callable[[Json], bool]:
        """Compile the validator now, so that no first event waits for it."""
        self._fits = fits = compile_validator(self.kind.schema)
        return fits

    def check(self, event: Json) -> list[SchemaViolation]:
        """See `Version`. Worst first."""
        fits = self._fits or self.prepare()
        if fits(event):
            return []
        if event.get("eventName") in self.kind.aliases:
            event = {**event, "eventName": self.kind.name}
            if fits(event):
                return []
        return explain(event, self.kind.schema, compile_validator)

    def key_of(self, event: Json) -> str | None:
        return self._key(event)

    def search_values(self, event: Json) -> list[str]:
        found: list[object] = []
        gather(event, self._wanted, found)
        return distinct_texts(found)


class Catalogue:
    """Event types by name, each with its versions. Safe to share between threads."""

    def __init__(self, types: Iterable[EventType]) -> None:
        self._types: dict[str, dict[int, CatalogueVersion]] = {}
        self.aliases: dict[str, str] = {}  # the name of the type that each stands for
        for kind in types:
            self._types.setdefault(kind.name, {})[kind.version] = CatalogueVersion(kind)
            self.aliases |= dict.fromkeys(kind.aliases, kind.name)

    def get(self, name: str, version: int | None = None) -> EventType | None:
        """Return the event type of that name, case-sensitive, in its newest version unless one is
        named; None when there is none. An alias is no name: see `alias_of`."""
        versions = self._types.get(name)
        if versions is None:
            return None
        found = versions.get(max(versions) if version is None else version)
        return None if found is None else found.kind

    def alias_of(self, name: str) -> str | None:
        """Return the type that events of this name are of, where it is not the type's own name: no
        type is offered under it, and its events keep it. None for every other name."""
        return self.aliases.get(name)

    def names(self) -> list[str]:
        """Return all names, sorted without regard to case."""
        return sorted(self._types, key=str.lower)

    def kinds(self) -> list[EventType]:
        """Return every version of every type, by name and then the oldest first."""
        return [
            self._types[name][version].kind
            for name in self.names()
            for version in sorted(self._types[name])
        ]

    def versions(self, name: str) -> Mapping[int, CatalogueVersion] | None:
        """Return a type's versions, for the accept path; None where there is no such type."""
        return self._types.get(name)

    def check(self, name: str, event: Json) -> list[SchemaViolation]:
        """List what is wrong with a whole decoded event; empty means nothing. At most ten, worst
        first.

        Never raises, whatever the event holds.
        """
        made = self._of(name, event)
        return [_unknown(name)] if made is None else made.check(event)

    def key_of(self, name: str, event: Json) -> str | None:
        """Return the ordering key of the event as text; None when the event holds none."""
        made = self._of(name, event)
        return None if made is None else made.key_of(event)

    def search_values(self, name: str, event: Json) -> list[str]:
        """Return the distinct texts that the event is found by, at most 256."""
        made = self._of(name, event)
        return [] if made is None else made.search_values(event)

    def prepare_all(self) -> None:
        """Compile every event type now, so that no first event waits for it."""
        for versions in self._types.values():
            for made in versions.values():
                if made._fits is None:
                    made.prepare()

    def _of(self, name: str, event: Json) -> CatalogueVersion | None:
        versions = self._types.get(name)
        if versions is None:
            return None
        return versions[FIRST] if len(versions) == 1 else pick(versions, event)


def _unknown(name: str) -> SchemaViolation:
    shown = name if len(name) <= 40 else name[:40] + "…"
    expected = "the name of an event type"
    got = f'text "{shown}"'
    return SchemaViolation(
        "eventName", expected, got, message=f"eventName must be {expected}; got {got}."
    )
