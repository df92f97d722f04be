"""How the console says things: states, numbers, times. Filters and functions of its templates.

One glyph and one colour for a state, everywhere; colour never alone. Times are told in the zone
of the page by the browser (`app.js` rewrites `<time>`); without scripts they stand in UTC.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from markupsafe import Markup, escape

from tidings import list_columns
from tidings.core.delivery.receivers import judgement
from tidings.core.delivery.states import State
from tidings.core.shaping.left_out_words import word_of
from tidings.core.times import exact
from tidings.list_columns import ListColumn, Shown
from tidings.values import percent

GLYPHS = {
    "delivered": "✓",
    "retrying": "↻",
    "waiting": "◷",
    "failed": "✗",
    "parked": "‖",
    "pending": "·",
    "held": "·",
    "cancelled": "–",
    "active": "✓",
    **judgement.GLYPHS,
    "running": "↻",
    "finished": "✓",
    "revoked": "–",
    "expired": "–",
}
# Controls but for tabs and line ends, and what turns the direction of the text around it.
_STEERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SHOWN = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*range(0xA0), *range(0x202A, 0x206A))
    if _STEERS.match(chr(code))
}
SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def state_word(state: int) -> str:
    """Return the word of a delivery's state as the store keeps it."""
    return State(state).word


def state(word: str) -> Markup:
    """Render a state: glyph, word, colour."""
    glyph = GLYPHS.get(word, "·")
    kind = word.replace(" ", "-")
    return Markup('<span class="state {2}"><i aria-hidden="true">{1}</i> {0}</span>').format(
        word, glyph, kind
    )


def number(value: float | None) -> str:
    """Render a number as `1,234`; a dash where there is none."""
    return "–" if value is None else f"{value:,.0f}"


def duration(ms: float | None) -> str:
    """Render a duration as `4 ms`, `1.2 s`, `3 min`, `2 h` or `5 d`: two digits are enough to
    compare by. A dash where there is none."""
    if ms is None:
        return "–"
    for unit_ms, unit, below in (
        (1, "ms", SECOND_MS),
        (SECOND_MS, "s", MINUTE_MS),
        (MINUTE_MS, "min", HOUR_MS),
        (HOUR_MS, "h", 2 * DAY_MS),
    ):
        if ms < below:
            value = ms / unit_ms
            return f"{value:.1f} {unit}" if 0 < value < 10 and value % 1 else f"{value:.0f} {unit}"
    return f"{ms / DAY_MS:.0f} d"


def size(count: int | None) -> str:
    """Render a size as `812 B` or `16 KB`; a dash where there is none."""
    if count is None:
        return "–"
    return f"{count} B" if count < 1024 else f"{count / 1024:.0f} KB"


@lru_cache(maxsize=512)  # the tables beside the charts of a page begin at the same times
def moment(ms: int | None) -> Markup:
    """Render a moment as date and time in UTC, exact on hover; a dash where there is none."""
    if ms is None:
        return Markup("–")
    text = exact(ms)  # nothing in it is to be escaped
    shown = f"{text[:10]} {text[11:19]} UTC"
    return Markup(f'<time datetime="{text}" title="{text}">{shown}</time>')


def countdown(ms: int | None) -> Markup:
    """Render a time to come, counted down by the browser; a dash where there is none."""
    if ms is None:
        return Markup("–")
    text = exact(ms)
    shown = f"{text[11:19]} UTC"
    return Markup(f'<time class="countdown" datetime="{text}" title="{text}">{shown}</time>')


def copyable(text: object, shown: object = None) -> Markup:
    """Render a value with a button that copies it."""
    return Markup(
        '<span class="copyable"><code>{1}</code><button type="button" class="copy" '
        'data-copy="{0}" aria-label="Copy {0}"></button></span>'
    ).format(text, text if shown is None else shown)


def ticked(text: str) -> Markup:
    """Render a sentence of the catalogue: what stands between backticks is code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def masked(secret: str) -> str:
    """Mask a secret to its last four characters; one of at most eight is masked whole."""
    return "…" + secret[-4:] if len(secret) > 8 else "…"


def plain(value: object) -> str:
    """Render a value of JSON as people read it: a text bare, a dash where there is none."""
    if value is msgspec.UNSET or value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ", ".join(map(str, value)) or "–"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def visible(value: object) -> object:
    """Escape signs that would steer whatever shows a value and are not seen by themselves:
    `\x1b`."""
    if not isinstance(value, str) or _STEERS.search(value) is None:
        return value
    return value.translate(_SHOWN)


FILTERS = {
    "ticked": ticked,
    "state_word": state_word,
    "left_out_word": word_of,
    "state": state,
    "number": number,
    "duration": duration,
    "size": size,
    "moment": moment,
    "countdown": countdown,
    "copyable": copyable,
    "masked": masked,
    "plain": plain,
}


def head_cells(columns: Sequence[ListColumn], *, acts: bool = True) -> Markup:
    """Return the cells of a table's head. `acts`: whether the reader may do what the rows offer."""
    return Markup("").join(
        _head_cell(column) for column in columns if acts or column.shown is not Shown.DONE_HERE
    )


def _head_cell(column: ListColumn) -> Markup:
    head = escape(column.head)
    if column.shown is Shown.DONE_HERE:
        head = Markup('<span class="quiet">{}</span>').format(head)
    side = Markup(' class="n"') if column.shown is Shown.NUMBER else ""
    title = Markup(' title="{}"').format(column.title) if column.title else ""
    return Markup('<th scope="col"{}{}>{}</th>').format(side, title, head)


FUNCTIONS = {"percent": percent, "escape": escape, "head_cells": head_cells, "lists": list_columns}
