"""`tidings reference load`: a file of stores, tills or customers to the service, with its progress.

The file is read and sent piece by piece, so its size does not matter; the service stores while it
comes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tidings.cli.exits import Exit, Stop, exit_of, refuse, say
from tidings.cli.send import error_text
from tidings.cli.service import Service, Unreachable, decoded
from tidings.cli.where import HERE, Where, server

KINDS = ("stores", "tills", "customers")
PIECE_BYTES = 64 * 1024
ERRORS_SAID = 10
ANSWER_S_MAX = 120.0  # the last slices are stored before the answer comes
CSV, NDJSON = "text/csv", "application/x-ndjson"
_TYPES = {".csv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON}


def load(kind: str, file: str, /, *, where: Where = HERE) -> int:
    """Load records from a file of NDJSON or CSV, by its name's end.

    Parameters
    ----------
    kind
        stores, tills or customers.
    file
        NDJSON (.ndjson, .jsonl) or CSV (.csv), one record a line, with its id.
    """
    problems = []
    if kind not in KINDS:
        problems.append(f"KIND must be stores, tills or customers; got {kind}.")
    path = Path(file)
    content_type = _TYPES.get(path.suffix.lower())
    if content_type is None:
        problems.append(f"FILE must end in .csv, .ndjson or .jsonl; got {file}. Rename it.")
    try:
        at = server(where)
    except Stop as stop:
        return refuse([*problems, stop.problem], stop.code)
    if problems or content_type is None:
        return refuse(problems)
    try:
        service = Service(at.url, at.key, ANSWER_S_MAX, at.org)
        with path.open("rb") as content:
            size = path.stat().st_size
            return _send(service, kind, content, size, content_type, where.json)
    except OSError as error:
        return refuse([f"FILE must be a file that can be read; got {file}: {error.strerror}."])
    except ValueError as error:
        return refuse([str(error)])
    except Unreachable as error:
        return refuse([str(error)], Exit.UNREACHABLE)


def _send(
    service: Service, kind: str, content: BinaryIO, size: int, content_type: str, as_json: bool
) -> int:
    path = f"/v1/reference/{kind}"
    # A call that is refused in the middle of a long body looks like a broken connection: ask first.
    status, raw = service.call("GET", f"{path}?limit=1")
    if status != 200:
        return refuse([error_text(status, decoded(raw))], exit_of(status))
    headers = {"content-type": content_type, "content-length": str(size)}
    status, raw = service.call("POST", f"{path}:load", _pieces(content, size, kind), headers)
    answer = decoded(raw)
    if status != 200 or not isinstance(answer, dict):
        return refuse([error_text(status, answer)], exit_of(status if status >= 300 else 500))
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
    _tell(service, path, kind, answer, as_json)
    return Exit.REFUSED if answer["refused"] else Exit.OK


def _tell(service: Service, path: str, kind: str, answer: dict[str, Any], as_json: bool) -> None:
    errors = answer["errors"]
    if not as_json:
        for error in errors[:ERRORS_SAID]:
            say(f"line {error['line']}: {error['message']}")
        if answer["refused"] > ERRORS_SAID:
            say(f"… and {answer['refused'] - min(len(errors), ERRORS_SAID):,} more rows")
    for field in answer["ignoredFields"]:
        say(f"{field} is no field of {kind}; it was left out.")
    say(f"{answer['loaded']:,} loaded · {answer['new']:,} new · {answer['refused']:,} refused")
    say(f'Next: curl -u "$TIDINGS_KEY" "{service.url}{path}?limit=3"')


def _pieces(content: BinaryIO, size: int, kind: str) -> Iterator[bytes]:
    """Exactly `size` bytes of the file; its progress goes to a terminal only."""
    console = Console(stderr=True, width=100)
    with Progress(
        TextColumn(kind),
        BarColumn(40),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        bar = progress.add_task(kind, total=size)
        left = size
        while left and (piece := content.read(min(PIECE_BYTES, left))):
            yield piece
            left -= len(piece)
            progress.advance(bar, len(piece))
