"""Files that commands are given: `-` is stdin."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.exits import CommandExit, Exit
from tidings.cli.output import clean

FileName = Annotated[str, Parameter(allow_leading_hyphen=True)]
BYTES_MAX = 1 << 20


def read_bytes(file: str) -> bytes:
    """Read all of a file. Raise CommandExit where it cannot be read, or is too long."""
    try:
        found = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandExit(
            f"FILE must be a readable file; got {clean(file)}: {error.strerror}. Check its name "
            "and permissions.",
            Exit.USAGE,
        ) from None
    if len(found) > BYTES_MAX:
        raise CommandExit(
            f"FILE must be at most {BYTES_MAX:,} bytes; got {len(found):,}. Name another.",
            Exit.USAGE,
        )
    return found


def read_object(file: str) -> dict[str, Any]:
    """Read the JSON object in a file. Raise CommandExit where there is none."""
    try:
        found = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise CommandExit(
            f"FILE must contain one JSON object; got {clean(str(error))}. Check quotes and commas.",
            Exit.USAGE,
        ) from None
    if not isinstance(found, dict):
        raise CommandExit(
            'FILE must contain one JSON object; got something else. Write {"mapping": {…}}.',
            Exit.USAGE,
        )
    return found
