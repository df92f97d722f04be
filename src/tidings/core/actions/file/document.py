"""The text of a file of actions as tables, each with its place; or why it is no TOML. Pure."""

import re
import tomllib
from typing import Any

from tidings.core.actions.file.faults import ActionsFileFault, fault_at, printable
from tidings.core.actions.file.toml_places import (
    DEPTH_MAX,
    TomlPosition,
    TomlPositions,
    find_places,
)

FILE_BYTES_MAX = 1 << 20
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def parsed(document: str, file: str) -> tuple[dict[str, Any], TomlPositions] | ActionsFileFault:
    """Parse a document into its tables and their places; return the fault instead if it is no TOML,
    too large or too deep."""
    if (size := len(document.encode("utf-8", "surrogatepass"))) > FILE_BYTES_MAX:
        message = (
            f"The file must have at most {FILE_BYTES_MAX} bytes; got {size}. Put its templates "
            "into files of their own."
        )
        return fault_at(TomlPosition(1, 1), file, "too_large", message)
    places = find_places(document)
    if places.too_deep is not None:
        message = f"Tables and lists must be at most {DEPTH_MAX} deep; got more. Flatten them."
        return fault_at(places.too_deep, file, "too_deep", message)
    try:
        return tomllib.loads(document), places
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        place = TomlPosition(int(found[1]), int(found[2])) if found and found[1] else _end(document)
        message = f"The file must be TOML; got something else: {_reason(str(error))}. Mend it here."
        return fault_at(place, file, "bad_toml", message)
    except ValueError:  # a number of more digits than Python reads
        message = "Numbers must have at most 18 digits; got more. Write it as a text."
        return fault_at(TomlPosition(1, 1), file, "bad_toml", message)


def _reason(words: str) -> str:
    """Return the library's reason without its place, and without words that help nobody."""
    reason = _AT.sub("", words)
    for theirs, ours in (("Invalid", "unknown"), ("invalid", "unknown"), ("Illegal", "unfitting")):
        reason = reason.replace(theirs, ours)
    return printable(reason[:1].lower() + reason[1:])


def _end(document: str) -> TomlPosition:
    lines = document.split("\n")
    return TomlPosition(len(lines), len(lines[-1]) + 1)
