"""Reads a file of actions: all that it declares, or all that is wrong with it. Pure.

The content of other files that it names is asked for by a function; everything else that it is read
against is given (`table.py:Given`).
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.core.actions.action import Action, Actions, Credential, Lookup
from tidings.core.actions.acts import KINDS, acts_in
from tidings.core.actions.connected import connections_of
from tidings.core.actions.credentials import (
    CREDENTIALS_MAX,
    credential_of,
)
from tidings.core.actions.credentials import (
    NAME as CREDENTIAL_NAME,
)
from tidings.core.actions.credentials import (
    NAME_MUST as CREDENTIAL_MUST,
)
from tidings.core.actions.faults import Fault, Faults, at
from tidings.core.actions.lookup_tables import LOOKUPS_MAX, NAME, NAME_MUST, lookup_of, uses
from tidings.core.actions.sourced import source_of
from tidings.core.actions.table import Given, Table, View, listed
from tidings.core.actions.toml_places import DEPTH_MAX, Path, Place, Places, find_places
from tidings.core.actions.when import (
    AFTER_MAX_S,
    PACE_FIELDS,
    cap_in,
    event_filter_in,
    kinds_of,
    pace_in,
    quiet_in,
    types_in,
    unless_in,
)
from tidings.core.connections.connection import Connection
from tidings.core.form import came, nearest
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.core.references import fill
from tidings.core.sources.source import Source
from tidings.core.webhooks.name_matching import both_ask

FILE_BYTES_MAX = 1 << 20
ACTIONS_MAX = 200
LOOKUPS_OF_ACTION_MAX = 20
ACTION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SECTIONS = ("org", "source", "connections", "credentials", "lookups", "actions")
_FIELDS = (
    *"types filter lookups unless needs after quiet cap language languages".split(),
    *PACE_FIELDS,
    *KINDS,
)
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class ActionsFile(msgspec.Struct, frozen=True):
    """What a file of actions declares."""

    org: OrgId
    actions: Actions
    lookups: Mapping[str, Lookup]  # all of them, also those that no action uses
    connections: Mapping[str, Connection]  # its own; actions may name others besides
    source: Source | None = None
    pause_said: bool = False  # whether it says of the source if that is paused
    warnings: tuple[Fault, ...] = ()

    def __repr__(self) -> str:
        """Without what actions hold, some of which is secret."""
        return f"ActionsFile(org={self.org}, actions={list(self.actions)!r})"


def read_actions(document: str, file: str, given: Given) -> ActionsFile | list[Fault]:
    """What the text of a file declares; or all that is wrong with it, which calls it `file`."""
    read = _parsed(document, file)
    if isinstance(read, Fault):
        return [read]
    body, places = read
    filled = fill(body, given.environment, given.read)
    values = {path: str(_at(filled.document, path)) for path in filled.references}
    faults = Faults(file, places, filled.references, values)
    for one in filled.missing:
        last = next(step for step in reversed(one.path) if isinstance(step, str))
        faults.refuse("missing_reference", one.path, f"{last} {one.said}")
    made = _Reader(Table(given, faults, (), filled.document)).read()
    if faults.refused:
        return faults.refused
    assert made is not None
    return msgspec.structs.replace(made, warnings=tuple(faults.odd))


def _parsed(document: str, file: str) -> tuple[dict[str, Any], Places] | Fault:
    """The tables of a document, and where they stand; or why it is none."""
    if (size := len(document.encode("utf-8", "surrogatepass"))) > FILE_BYTES_MAX:
        said = (
            f"The file must have at most {FILE_BYTES_MAX} bytes; got {size}. Put its templates "
            "into files of their own."
        )
        return at(Place(1, 1), file, "too_large", said)
    places = find_places(document)
    if places.too_deep is not None:
        said = f"Tables and lists must be at most {DEPTH_MAX} deep; got more. Flatten them."
        return at(places.too_deep, file, "too_deep", said)
    try:
        return tomllib.loads(document), places
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        place = Place(int(found[1]), int(found[2])) if found and found[1] else _end(document)
        reason = _AT.sub("", str(error)).replace("Invalid", "no").replace("invalid", "other")
        said = f"The file must be TOML; got something else: {reason}. Mend it here."
        return at(place, file, "bad_toml", said)
    except ValueError:  # a number of more digits than Python reads
        said = "Numbers must have at most 18 digits; got more. Write it as a text."
        return at(Place(1, 1), file, "bad_toml", said)


def _end(document: str) -> Place:
    lines = document.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


class _Reader:
    """Reads one file, section by section."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._credentials: dict[str, Credential | None] = {}
        self._connections: dict[str, Connection | None] = {}
        self._lookups: dict[str, Lookup | None] = {}

    def read(self) -> ActionsFile | None:
        table = self._table
        table.refuse_unknown(_SECTIONS)
        org = self._org()
        source, pause_said = source_of(table.table("source", '[source]\nname = "platform"'))
        own = connections_of(table.table("connections", "[connections.NAME]"))
        self._connections = {**table.given.connections, **own}
        for name, inner in table.named_tables(
            "credentials", CREDENTIAL_NAME, CREDENTIAL_MUST, CREDENTIALS_MAX
        ):
            self._credentials[name] = credential_of(inner)
        self._read_lookups()
        actions = self._actions()
        self._warn_of_unused(own)
        if table.faults.refused:
            return None
        return ActionsFile(
            OrgId(org),
            actions,
            {name: one for name, one in self._lookups.items() if one is not None},
            {name: one for name, one in own.items() if one is not None},
            source,
            pause_said,
        )

    def _org(self) -> int:
        if not self._table.need("org", "the id of the org whose events these are, as 2001"):
            return 0
        value = self._table.body["org"]
        if type(value) is int and 0 < value <= ORG_ID_MAX:
            return value
        self._table.refuse(
            "bad_org_id",
            "org",
            f"org must be a whole number from 1 to {ORG_ID_MAX}; got {came(value)}. Write the id "
            "of the org whose events these are.",
        )
        return 0

    def _read_lookups(self) -> None:
        tables = dict(self._table.named_tables("lookups", NAME, NAME_MUST, LOOKUPS_MAX))
        for name, inner in tables.items():
            self._lookups[name] = lookup_of(
                name, inner, tuple(tables), self._credentials, self._connections
            )

    # -- actions ----------------------------------------------------------------------------------

    def _actions(self) -> dict[str, Action]:
        if self._table.body.get("actions") is None:
            self._table.refuse(
                "field_missing",
                "",
                "The file must declare an action; got none. Write [actions.welcome].",
            )
        must = "1 to 63 of a-z, 0-9 and -"
        tables = dict(self._table.named_tables("actions", ACTION_NAME, must, ACTIONS_MAX))
        found: dict[str, Action] = {}
        for name, table in tables.items():
            made = self._action(name, table, tables)
            if made is not None:
                found[name] = made
        self._check_needs(found, tables)
        return found

    def _action(self, name: str, table: Table, all: Mapping[str, Table]) -> Action | None:
        table.refuse_unknown(_FIELDS)
        types = types_in(table)
        kinds = kinds_of(types, table.given.kinds)
        names = self._named_lookups(table)
        view = View(names, kinds)
        pace = pace_in(table)
        made = acts_in(table, view, self._connections, self._credentials)
        filter = event_filter_in(table, view)
        lookups = [self._lookups.get(one) for one in names]
        found = Action(
            name,
            types,
            made,
            filter=filter,
            lookups=tuple(one for one in lookups if one is not None),
            unless=unless_in(table, view),
            needs=self._needs(name, table, all),
            after_s=table.duration("after", 0.0, AFTER_MAX_S, 0.0),
            quiet=quiet_in(table, view),
            cap=cap_in(table, view),
            language=table.seen("language", view),
            ordering=pace.ordering,
            at_once=pace.at_once,
            rate_per_s=pace.rate_per_s,
            deadline_s=pace.deadline_s,
            again=pace.again,
            never=pace.never,
        )
        if len(made) > 1 and not table.body.get("language"):
            table.refuse(
                "field_missing",
                "language",
                "language must say where the customer's language is found, beside languages; got "
                'nothing. Write language = "contact.language".',
            )
        return found if "" in made else None

    def _named_lookups(self, table: Table) -> tuple[str, ...]:
        """The look-ups of an action, each after those that it uses itself."""
        found: list[str] = []
        for at_, name in enumerate(table.texts("lookups", LOOKUPS_OF_ACTION_MAX, '["contact"]')):
            if name not in self._lookups:
                known = listed(self._lookups) if self._lookups else "declared in [lookups.NAME]"
                table.refuse(
                    "unknown_lookup",
                    f"lookups[{at_}]",
                    f"lookups must name those of the file: {known}; got {came(name)}."
                    f"{nearest(name, self._lookups) or ' Declare it.'}",
                )
                continue
            lookup = self._lookups[name]
            for root in dict.fromkeys(() if lookup is None else uses(lookup).values()):
                if root != "event" and root not in found:
                    table.refuse(
                        "lookup_order",
                        f"lookups[{at_}]",
                        f"lookups must name {root} before {name}, which is asked by what it finds; "
                        f"got {came(table.body['lookups'])}. Write it before.",
                    )
            found.append(name)
        return tuple(found)

    @staticmethod
    def _needs(name: str, table: Table, all: Mapping[str, Table]) -> str:
        value = table.body.get("needs")
        if value is None:
            return ""
        if isinstance(value, str) and value in all and value != name:
            return value
        others = [one for one in all if one != name]
        table.refuse(
            "unknown_action",
            "needs",
            f"needs must name another action of the file; got {came(value)}."
            f"{nearest(str(value), others) or ' Declare it, or leave needs out.'}",
        )
        return ""

    @staticmethod
    def _check_needs(found: Mapping[str, Action], tables: Mapping[str, Table]) -> None:
        """No action waits for itself, nor for one that hears none of its events."""
        ended: set[str] = set()
        for name in found:
            way: list[str] = []
            while name and name in found and name not in ended and name not in way:
                way.append(name)
                name = found[name].needs  # noqa: PLW2901  # one step on the way
            if name in way:
                ring = [*way[way.index(name) :], name]
                tables[name].refuse(
                    "needs_ring",
                    "needs",
                    f"needs must end at an action that needs none; got {' → '.join(ring)}. Take "
                    "one of them out.",
                )
            ended.update(way)
        for name, one in found.items():
            other = found.get(one.needs)
            if other is not None and not both_ask(one.types, other.types):
                tables[name].warn(
                    "unreached",
                    "needs",
                    f"needs should name an action that hears the same events; got {one.needs}, "
                    "which hears others, so this one is never done. Give both the same types.",
                )

    # -- what is odd ------------------------------------------------------------------------------

    def _warn_of_unused(self, own: Mapping[str, Connection | None]) -> None:
        """What is declared and named nowhere is most often a slip."""
        said = self._table.body
        named = {
            "lookups": set(_texts_of(said.get("actions"), "lookups")),
            "credentials": set(_texts_of(said, "credential")),
            "connections": set(_texts_of(said, "connection")),
        }
        declared: dict[str, Mapping[str, object]] = {
            "lookups": self._lookups, "credentials": self._credentials, "connections": own,
        }  # fmt: skip
        for section, names in declared.items():
            table = self._table.table(section, "")
            for name in names:
                if table is not None and name not in named[section]:
                    table.warn(
                        "unused",
                        name,
                        f"{name} should be named by something in the file; got nothing that does. "
                        "Name it, or take it out.",
                    )


def _texts_of(value: Any, field: str) -> list[str]:
    """All texts in fields of a name, however deep."""
    found: list[str] = []
    for name, inner in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else ())
    ):
        if name == field:
            every = inner if isinstance(inner, list) else [inner]
            found += [one for one in every if isinstance(one, str)]
        if isinstance(inner, dict | list):
            found += _texts_of(inner, field)
    return found
