"""Of which events an action is: their types, and a filter of each. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tidings.catalogue.event_type import EventType
from tidings.core.actions.file.table import Table, View
from tidings.core.actions.file.templates import all_json
from tidings.core.event_path import EACH
from tidings.core.form import nearest
from tidings.core.shaping.filters.compiler import CompiledFilter, FilterRefused, Node
from tidings.core.shaping.shape_rules import judged_filter
from tidings.core.webhooks.event_name_rules import MORE_NAMES_MAX, PREFIXES_MAX, can_be_asked_for
from tidings.core.webhooks.name_matching import is_prefix
from tidings.values import describe_value

TYPES_MAX = 200
_FILTER = '{path = "data.tier", eq = "gold"}'


def types_in(table: Table) -> tuple[str, ...]:
    """Read the event types and prefixes of an action, each once. Unknown ones get a warning where
    the org takes such events, and are refused elsewhere."""
    if not table.need("types", '["customerAdded"]'):
        return ()
    kinds, admits = table.given.kinds, table.given.admits_unknown
    known = kinds.keys() | table.given.unusable
    found: list[str] = []
    for at, name in enumerate(table.texts("types", TYPES_MAX, '["customerAdded"]')):
        real = _real(name, kinds)
        if real in known or (is_prefix(real) and _covered(real, known)):
            found.append(real)
            continue
        near = nearest(name, kinds)
        if can_be_asked_for(name, kinds) and admits and (is_prefix(name) or not near):
            found.append(name)
            table.warn(
                "unheard_event_name",
                f"types[{at}]",
                f"types should contain names of known event types; got {describe_value(name)}. No "
                "events arrive under it until the org declares it, or sends it.",
            )
            continue
        table.refuse(
            "unknown_event_name",
            f"types[{at}]",
            "types must contain names of event types, or prefixes such as com.example.*; got "
            f"{describe_value(name)}.{near or ' `tidings events list` lists them.'}",
        )
    more, prefixes = sum(name not in kinds for name in found), sum(map(is_prefix, found))
    if more > MORE_NAMES_MAX or prefixes > PREFIXES_MAX:
        table.refuse(
            "too_many_event_names",
            "types",
            f"types must contain at most {MORE_NAMES_MAX} names of unknown types, and at most "
            f"{PREFIXES_MAX} prefixes; got {more}, with {prefixes} prefixes. Use a prefix that "
            "covers several.",
        )
    return tuple(dict.fromkeys(found))


def kinds_of(types: tuple[str, ...], kinds: Mapping[str, EventType]) -> tuple[EventType, ...]:
    """Return the types of all events that are heard by these names; none if not all are known."""
    found: dict[str, EventType] = {}
    for type_name in types:
        if is_prefix(type_name):
            found |= {name: kind for name, kind in kinds.items() if name.startswith(type_name[:-1])}
        elif type_name in kinds:
            found[type_name] = kinds[type_name]
        else:
            return ()
    return tuple(found.values())


def _real(name: str, kinds: Mapping[str, EventType]) -> str:
    """Return the name of the type that another name stands for; else the name itself."""
    if name in kinds:
        return kinds[name].name
    return next((kind.name for kind in kinds.values() if name in kind.aliases), name)


def _covered(prefix: str, kinds: Iterable[str]) -> bool:
    return any(name.startswith(prefix[:-1]) for name in kinds)


def filter_in(
    table: Table, field: str, example: str = _FILTER
) -> tuple[Mapping[str, Any], CompiledFilter] | None:
    """Read the filter in a field: as it is written, and compiled. None if there is none, or
    something else, which is reported."""
    value = table.body.get(field)
    if value is None:
        return None
    if not isinstance(value, dict):
        table.refuse(
            "bad_filter",
            field,
            f"{field} must be a table; got {describe_value(value)}. Write {example}.",
        )
        return None
    if not all_json(value):
        table.refuse(
            "bad_operand",
            field,
            f"{field} must contain texts, 64-bit numbers, booleans, lists and tables; got "
            "something else, such as a date. Put it in quotes.",
        )
        return None
    try:
        made = judged_filter(value, field)
    except FilterRefused as wrong:
        table.refuse(wrong.code, wrong.place, wrong.message)
        return None
    return value, made


def event_filter_in(table: Table, view: View) -> Mapping[str, Any] | None:
    """Read the filter of an action, which may use the event alone; other paths are reported. None
    if there is none."""
    if (found := filter_in(table, "filter")) is None:
        return None
    for node in tests_of(found[1].root):
        if str(node.steps[0]) in view.names:
            table.refuse(
                "bad_path",
                f"{node.place}.path",
                "The filter of an action must use only the event, such as data.tier; got "
                f"{describe_value(node.path)}. Begin at the envelope, or put it in unless.",
            )
        elif view.is_lost(f"event.{node.path}"):
            table.knows(f"{node.place}.path", f"event.{node.path}", view)
    return found[0]


def tests_of(node: Node) -> Iterator[Node]:
    """Yield the tests in a filter whose paths begin with a name."""
    if node.kind == "test" and node.steps[0] != EACH:
        yield node
    for inner in node.nodes:
        yield from tests_of(inner)
