"""How the demonstration looks: one line for an event, a glyph and a colour for each state."""

import os
import sys
from collections.abc import Iterable
from datetime import datetime

GREEN, AMBER, RED, GREY, PLAIN = "32", "33", "31", "90", ""
GLYPHS = {"✓": GREEN, "↻": AMBER, "✗": RED, "·": GREY}


class Screen:
    """Prints lines, in colour where somebody sees it and has not refused it (NO_COLOR)."""

    def __init__(self, colour: bool | None = None) -> None:
        wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._colour = wanted if colour is None else colour

    def line(self, text: str = "") -> None:
        """One line of text."""
        print(text, flush=True)

    def mark(self, glyph: str, text: str) -> str:
        """A state: its glyph in its colour, and what there is to say."""
        if self._colour and (code := GLYPHS[glyph]):
            glyph = f"\x1b[{code}m{glyph}\x1b[0m"
        return f"{glyph} {text}"

    def event(self, name: str, detail: str, marks: Iterable[str]) -> None:
        """What happened to one event, now."""
        now = datetime.now().strftime("%H:%M:%S")
        self.line(f"{now}  {name:<16}  {detail:<13}  {'   '.join(marks)}")


def duration(ms: float) -> str:
    """A duration as it is read: 3.1 ms, 240 ms, 9.8 s."""
    if ms < 9.95:
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
