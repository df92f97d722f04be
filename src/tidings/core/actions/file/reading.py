"""Reads a file of actions: all that it declares, or all that is wrong with it. Pure.

The content of other files that it names is asked for by a function; everything else that it is read
against is given (`table.py:Given`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tidings.core.actions.action import ActionLookup, Actions, CsvLookup
from tidings.core.actions.file import credentials, declared_actions, lookup_tables
from tidings.core.actions.file.acts.new_events import types_of
from tidings.core.actions.file.connected import DeclaredNames, connections_of
from tidings.core.actions.file.credentials import CREDENTIALS_MAX, credential_of
from tidings.core.actions.file.declared_actions import ACTIONS_MAX, actions_of
from tidings.core.actions.file.document import parsed
from tidings.core.actions.file.faults import MISSING, ActionsFileFault, Faults
from tidings.core.actions.file.likely_slips import warn_of_texts
from tidings.core.actions.file.lookup_tables import LOOKUPS_MAX, lookup_of
from tidings.core.actions.file.sourced import source_of
from tidings.core.actions.file.table import Given, Table
from tidings.core.actions.file.toml_places import Path
from tidings.core.actions.list_changes import ReadColumns
from tidings.core.connections.connection import Connection
from tidings.core.connections.references import fill
from tidings.core.events.own_types import ParsedTypeBody
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.core.picks import steps_of
from tidings.core.sources.source import Source
from tidings.values import describe_value

_SECTIONS = ("org", "source", "types", "connections", "credentials", "lookups", "actions")


class ActionsFile(msgspec.Struct, frozen=True):
    """The declarations of a file of actions."""

    org: OrgId
    actions: Actions
    lookups: Mapping[str, ActionLookup]  # all of them, also those that no action uses
    connections: Mapping[str, Connection]  # its own; actions may name others besides
    source: Source | None = None
    declares_pause: bool = False  # whether it says of the source if that is paused
    types: Mapping[str, ParsedTypeBody] = {}  # of events of the org's own
    warnings: tuple[ActionsFileFault, ...] = ()
    columns: Mapping[str, ReadColumns] = {}  # that are read of lists, by look-up

    def __repr__(self) -> str:
        """Show it without what actions hold, some of which is secret."""
        return f"ActionsFile(org={self.org}, actions={list(self.actions)!r})"


def read_actions(document: str, file: str, given: Given) -> ActionsFile | list[ActionsFileFault]:
    """Read a file of actions; return what it declares, or all that is wrong with it, which calls it
    `file`."""
    read = parsed(document, file)
    if isinstance(read, ActionsFileFault):
        return [read]
    body, places = read
    filled = fill(body, given.environment, given.read)
    taken = {path: str(_found(filled.document, path)) for path in filled.references}
    for table in filled.missing:
        del taken[table.path]
    faults = Faults(file, places, filled.references, taken)
    for table in filled.missing:
        last = next(step for step in reversed(table.path) if isinstance(step, str))
        faults.refuse(MISSING, table.path, f"{last} {table.message}")
    made = _read(Table(given, faults, (), filled.document))
    if faults.refused:
        return sorted(faults.refused, key=ActionsFileFault.place)
    return msgspec.structs.replace(
        made, warnings=tuple(sorted(faults.odd, key=ActionsFileFault.place))
    )


def _found(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _read(table: Table) -> ActionsFile:
    """Read all sections of a file, each before those that name what is in it."""
    table.refuse_unknown(_SECTIONS)
    org = _org(table)
    source, pause_fault = source_of(table.table("source", "[source]"))
    types = types_of(table.table("types", "[types.NAME]"))
    kinds = {name: reading.made.kind for name, reading in types.items()}
    type_names = _names(table, "types")
    table.given = msgspec.structs.replace(
        table.given,
        kinds={**table.given.kinds, **kinds},
        unusable=frozenset(type_names) - kinds.keys(),
    )
    own = connections_of(table.table("connections", "[connections.NAME]"))
    declared = DeclaredNames({**table.given.connections, **own}, OrgId(org), type_names)
    names = (credentials.NAME, credentials.NAME_MUST)
    declared.credentials |= dict.fromkeys(_names(table, "credentials"))
    for name, inner in table.named_tables("credentials", *names, CREDENTIALS_MAX):
        declared.credentials[name] = credential_of(inner)
    names = (lookup_tables.NAME, lookup_tables.NAME_MUST)
    declared.lookups |= dict.fromkeys(_names(table, "lookups"))
    known = tuple(declared.lookups)
    for name, inner in table.named_tables("lookups", *names, LOOKUPS_MAX):
        declared.lookups[name] = lookup_of(name, inner, known, declared)
    if not table.body.get("actions"):
        table.refuse(
            "field_missing",
            "actions",
            "The file must declare an action; got none. Write [actions.welcome].",
        )
    names = (declared_actions.NAME, declared_actions.NAME_MUST)
    tables = dict(table.named_tables("actions", *names, ACTIONS_MAX))
    actions = actions_of(tables, declared)
    warn_of_texts(table, known)
    _warn_of_unused(
        table,
        {
            "lookups": declared.lookups,
            "credentials": declared.credentials,
            "connections": own,
        },
    )
    return ActionsFile(
        org=OrgId(org),
        actions=actions,
        lookups={name: lookup for name, lookup in declared.lookups.items() if lookup is not None},
        connections={name: reading for name, reading in own.items() if reading is not None},
        source=source,
        declares_pause=pause_fault,
        types=types,
        columns={
            name: ReadColumns(
                _columns_of(name, table.faults.read_paths),
                _columns_of(name, table.faults.zone_paths),
            )
            for name, lookup in declared.lookups.items()
            if lookup is not None and isinstance(lookup.where, CsvLookup)
        },
    )


def _columns_of(lookup: str, paths: Iterable[str]) -> frozenset[str]:
    """Return the columns of a list that paths lead to."""
    ways = [steps_of(path) for path in paths if path]
    return frozenset(str(way[1]) for way in ways if len(way) > 1 and way[0] == lookup)


def _names(table: Table, section: str) -> list[str]:
    """List all names that a section declares, also of what cannot be used: that is reported where
    it stands, and not once more by all that name it."""
    names = table.body.get(section)
    return list(names) if isinstance(names, dict) else []


def _org(table: Table) -> int:
    if not table.need("org", "the id of the org whose events these are, as 2001"):
        return 0
    value = table.body["org"]
    if type(value) is int and 0 < value <= ORG_ID_MAX:
        return value
    table.refuse(
        "bad_org_id",
        "org",
        f"org must be a whole number from 1 to {ORG_ID_MAX}; got {describe_value(value)}. Write "
        "the id of "
        "the org whose events these are.",
    )
    return 0


def _warn_of_unused(table: Table, declared: Mapping[str, Mapping[str, object]]) -> None:
    """Warn of what is declared and named nowhere: most often a slip."""
    body = table.body
    named = {
        "lookups": {*_texts_of(body.get("actions"), "lookups")},
        "credentials": {*_texts_of(body, "credential")},
        "connections": {*_texts_of(body, "connection")},
    }
    for section, names in declared.items():
        for name in names:
            if name not in named[section]:
                table.warn(
                    "unused",
                    f"{section}.{name}",
                    f"{name} should be used by something in the file; got nothing that uses it. "
                    "Use it, or remove it.",
                )


def _texts_of(value: Any, field: str) -> Iterator[str]:
    """Yield all texts in fields of a name, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == field:
                every = inner if isinstance(inner, list) else [inner]
                yield from (part for part in every if isinstance(part, str))
            yield from _texts_of(inner, field)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_of(inner, field)
