"""The phases of the way of an event, and which modules of the service are of which.

A sample is of the phase of the innermost frame that the table knows: what a library does is its
caller's, and so is what many share (`SHARED`). The narrowest place that fits decides. A module of
ours that the table does not know is shown by its name, and so is a library that nobody of ours has
called. The loop itself is what its start in `tidings.app` does without any callback.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

OURS = "tidings."
UNKNOWN = "not in the table"


SHARED = frozenset(
    ("tidings.core.ids", "tidings.core.steady_clock", "tidings.core.times", "tidings.engine.clock")
)
"""Modules whose functions belong to whoever calls them."""


class Phase(NamedTuple):
    """One row: the part of the way, what is done there, and the places that are of it."""

    group: str
    name: str
    places: tuple[str, ...]


ACCEPT, DELIVERY, ENGINE, REST = "accept", "delivery", "engine", "rest"

MAIN = (
    Phase(
        ACCEPT,
        "HTTP",
        ("tidings.server", "tidings.api.http"),
    ),
    Phase(
        ACCEPT,
        "JSON, schema, envelope",
        (
            "tidings.catalogue",
            "tidings.core.events",
            "tidings.core.exact_json",
            "tidings.engine.events.event_types",
            "tidings.engine.events.intake",
            "tidings.engine.events.late_checks",
            "tidings.schema",
        ),
    ),
    Phase(
        ACCEPT,
        "digest, terms, key",
        (
            "tidings.catalogue.ordering",
            "tidings.catalogue.catalogue:Catalogue.key_of",
            "tidings.catalogue.catalogue:Catalogue.search_values",
            "tidings.core.events.terms",
            "tidings.engine.events.acceptor",
        ),
    ),
    Phase(
        ACCEPT,
        "write of the 202",
        (
            "tidings.api.http.refusals",
            "tidings.api.http.answer_headers",
            "tidings.server.writer",
            "tidings.server.call:AsgiCall.send",
            "tidings.server.call:DirectCall.answer",
            "tidings.server.connection:HttpConnection.start",
            "tidings.server.connection:HttpConnection.write",
            "tidings.server.connection:HttpConnection.answered",
        ),
    ),
    Phase(
        ACCEPT,
        "app",
        (
            "tidings.api",
            "tidings.app.faces:request_ids",
            "tidings.core.access",
            "tidings.engine.access",
        ),
    ),
    Phase(DELIVERY, "client", ("tidings.egress", "tidings.destinations")),
    Phase(
        DELIVERY,
        "answers",
        ("tidings.egress.answer", "tidings.destinations.http.verdicts"),
    ),
    Phase(
        DELIVERY,
        "ended",
        (
            "tidings.core.delivery.outcome",
            "tidings.core.delivery.receivers",
            "tidings.core.delivery.schedule",
            "tidings.core.delivery.statuses",
            "tidings.engine.delivery.attempt_results",
            "tidings.engine.delivery.breakers",
            "tidings.engine.delivery.guards",
            "tidings.engine.delivery.health_tracker",
            "tidings.engine.delivery.settler",
        ),
    ),
    Phase(
        DELIVERY,
        "slot, sign",
        (
            "tidings.core.delivery.turns",
            "tidings.core.shaping",
            "tidings.engine.delivery",
            "tidings.engine.delivery.guards.slot",
            "tidings.engine.shaping",
        ),
    ),
    Phase(
        DELIVERY,
        "hand-over",
        (
            "tidings.core.delivery.body_memory",
            "tidings.core.delivery.job",
            "tidings.core.delivery.lane",
            "tidings.core.delivery.learned_rate",
            "tidings.core.delivery.rate_limit",
            "tidings.engine.delivery.dispatcher",
            "tidings.engine.delivery.lanes",
            "tidings.engine.delivery.receipt_dispatch",
            "tidings.engine.delivery.runner",
        ),
    ),
    Phase(
        ENGINE,
        "commit queue, matching",
        (
            "tidings.core.shaping.filters",
            "tidings.core.webhooks",
            "tidings.engine.engine",
            "tidings.engine.events",
            "tidings.engine.listeners",
            "tidings.engine.metrics",
            "tidings.engine.outage",
        ),
    ),
    Phase(ENGINE, "line to the writer", ("tidings.store", "tidings.frames")),
    Phase(
        REST,
        "loop",
        ("tidings.app",),
    ),
    Phase(
        REST,
        "work beside the way",
        ("tidings.engine.heartbeats", "tidings.engine.retention", "tidings.engine.running"),
    ),
)

WRITER = (
    Phase("commit", "commit and sync", ("tidings.store.sql.writer:Writer.commit",)),
    Phase(
        "commit",
        "inserts",
        (
            "tidings.store.sql.writer",
            "tidings.store.sql.queries",
            "tidings.store.sql.writer_rows",
            "tidings.store.sql.events",
            "tidings.store.sql.delivery",
        ),
    ),
    Phase("commit", "checkpoints", ("tidings.store.sqlite.checkpoints",)),
    Phase(
        "commit",
        "values to and from the server",
        (
            "tidings.store.postgres.arrays",
            "tidings.store.postgres.batches",
            "tidings.store.postgres.binding",
            "tidings.store.postgres.values",
        ),
    ),
    Phase("commit", "statements, by the server", ("tidings.store.postgres",)),
    Phase("commit", "other tables", ("tidings.store.sqlite", "tidings.store.port")),
    Phase("commit", "rules", ("tidings.core",)),
    Phase("line", "hosting", ("tidings.store.hosting", "tidings.frames")),
)


def phase_of(stack: Sequence[str], phases: Sequence[Phase]) -> tuple[str, str]:
    """Return group and name of the phase that a stack of `module:function` is in."""
    places = _places(tuple(phases))
    for call in stack:
        module = call.partition(":")[0]
        if module in SHARED or not module.startswith(OURS):
            continue
        return _narrowest(call, places) or (UNKNOWN, module)
    return UNKNOWN, stack[0].partition(":")[0] if stack else "nothing of Python"


def _narrowest(call: str, places: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Look a call up by itself and by all that it is within, the narrowest first."""
    place = call
    while True:
        if (found := places.get(place)) is not None:
            return found
        cut = max(place.rfind("."), place.rfind(":"))
        if cut < 0:
            return None
        place = place[:cut]


_tables: dict[tuple[Phase, ...], dict[str, tuple[str, str]]] = {}


def _places(phases: tuple[Phase, ...]) -> dict[str, tuple[str, str]]:
    if phases not in _tables:
        _tables[phases] = {
            place: (phase.group, phase.name) for phase in phases for place in phase.places
        }
    return _tables[phases]
