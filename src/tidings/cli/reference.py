"""`tidings reference`: stores, tills and customers, loaded from a file and listed.

The file is read and sent piece by piece, so its size does not matter; the service stores while it
comes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tidings.cli.calls import ApiClient, calls
from tidings.cli.exits import CommandExit, Exit, refuse, say
from tidings.cli.output import clean, how_many, print_line, print_lines, print_list
from tidings.cli.service import ServiceClient, ServiceUnreachable, decoded
from tidings.cli.where import HERE, Where, server
from tidings.list_columns import RECORDS

app = App(name="reference", help="Reference data for enrichment: stores, tills, customers.")
KINDS = ("stores", "tills", "customers")
PIECE_BYTES = 64 * 1024
ERRORS_SHOWN = 10
LIST_MAX = 1000
ANSWER_S_MAX = 120.0  # the last slices are stored before the answer comes
CSV, NDJSON = "text/csv", "application/x-ndjson"
_TYPES = {".csv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON}


@app.command
def load(kind: str, file: str, /, *, where: Where = HERE) -> int:
    """Load records from an NDJSON or CSV file, chosen by its extension.

    Parameters
    ----------
    kind
        stores, tills or customers.
    file
        NDJSON (.ndjson, .jsonl) or CSV (.csv), one record a line, with its id.
    """
    path = Path(file)
    content_type = _TYPES.get(path.suffix.lower())
    problems = [] if kind in KINDS else [_no_kind(kind)]
    if content_type is None:
        problems.append(f"FILE must end in .csv, .ndjson or .jsonl; got {file}. Rename it.")
    if problems or content_type is None:
        return refuse(problems)
    at = server(where)
    try:
        with path.open("rb") as content:
            api, service = calls(where), ServiceClient(at.url, at.key, ANSWER_S_MAX, at.org)
            size = path.stat().st_size
            return _send(api, service, kind, content, size, content_type, where.json)
    except OSError as error:
        return refuse(
            [f"FILE must be a readable file; got {file}: {error.strerror}. Check its name."]
        )
    except ServiceUnreachable as error:
        return refuse([str(error)], Exit.UNREACHABLE)


def _no_kind(kind: str) -> str:
    return f"KIND must be stores, tills or customers; got {clean(kind[:40])}. Write stores."


@app.command(name="list")
def list_all(kind: str, /, *, limit: int = 20, where: Where = HERE) -> int:
    """List the records of a kind, by their ids.

    Parameters
    ----------
    kind
        stores, tills or customers.
    limit
        How many, at most 1000.
    """
    if kind not in KINDS:
        raise CommandExit(_no_kind(kind), Exit.USAGE)
    if not 1 <= limit <= LIST_MAX:
        raise CommandExit(
            f"--limit must be from 1 to {LIST_MAX}; got {limit}. Leave it out for 20.", Exit.USAGE
        )
    api = calls(where)
    page = api.get(f"/v1/reference/{kind}", limit=limit)
    found = page["records"]
    if not found:
        say(f"The org has no {kind}.")
        api.next_step(f"tidings reference load {kind} {kind}.csv")
        return Exit.OK
    if where.json:
        print_lines(found)
    else:
        print_list(RECORDS.shell, found, record=lambda row: _shown(row["record"]))
    say(f"{len(found):,} of {how_many(page['count'], 'record')}")
    api.next_step("tidings webhooks list")
    return Exit.OK


def _shown(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _send(
    api: ApiClient,
    service: ServiceClient,
    kind: str,
    content: BinaryIO,
    size: int,
    content_type: str,
    as_json: bool,
) -> int:
    path = f"/v1/reference/{kind}"
    # A call that is refused in the middle of a long body looks like a broken connection: ask first.
    api.get(path, limit=1)
    headers = {"content-type": content_type, "content-length": str(size)}
    status, raw = service.call("POST", f"{path}:load", _pieces(content, size, kind), headers)
    answer = decoded(raw)
    if status != 200 or not isinstance(answer, dict):
        raise api.refused(path, status, answer)
    if as_json:
        print_line(answer)
    _tell(api, kind, answer, as_json)
    return Exit.REFUSED if answer["refused"] else Exit.OK


def _tell(api: ApiClient, kind: str, answer: dict[str, Any], as_json: bool) -> None:
    errors = answer["errors"]
    if not as_json:
        for error in errors[:ERRORS_SHOWN]:
            say(f"line {error['line']}: {error['message']}")
        if answer["refused"] > ERRORS_SHOWN:
            say(f"… and {answer['refused'] - min(len(errors), ERRORS_SHOWN):,} more rows")
    for field in answer["ignoredFields"]:
        say(f"{field} is no field of {kind}; it was left out.")
    say(f"{answer['loaded']:,} loaded · {answer['new']:,} new · {answer['refused']:,} refused")
    api.next_step(f"tidings reference list {kind}")


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
