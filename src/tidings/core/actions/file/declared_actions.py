"""The actions of a file, one by one and as they need each other. Pure."""

import re
from collections.abc import Mapping

from tidings.core.actions.action import ANSWER_KIB, EVENT, Action, TableRowAct
from tidings.core.actions.file.acts.acts import KINDS, acts_in
from tidings.core.actions.file.acts.new_events import check_rings
from tidings.core.actions.file.connected import DeclaredNames
from tidings.core.actions.file.heard import event_filter_in, kinds_of, types_in
from tidings.core.actions.file.likely_slips import warn_of_lost_lookups
from tidings.core.actions.file.lookup_tables import kib_of, uses
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.actions.file.when import (
    AFTER_MAX_S,
    PACE_FIELDS,
    cap_in,
    pace_in,
    quiet_in,
    unless_in,
)
from tidings.core.connections.tables import tables_of
from tidings.core.form import nearest
from tidings.core.webhooks.name_matching import both_ask
from tidings.values import describe_value

ACTIONS_MAX = 200
LOOKUPS_MAX = 20  # of one action
RECORDS_KIB_MAX = LOOKUPS_MAX * ANSWER_KIB  # of one action together, whatever each may be
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
NAME_MUST = "1 to 63 of a-z, 0-9 and -, beginning and ending with none of -"
_FIELDS = (
    *"types filter lookups unless needs after quiet cap language languages anew".split(),
    *PACE_FIELDS,
    *KINDS,
)


def actions_of(tables: Mapping[str, Table], declared: DeclaredNames) -> dict[str, Action]:
    """Read the actions that these tables declare, by name; what is wrong with them is reported."""
    found = {
        name: made
        for name, table in tables.items()
        if (made := _action(name, table, tables, declared)) is not None
    }
    _check_needs(tables)
    check_rings(tables, found)
    _warn_of_lost_rows(tables, found, declared)
    views = {
        name: View((), kinds_of(action.types, tables[name].given.kinds))
        for name, action in found.items()
    }
    warn_of_lost_lookups(tables, found, views)
    for name, action in found.items():
        other = found.get(action.needs)
        if other is not None and not both_ask(action.types, other.types):
            tables[name].warn(
                "unreached",
                "needs",
                "needs should name an action that is triggered by the same events; got "
                f"{action.needs}, which is triggered by others, so this one never runs. Give both "
                "the same types.",
            )
    return found


def _action(
    name: str, table: Table, tables: Mapping[str, Table], declared: DeclaredNames
) -> Action | None:
    table.refuse_unknown(_FIELDS)
    types = types_in(table)
    names = _lookups_in(table, declared)
    view = View(names, kinds_of(types, table.given.kinds))
    pace = pace_in(table)
    acts = acts_in(table, view, declared)
    lookups = [declared.lookups[name] for name in names]
    made = Action(
        name,
        types,
        acts,
        filter=event_filter_in(table, view),
        lookups=tuple(lookup for lookup in lookups if lookup is not None),
        unless=unless_in(table, view),
        needs=_needs_in(name, table, tables),
        after_s=table.duration("after", 0.0, AFTER_MAX_S, 0.0),
        quiet=quiet_in(table, view),
        cap=cap_in(table, view),
        language=table.seen("language", view),
        ordering=pace.ordering,
        at_once=pace.at_once,
        rate_per_s=pace.rate_per_s,
        deadline_s=pace.deadline_s,
        anew=table.flag("anew", False),
        again=pace.again,
        never=pace.never,
    )
    if len(acts) > 1 and not table.body.get("language"):
        table.refuse(
            "field_missing",
            "language",
            "language must say where the customer's language is found when languages is set; got "
            'nothing. Write language = "contact.language".',
        )
    return made if acts else None


def _lookups_in(table: Table, declared: DeclaredNames) -> tuple[str, ...]:
    """Read the look-ups of an action, each after those that it uses itself."""
    found: list[str] = []
    for number, name in enumerate(table.texts("lookups", LOOKUPS_MAX, '["contact"]')):
        if name not in declared.lookups:
            near = nearest(name, declared.lookups)
            if near:  # so that what is made of it is not told too
                found.append(near.removeprefix(" Did you mean ").removesuffix("?"))
            known = listed(declared.lookups) if declared.lookups else "declared in [lookups.NAME]"
            table.refuse(
                "unknown_lookup",
                f"lookups[{number}]",
                f"lookups must name those of the file: {known}; got {describe_value(name)}."
                f"{near or ' Declare it.'}",
            )
            continue
        lookup = declared.lookups[name]
        for root in dict.fromkeys(() if lookup is None else uses(lookup).values()):
            if root != EVENT and root not in found:
                table.refuse(
                    "lookup_order",
                    f"lookups[{number}]",
                    f"lookups must name {root} before {name}, which is asked by what {root} finds; "
                    f"got {listed([*found, name], 'and')}. Write it before.",
                )
        found.append(name)
    made = [declared.lookups[name] for name in found]
    if (kib := sum(kib_of(lookup) for lookup in made if lookup is not None)) > RECORDS_KIB_MAX:
        table.refuse(
            "out_of_range",
            "lookups",
            f"lookups must find at most {RECORDS_KIB_MAX} KiB together; got {kib} KiB, by the "
            f"answer_kib of each, which is {ANSWER_KIB} where it is left out. Lower one of them, "
            "or write two actions.",
        )
    return tuple(found)


def _needs_in(name: str, table: Table, tables: Mapping[str, Table]) -> str:
    value = table.body.get("needs")
    if value is None:
        return ""
    if isinstance(value, str) and value in tables and value != name:
        return value
    others = [table for table in tables if table != name]
    table.refuse(
        "unknown_action",
        "needs",
        f"needs must name another action of the file; got {describe_value(value)}."
        f"{nearest(str(value), others) or ' Declare it, or leave needs out.'}",
    )
    return ""


def _check_needs(tables: Mapping[str, Table]) -> None:
    """Refuse actions that wait for themselves by way of others."""
    ended: set[str] = set()
    for first in tables:
        way: list[str] = []
        name: object = first
        while isinstance(name, str) and name in tables and name not in ended and name not in way:
            way.append(name)
            name = tables[name].body.get("needs")
        if isinstance(name, str) and name in way and len(way) > way.index(name) + 1:
            ring = [*way[way.index(name) :], name]
            tables[name].refuse(
                "needs_ring",
                "needs",
                f"needs must end at an action that needs none; got {' → '.join(ring)}. Remove one "
                "of them.",
            )
        ended.update(way)


def _warn_of_lost_rows(
    tables: Mapping[str, Table], actions: Mapping[str, Action], declared: DeclaredNames
) -> None:
    """Warn of actions that write the same row of a table for one event: it is known by its
    message's id alone, whoever writes it."""
    before: dict[tuple[str, str], list[Action]] = {}
    for name, action in actions.items():
        if not isinstance(row := action.acts.get(""), TableRowAct):
            continue
        connection = declared.connections.get(row.connection)
        table = (
            None
            if connection is None
            else tables_of(connection.fields, declared.org).get(row.table)
        )
        if table is None or table.key or not table.id:
            continue
        others = before.setdefault((row.connection, row.table), [])
        for other in others:
            if both_ask(action.types, other.types):
                tables[name].warn(
                    "lost_row",
                    "row",
                    f"row should be of a table that has a key, since {other.name} writes to it for "
                    f"the same events; got {row.table}, whose rows are known by the event alone: "
                    "of two the second is lost. Declare a key, or another table.",
                )
                break
        others.append(action)
