"""The act `event`: events of a type that the file declares, and the types that it does. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.catalogue import envelope
from tidings.core.actions.action import EACH, Action, NewEvents, TemplatedText, within
from tidings.core.actions.file.connected import DeclaredNames
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.actions.file.templates import part_in
from tidings.core.events.own_types import ParsedTypeBody, read_own_type
from tidings.core.form import nearest
from tidings.core.webhooks.name_matching import both_ask
from tidings.values import describe_value

TYPES_MAX = 50
_DATA = '{role = {path = "each.role"}}'


def types_of(table: Table | None) -> dict[str, ParsedTypeBody]:
    """Read `[types.NAME]`, by name; what is wrong with one is told."""
    if table is None:
        return {}
    if len(table.body) > TYPES_MAX:
        table.refuse(
            "too_many",
            "",
            f"types must contain at most {TYPES_MAX} tables; got {len(table.body)}. Declare the "
            "others by PUT /v1/eventTypes.",
        )
        return {}
    found: dict[str, ParsedTypeBody] = {}
    for name in table.body:
        if (inner := table.table(name, f"[types.{name}]")) is None:
            continue
        if name in table.given.kinds:
            table.refuse(
                "event_name_taken",
                name,
                f"A type must have a name that no event type has; got {describe_value(name)}. "
                "Rename it.",
            )
            continue
        made = read_own_type(name, inner.body, envelope())
        if isinstance(made, ParsedTypeBody):
            found[name] = made
            continue
        for type_table in made:
            message = type_table.message.rpartition(" (")[0]
            inner.refuse(
                type_table.code, type_table.field if type_table.field in inner.body else "", message
            )
    return found


def events_of(table: Table, view: View, declared: DeclaredNames) -> NewEvents | None:
    """Read the events that a table declares. What is wrong is reported; None comes back if there
    are none."""
    table.refuse_unknown(("type", "each", "data"))
    there = [table.need("type", '"groupMemberTierDue"'), table.need("data", _DATA)]
    name, each = table.body.get("type"), table.seen("each", view)
    if there[0] and (not isinstance(name, str) or name not in declared.types):
        known = f": {listed(declared.types)}" if declared.types else ", and none is declared"
        table.refuse(
            "unknown_event_name",
            "type",
            f"type must be one that the file declares in [types.NAME]{known}; got "
            f"{describe_value(name)}."
            f"{nearest(str(name), declared.types) or ' Declare it.'}",
        )
    data = table.body.get("data")
    if data is not None and not isinstance(data, dict):
        table.refuse(
            "bad_type", "data", f"data must be a table; got {describe_value(data)}. Write {_DATA}."
        )
    within_each = msgspec.structs.replace(view, lookups=(*view.lookups, EACH)) if each else view
    made = part_in(table, "data", within_each)
    if made is None or not all(there) or not isinstance(name, str):
        return None
    _refuse_templates_of_each(table, made)
    return NewEvents(name, made, each)


def _refuse_templates_of_each(table: Table, part: Any) -> None:
    if isinstance(part, TemplatedText):
        names = table.given.check_template(part.template)
        if not isinstance(names, str) and EACH in {name.partition(".")[0] for name in names}:
            table.refuse(
                "unknown_name",
                "data",
                f"data must have what stands in {EACH} by paths alone; got a template of it. "
                f'Write {{path = "{EACH}.…"}}.',
            )
    for inner in within(part):
        _refuse_templates_of_each(table, inner)


def check_rings(tables: Mapping[str, Table], actions: Mapping[str, Action]) -> None:
    """Refuse every action that is begun by what it brings about itself, however many others are
    between."""
    heard_by = {
        name: [other.name for other in actions.values() if _begins(action, other)]
        for name, action in actions.items()
    }
    for first in actions:
        way, seen = [*heard_by[first]], set[str]()
        while way:
            if (name := way.pop()) == first:
                tables[first].refuse(
                    "event_ring",
                    "event",
                    "An action must not be triggered by its own effects; it is, by its events, and "
                    "would loop forever. Give it other types.",
                )
                break
            if name not in seen:
                seen.add(name)
                way += heard_by[name]


def _begins(one: Action, other: Action) -> bool:
    """Return whether an action hears events that another one makes."""
    made = [act.type for act in one.acts.values() if isinstance(act, NewEvents)]
    return bool(made and both_ask(tuple(made), other.types))
