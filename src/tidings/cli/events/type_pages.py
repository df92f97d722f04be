"""Event types as they are printed: all of them, and what is in one.

What the catalogue has needs no service. An org's own types are the service's to tell.
"""

import sys
from collections.abc import Iterable

from rich.text import Text

from tidings import __version__
from tidings.catalogue import EventType, load
from tidings.catalogue.asyncapi import document
from tidings.catalogue.event_type import Json
from tidings.catalogue.facts import (
    NOTHING_ADDED,
    PRODUCTS,
    UNDOCUMENTED,
    describe_type,
    key_meaning,
    missing,
    raised_by,
    reference_meaning,
)
from tidings.catalogue.loader import HERE, raw_blocks, read_blocks
from tidings.catalogue.thin import thin
from tidings.cli.calls import calls
from tidings.cli.events.field_rows import Row, may_lack, rows
from tidings.cli.events.type_lookup import (
    OF_TIDINGS,
    OWN,
    catalogue_kinds,
    find_kind,
    fresh,
    own_rows,
    service,
    versions_of,
)
from tidings.cli.exits import CommandExit, Exit, next_step, refuse, say
from tidings.cli.output import (
    clean,
    console,
    how_many,
    json_of,
    print_line,
    print_lines,
    print_table,
)
from tidings.cli.where import Where
from tidings.list_columns import ListColumn, Shown

_TYPE, _FAMILY = (ListColumn(head, shown=Shown.NAME) for head in ("Type", "Family"))


def _print_json(value: Json, one_line: bool) -> None:
    if one_line:
        print_line(value)
    else:
        sys.stdout.write(json_of(value, 2) + "\n")


def _next(command: str, where: Where) -> None:
    """The last line, for the same service and org as the command was."""
    next_step(command + where.again(command))


def list_types(family: str | None, where: Where) -> int:
    """List all event types, including those that the org declares."""
    families = sorted({kind.family for kind in catalogue_kinds()} | {OWN})
    if family is not None and family not in families:
        must = f"--family must be one of {', '.join(families)}"
        return refuse([f"{must}; got {family[:40]}. Leave it out for all."])
    rows_ = [_row(kind) for kind in catalogue_kinds() if family in (None, kind.family)]
    if family in (None, OWN):
        rows_ += _own_types(where, needed=family == OWN)
    if not rows_:
        say("The org declares no event types.")
        _next("tidings events list", where)
        return Exit.OK
    if where.json:
        print_lines(rows_)
    else:
        _print_list(rows_)
    say(how_many(len(rows_), "event type"))
    first = "pointsIssued" if family is None else rows_[0]["eventName"]
    _next(f"tidings events show {first}", where)
    return Exit.OK


def _own_types(where: Where, needed: bool) -> list[Json]:
    """The org's own, as rows. A fault is told; where they are `needed`, CommandExit is raised."""
    try:
        api = service(where)
        if api is None:
            if needed:
                calls(where)  # it says what is missing
            return []
        return [
            {
                "eventName": row["eventName"],
                "version": row["version"],
                "family": OWN,
                "trigger": row["trigger"],
            }
            for row in own_rows(api)
        ]
    except CommandExit as stop:
        if needed:
            raise
        say(f"Types of the org's own are left out. {stop.problem}")
        return []


def _row(kind: EventType) -> Json:
    return {
        "eventName": kind.name,
        "version": kind.version,
        "family": kind.family,
        "trigger": kind.trigger,
        "key": kind.key,
        "keyElse": list(kind.key_else),
        "refIdRule": kind.ref_id_rule,
        "core": kind.core,
    }


def _print_list(chosen: Iterable[Json]) -> None:
    rows_ = [(_label(row), row["family"], row["trigger"]) for row in chosen]
    print_table((_TYPE, _FAMILY, "When"), rows_)


def _label(row: Json) -> str:
    name, version = str(row["eventName"]), row["version"]
    return name if version == 1 else f"{name}.v{version}"


def show(name: str, where: Where) -> int:
    """Show an event type: when it is raised, and every field."""
    kind = find_kind(name, where)
    fields = _fields(kind)
    versions = versions_of(kind, where)
    if where.json:
        shown = [
            {"path": row.path, "type": row.words, "is": row.meaning, "block": row.block or None}
            for row in fields
        ]
        forms = {"example": kind.example, "thinExample": thin(kind, kind.example)}
        lists = {"versions": versions, "notes": list(kind.notes), "fields": shown}
        print_line(_row(kind) | describe_type(kind) | lists | (forms if kind.examples else {}))
    else:
        _print_type(kind, versions, fields)
    _next(f"tidings events {'example' if kind.examples else 'schema'} {kind.label}", where)
    return Exit.OK


def _fields(kind: EventType) -> list[Row]:
    """The fields of its data; of an own type with every reference replaced."""
    if kind.family == OWN:
        return rows(kind.schema["properties"]["data"], {})
    return rows(kind.data, raw_blocks(HERE), null=not may_lack(kind))


def _print_type(kind: EventType, versions: list[int], fields: list[Row]) -> None:
    out = console()
    out.print(Text(kind.label, style="bold"))
    out.print(Text(clean(kind.trigger)))
    for name, fact in (*_facts(kind), *_examples(kind)):
        out.print(Text(f"{name:<12}{clean(_plain(fact))}"))
    if len(versions) > 1:
        listed = ", ".join(f"{kind.name}.v{at}" for at in versions if at != kind.version)
        out.print(Text(f"version {kind.version} · others: {listed}"))
    if may_lack(kind):
        out.print(Text("· Any field of data may be absent or null."))
    for note in (*kind.beware, *missing(kind), *kind.notes):
        out.print(Text(f"· {_plain(note)}"))
    out.print()
    shown = []
    for row in fields:
        block = f" Block {row.block}." if row.block else ""
        shown.append((row.path, row.words, _plain(row.meaning) + block))
    print_table(("In data", "Type", "What it is"), shown)


def _facts(kind: EventType) -> Iterable[tuple[str, str]]:
    rule = f"{kind.ref_id_rule}: " if kind.ref_id_rule else ""
    yield "product", PRODUCTS[kind.product]
    yield "key", f"{', else '.join((kind.key, *kind.key_else))}: {key_meaning(kind)}"
    yield "refId", f"{rule}{reference_meaning(kind)}"
    if kind.product != "own":
        causes = [f"{what.lower()}: {which}" for what, which in raised_by(kind)]
        yield "raised by", "; ".join(causes) or UNDOCUMENTED
    for sentence in kind.not_raised:
        yield "not raised", sentence


def _examples(kind: EventType) -> Iterable[tuple[str, str]]:
    if not kind.examples:
        return
    asked = f"tidings events example {kind.label}"
    small = thin(kind, kind.example) != kind.example
    yield "thin", f"{asked} --thin, as the platform sends it" if small else NOTHING_ADDED
    yield "enriched", f"{asked}, with all that enrichment adds" if small else asked


def _plain(text: str) -> str:
    """Without the marks that only a page shows."""
    return text.replace("**", "").replace("`", "")


def example(name: str, is_thin: bool, where: Where) -> int:
    """Print an example: of the reader's org and of this moment, where a service is known."""
    kind = find_kind(name, where)
    if not kind.examples:
        step = f"tidings events schema {kind.label}"
        raise CommandExit(
            f"NAME must be an event type with an example; {kind.label} declares none. Put one into "
            "its declaration, or read its schema.",
            Exit.NOT_FOUND,
            step + where.again(step),
        )
    event = thin(kind, kind.example) if is_thin else kind.example
    _print_json(_of_reader(event, where), where.json)
    if kind.invented:
        what = "all of it" if "*" in kind.invented else ", ".join(kind.invented)
        say(f"Invented, because no value is documented: {what}.")
    by_itself = kind.name.startswith(OF_TIDINGS)
    _next(f"tidings {'events schema' if by_itself else 'trigger'} {kind.label}", where)
    return Exit.OK


def _of_reader(event: Json, where: Where) -> Json:
    """The event in the reader's own org, so that it can be sent; as it is where none is known."""
    try:
        api = service(where)
        return event if api is None else fresh(event, api.org())
    except CommandExit as stop:
        say(f"Its orgId is an example's. {stop.problem}")
        return event


def schema(name: str, where: Where) -> int:
    """Print the JSON Schema of an event type."""
    kind = find_kind(name, where)
    _print_json(kind.schema, where.json)
    _next(f"tidings events {'example' if kind.examples else 'show'} {kind.label}", where)
    return Exit.OK


def asyncapi(as_json: bool) -> int:
    """Print the AsyncAPI 3.0 document of the catalogue's event types."""
    _print_json(document(load().kinds(), read_blocks(HERE), __version__), as_json)
    next_step("tidings events asyncapi > asyncapi.json")
    return Exit.OK
