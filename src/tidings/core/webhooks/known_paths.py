"""Paths that no event of a webhook's types has: most often a slip, and worth a word at the save.

A schema of the catalogue tells all fields that its events are known to have. One that an org wrote
may leave room for others, and JSON Schema does so wherever it is not told otherwise: only where it
closes an object, or says that a value is no object, is a path known to lead nowhere. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from tidings.catalogue.event_type import EventType, Json
from tidings.catalogue.schema import types_of
from tidings.catalogue.spellings import SourceStep, source_of
from tidings.catalogue.versions import VERSION_FIELD
from tidings.core.event_path import EACH, Path, read_path
from tidings.core.events.own_types import FAMILY
from tidings.core.shaping.filters.compiler import Node, compile_filter
from tidings.core.shaping.shape_rules import FIELDS, RENAME
from tidings.core.webhooks.fields import WebhookSettings
from tidings.errors import FieldRefusal
from tidings.values import describe_value

WARNINGS_MAX = 10
_ELSEWHERE = frozenset(
    "$ref allOf anyOf oneOf not if then else patternProperties dependentSchemas".split()
)


def unknown_paths(
    settings: WebhookSettings, kinds: Sequence[EventType]
) -> tuple[FieldRefusal, ...]:
    """Return a warning for each path of a webhook's filter, selection and new names that no event
    of these types can have, up to `WARNINGS_MAX`; none if there is no type to ask."""
    if not kinds:
        return ()
    lost = (
        _unknown(place, path, kinds)
        for place, path in _paths(settings)
        if (steps := read_path(path)) and not any(has_path(kind, steps) for kind in kinds)
    )
    return tuple(islice(lost, WARNINGS_MAX))


def unknown_key(kind: EventType) -> tuple[FieldRefusal, ...]:
    """Return a warning if an org's type is ordered by what its events cannot have; else nothing."""
    steps = read_path(re.sub(r"\[\d+\]", "[*]", kind.key))
    if steps is None or has_path(kind, steps):
        return ()
    return (
        FieldRefusal.build(
            "unknown_path",
            f"key should be a path that the schema has; got {describe_value(kind.key)}, which it "
            "rules out. "
            "Events without a key are sent in any order: name a field of the schema.",
            field="key",
        ),
    )


def has_path(kind: EventType, steps: Path) -> bool:
    """Return whether an event of this type may have something at a path."""
    return steps[0] == VERSION_FIELD or _leads(
        kind.schema, steps, own=kind.family == FAMILY and steps[0] == "data"
    )


def _leads(node: Json, steps: Path, *, own: bool) -> bool:
    for step in steps:
        if own and not _ELSEWHERE.isdisjoint(node):
            return True  # what holds there is said elsewhere
        types = types_of(node)
        if types and ("array" if step == EACH else "object") not in types:
            return False
        declared = node.get("properties", {})
        inner = node.get("items") if step == EACH else declared.get(step)
        if inner is None and isinstance(step, SourceStep):
            inner = declared.get(source_of(step))
        if inner is None and step != EACH:
            rest = node.get("additionalProperties")
            if rest is False:
                return False
            if not isinstance(rest, dict) and "properties" in node and not own:
                return False
            inner = rest
        if not isinstance(inner, dict):
            return inner is not False  # nothing is said of what stands there
        node = inner
    return True


def _paths(settings: WebhookSettings) -> Iterator[tuple[str, str]]:
    """Yield the place in the body and the path of each path."""
    if settings.filter is not None:
        yield from _tested([compile_filter(settings.filter).root])
    if (fields := settings.fields) is not None:
        for kind, paths in (("keep", fields.keep), ("drop", fields.drop)):
            yield from ((f"{FIELDS}.{kind}[{at}]", path) for at, path in enumerate(paths))
    yield from ((f"{RENAME}.{path[:64]}", path) for path in settings.rename)


def _tested(nodes: Iterable[Node]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if node.kind == "test":
            yield f"{node.place}.path", node.path
        yield from _tested(node.nodes)


def _unknown(place: str, path: str, kinds: Sequence[EventType]) -> FieldRefusal:
    names = [kind.label for kind in kinds]
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return FieldRefusal.build(
        "unknown_path",
        f"A path should be one that an event of the webhook's types has ({listed}); got "
        f"{describe_value(path)}, which none has. Check it against the schema: "
        f"GET /v3/webHooks/eventMetaData/{kinds[0].name}.",
        field=place,
    )
