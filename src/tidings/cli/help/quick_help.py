"""`--help` from a file that is made from the commands (`make docs`).

To build the commands and render their help takes three times as long as the start of Python does.
This module and what it imports stay small for that reason: no `re`, no `pathlib`.
"""

import os
import sys
from collections.abc import Iterator, Sequence

FLAGS = ("--help", "-h")
FILE = os.path.join(os.path.dirname(__file__), "help.txt")
NEXT = "\f"  # between commands; each begins with its words in a line of their own
WIDTH_MAX = 100
WIDTH_UNKNOWN = 80
DEEP = " " * 6


def quick_help(words: Sequence[str]) -> str | None:
    """Return the help of a command, as wide as the terminal; None where none is asked for, or the
    command is not known: then whoever parses the words says so.

    It is asked for by --help, by `help` before the command, and by a noun without its verb.
    """
    asked = not words or words[0] == "help" or words[-1] in FLAGS
    if not asked and len(words) != 1:
        return None
    named = words[1:] if words and words[0] == "help" else words
    wanted = " ".join(named[:-1] if named and named[-1] in FLAGS else named)
    with open(FILE, encoding="utf-8") as file:
        for part in file.read().split(NEXT):
            path, _, text = part.partition("\n")
            if path == wanted and (asked or text.startswith(f"Usage: tidings {path} COMMAND\n")):
                return "".join(f"{line}\n" for line in _wrapped(text, _width()))
    return None


def _width() -> int:
    try:
        columns = int(
            os.environ.get("COLUMNS") or os.get_terminal_size(sys.stdout.fileno()).columns
        )
    except (OSError, ValueError):
        columns = 0
    return min(columns or WIDTH_UNKNOWN, WIDTH_MAX)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Its lines, broken between words; what follows in a line of its own is set deeper."""
    for whole in text.splitlines():
        line = whole[: len(whole) - len(whole.lstrip())]
        for word in whole.split():
            if line.strip() and len(line) + 1 + len(word) > width:
                yield line
                line = DEEP + word
            else:
                line += f" {word}" if line.strip() else word
        yield line
