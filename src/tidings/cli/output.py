"""How commands print: tables and facts on stdout, a state with its glyph, NDJSON for programs."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.text import Text

from tidings.cli.exits import CommandExit, Exit
from tidings.list_columns import DELIVERIES, ListColumn, Shown

if TYPE_CHECKING:
    from rich.table import Table

WIDTH_MAX = 100
# What is copied out of a table is in one piece, where that leaves the other columns so much.
UNBROKEN = ((Shown.NAME, Shown.MOMENT), (Shown.MOMENT,), ())
OTHERS_MIN = 7
STATES = {  # glyph and colour, the same everywhere
    "delivered": ("✓", "green"),
    "retrying": ("↻", "yellow"),
    "waiting": ("◷", "cyan"),
    "failed": ("✗", "red"),
    "parked": ("‖", "blue"),
    "pending": ("·", "bright_black"),
    "held": ("·", "bright_black"),
    "cancelled": ("–", "bright_black"),
}


def clean(value: Any, lines: bool = False) -> str:
    """Return a text as a terminal may show it: what comes from elsewhere must not steer it. A sign
    that cannot be seen is shown as an escape, `\\x1b`."""
    text = str(value)
    if text.isprintable():
        return text
    kept = (
        sign if sign.isprintable() or (lines and sign == "\n") else _escape(sign) for sign in text
    )
    return "".join(kept)


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def json_of(value: Any, indent: int | None = None) -> str:
    """Return JSON that a terminal may show too: signs that cannot be seen are escaped in it."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, separators=separators, indent=indent)
    if text.isprintable():
        return text
    shown = (
        sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text
    )
    return "".join(shown)


def console(stderr: bool = False) -> Console:
    """Return a console of at most 100 columns, with colour only where somebody sees it and has not
    refused it."""
    wide = Console(stderr=stderr, highlight=False)
    width = min(wide.width, WIDTH_MAX) if wide.is_terminal else WIDTH_MAX
    return Console(stderr=stderr, highlight=False, width=width)


def print_line(value: Any) -> None:
    """Print one line of NDJSON, at once: whoever reads a pipe waits for it."""
    sys.stdout.write(json_of(value) + "\n")
    sys.stdout.flush()


def print_lines(values: Iterable[Any]) -> None:
    """Print values as NDJSON."""
    for value in values:
        print_line(value)


def state(word: str) -> Text:
    """Return a state as glyph and word in its colour."""
    glyph, colour = STATES.get(word, ("·", ""))
    return Text(f"{glyph} {clean(word)}", style=colour)


def glyph(word: str) -> Text:
    """Return a state's glyph in its colour."""
    sign, colour = STATES.get(word, ("·", ""))
    return Text(sign, style=colour)


def print_list(
    columns: Sequence[ListColumn], rows: Iterable[dict[str, Any]], **cells: Callable[[Any], Any]
) -> None:
    """Print rows of an answer in declared columns; `cells`: makes those of a field otherwise."""
    print_table(columns, ([_cell_of(column, row, cells) for column in columns] for row in rows))


def _cell_of(column: ListColumn, row: dict[str, Any], cells: dict[str, Any]) -> Any:
    """Return what stands in one column of a row."""
    if column.field in cells:
        return cells[column.field](row)
    value: Any = row
    for name in column.field.split("."):
        value = value[name]
    return moment(value) if column.shown is Shown.MOMENT else value


def print_table(columns: Sequence[ListColumn | str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table without lines. A column is declared, or is texts below a head."""
    from rich.table import Table

    declared = [ListColumn(column) if isinstance(column, str) else column for column in columns]
    cells = [[_cell(value) for value in row] for row in rows]
    unbroken = _unbroken(declared, cells)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head, _, shown, *_ in declared:
        side: Literal["left", "right"] = "right" if shown is Shown.NUMBER else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=shown in unbroken)
    for row in cells:
        table.add_row(*row)
    _put(table)


def _unbroken(columns: Sequence[ListColumn], rows: list[list[Text]]) -> tuple[Shown, ...]:
    """Return which columns are not broken: those that are copied, as far as the width allows."""
    widths = [
        max(Text(column.head).cell_len, *(row[at].cell_len for row in rows), 0)
        for at, column in enumerate(columns)
    ]
    for kinds in UNBROKEN:
        needed = sum(
            2 + (width if column.shown in kinds else min(width, OTHERS_MIN))
            for column, width in zip(columns, widths, strict=True)
        )
        if needed - 2 <= console().width:
            return kinds
    return UNBROKEN[-1]


def print_deliveries(found: list[dict[str, Any]]) -> None:
    """Print a table of deliveries."""
    print_list(DELIVERIES.shell, found, state=lambda delivery: state(delivery["state"]))


def spaced(name: str) -> str:
    """Return a field's name as words: `ratePerSecond` as "rate per second"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, one a line; those without a value are left out."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value is not None and value != "":
            table.add_row(Text(name), _cell(value))
    _put(table)


def _put(table: "Table") -> None:
    """Without the spaces that fill a table's right side."""
    out = console()
    with out.capture() as made:
        out.print(table)
    lines = (line.rstrip() for line in made.get().splitlines())
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def print_text(*parts: Any) -> None:
    """Print texts and states on one line, or as many as they need."""
    text = Text()
    for part in parts:
        text.append_text(part if isinstance(part, Text) else Text(clean(part)))
    console().print(text)


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    if value is None:
        return Text("–", style="bright_black")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int):
        return Text(f"{value:,}")
    if isinstance(value, list | tuple):
        return Text(clean(", ".join(map(str, value))))
    return Text(clean(value))


def number(value: int) -> Text:
    """Return a number that is a name, such as an org's, as text without commas."""
    return Text(str(value))


def moment(iso: str | None) -> Text | None:
    """Return a time of the API in the reader's zone; without the date where that is today."""
    if not iso:
        return None
    from tidings.core.times import zoned

    try:
        when = datetime.fromisoformat(iso).astimezone()
    except (ValueError, OverflowError):
        return Text(clean(iso))
    return Text(zoned(when, datetime.now().astimezone().date()))


def clock(ms: Any) -> str:
    """Return milliseconds since the epoch as a time of day in the reader's zone, with it."""
    from tidings.core.times import zoned

    try:
        when = datetime.fromtimestamp(ms / 1000).astimezone()
    except (TypeError, ValueError, OverflowError, OSError):
        return "--:--:--"
    return zoned(when, when.date())


def duration(ms: float | None) -> str | None:
    """Return a duration in words: 3.1 ms, 240 ms, 9.8 s."""
    if ms is None:
        return None
    if ms < 9.95:
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def how_many(count: int, word: str) -> str:
    """Return a count with its noun: `1 webhook`, `2 webhooks`, `2 replays`, `2 inboxes`, `1
    delivery`, `no deliveries`."""
    plural = word + ("es" if word.endswith("x") else "s")
    if word.endswith("y") and word[-2] not in "aeiou":
        plural = word[:-1] + "ies"
    return f"{count:,} {word}" if count == 1 else f"{count or 'no'} {plural}"


def ask(question: str) -> bool | None:
    """Ask a person yes or no; None where there is nobody to be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def confirm(yes: bool, question: str) -> None:
    """Go on only where a person says so, here or by --yes. Raise CommandExit."""
    answer = True if yes else ask(question)
    if answer is None:
        raise CommandExit(f"{question} Not a terminal: pass --yes.", Exit.USAGE)
    if not answer:
        raise CommandExit("Nothing was changed.", Exit.REFUSED)


def word(value: str) -> str:
    """Escape a value as one word of a shell, for a line that can be copied."""
    return shlex.quote(clean(value))
