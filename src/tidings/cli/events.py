"""`tidings events`: what event types there are, and what is in them. Needs no service."""

import difflib
import json
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from tidings import __version__
from tidings.catalogue import EventType, load
from tidings.catalogue.asyncapi import document
from tidings.catalogue.event_type import Json
from tidings.catalogue.loader import HERE, raw_blocks, read_blocks
from tidings.catalogue.thin import thin
from tidings.cli.event_pages import rows
from tidings.cli.exits import Exit, next_step, refuse, say
from tidings.cli.output import how_many, print_table

WIDTH_MAX = 100


def _console() -> Console:
    """Tables on stdout: at most 100 columns, colour only where somebody sees it."""
    wide = Console(highlight=False)
    width = min(wide.width, WIDTH_MAX) if wide.is_terminal else WIDTH_MAX
    return Console(highlight=False, width=width)


def _print_line(value: Json) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def _print_json(value: Json, one_line: bool) -> None:
    if one_line:
        _print_line(value)
    else:
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def kinds() -> list[EventType]:
    """Every event type in its newest version, by name."""
    found = (load().get(name) for name in load().names())
    return [kind for kind in found if kind is not None]


def _find(name: str) -> EventType | None:
    """By its name, the newest version; by its label (`pointsIssued.v2`) that one."""
    labels = {kind.label: kind for kind in load().kinds() if kind.version > 1}
    if (kind := labels.get(name) or load().get(name)) is not None:
        return kind
    if name.endswith(".v1") and (kind := load().get(name[:-3], 1)) is not None:
        return kind
    lower = {known.lower(): known for known in [*load().names(), *labels]}
    near = difflib.get_close_matches(name.lower(), lower, 1)
    hint = f" Did you mean {lower[near[0]]}?" if near else ""
    shown = name if len(name) <= 40 else name[:40] + "…"
    refuse(
        [f"NAME must be an event type; got {shown}.{hint} `tidings events list` shows them all."],
        Exit.NOT_FOUND,
    )
    return None


def _versions(kind: EventType) -> list[int]:
    return sorted(load().versions(kind.name) or ())


def list_types(family: str | None, as_json: bool) -> int:
    """All event types, or those of a family."""
    families = sorted({kind.family for kind in kinds()})
    if family is not None and family not in families:
        must = f"--family must be one of {', '.join(families)}"
        return refuse([f"{must}; got {family[:40]}. Leave it out for all."])
    chosen = [kind for kind in kinds() if family in (None, kind.family)]
    if as_json:
        for kind in chosen:
            _print_line(_row(kind))
    else:
        _print_list(chosen)
    say(how_many(len(chosen), "event type"))
    first = "pointsIssued" if family is None else chosen[0].label
    next_step(f"tidings events show {first}")
    return Exit.OK


def _row(kind: EventType) -> Json:
    return {
        "eventName": kind.name,
        "version": kind.version,
        "family": kind.family,
        "trigger": kind.trigger,
        "key": kind.key,
        "refIdRule": kind.ref_id_rule,
        "core": kind.core,
    }


def _print_list(chosen: Iterable[EventType]) -> None:
    rows_ = [(kind.label, kind.family, kind.trigger) for kind in chosen]
    print_table(("Type", "Family", "When"), rows_, whole="Type Family")


def show(name: str, as_json: bool) -> int:
    """One event type: its facts and its fields."""
    if (kind := _find(name)) is None:
        return Exit.NOT_FOUND
    if as_json:
        fields = [
            {"path": row.path, "type": row.words, "is": row.said, "block": row.block or None}
            for row in rows(kind.data, raw_blocks(HERE))
        ]
        more = {"versions": _versions(kind), "notes": list(kind.notes), "fields": fields}
        _print_line(_row(kind) | more)
    else:
        console = _console()
        console.print(Text(kind.label, style="bold"))
        console.print(Text(kind.trigger))
        console.print(Text(f"key {kind.key} · refId {kind.ref_id_rule or 'without a rule'}"))
        if len(versions := _versions(kind)) > 1:
            listed = ", ".join(f"{kind.name}.v{at}" for at in versions if at != kind.version)
            console.print(Text(f"version {kind.version} · others: {listed}"))
        for note in kind.notes:
            console.print(Text(f"· {note}"))
        console.print()
        told = []
        for row in rows(kind.data, raw_blocks(HERE)):
            block = f" Block {row.block}." if row.block else ""
            told.append((row.path, row.words, _plain(row.said) + block))
        print_table(("In data", "Type", "What it is"), told)
    next_step(f"tidings events example {kind.label}")
    return Exit.OK


def _plain(text: str) -> str:
    """Without the marks that only a page shows."""
    return text.replace("**", "").replace("`", "")


def example(name: str, is_thin: bool, as_json: bool) -> int:
    """A whole event of a type, to be sent or looked at."""
    if (kind := _find(name)) is None:
        return Exit.NOT_FOUND
    _print_json(thin(kind, kind.example) if is_thin else kind.example, as_json)
    if kind.invented:
        what = "all of it" if "*" in kind.invented else ", ".join(kind.invented)
        say(f"Invented, because no value is documented: {what}.")
    flag = " --thin" if is_thin else ""
    next_step(f"tidings events example {kind.label}{flag} | tidings send -")
    return Exit.OK


def schema(name: str, as_json: bool) -> int:
    """The JSON Schema of a whole event."""
    if (kind := _find(name)) is None:
        return Exit.NOT_FOUND
    _print_json(kind.schema, as_json)
    next_step(f"tidings events example {kind.label}")
    return Exit.OK


def asyncapi(as_json: bool) -> int:
    """The AsyncAPI 3.0 document of all event types."""
    _print_json(document(load().kinds(), read_blocks(HERE), __version__), as_json)
    next_step("tidings events asyncapi > asyncapi.json")
    return Exit.OK
