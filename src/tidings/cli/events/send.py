"""`tidings send`: posts events from a file or from stdin, and prints what became of each."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.calls import ApiClient, calls
from tidings.cli.exits import Exit, refuse, say
from tidings.cli.output import clean, print_line
from tidings.cli.service import ServiceClient, ServiceUnreachable, decoded
from tidings.cli.where import HERE, Where

LINES_PER_CALL = 500
BYTES_PER_CALL = 4 << 20
JSON, NDJSON = "application/json", "application/x-ndjson"
STATUSES = {"accepted": "accepted", "duplicate": "duplicates", "rejected": "rejected"}


def parts(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the bodies to post, each with its content type: whole JSON as it is, lines in
    groups."""
    try:
        json.loads(content)
    except ValueError:
        pass
    else:
        yield JSON, content
        return
    group: list[bytes] = []
    size = 0
    for line in filter(None, map(bytes.strip, content.split(b"\n"))):
        if group and (len(group) == LINES_PER_CALL or size + len(line) > BYTES_PER_CALL):
            yield NDJSON, b"\n".join(group)
            group, size = [], 0
        group.append(line)
        size += len(line) + 1
    if group:
        yield NDJSON, b"\n".join(group)


def error_text(status: int, answer: Any) -> str:
    """Return the service's own words for a refused call, or what can be said without them."""
    found = answer.get("error") if isinstance(answer, dict) else None
    text = found.get("message") if isinstance(found, dict) else None
    return text or f"The service must answer 202; got {status}."


def _print_events(answer: dict[str, Any], as_json: bool) -> None:
    for event in answer.get("events", ()):
        if as_json:
            print_line(event)
            continue
        error = event.get("error") or {}
        words = [event.get("eventId"), event.get("status"), error.get("message")]
        print(clean("  ".join(str(word) for word in words if word)))


def send(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)], /, *, where: Where = HERE
) -> int:
    """Send events from a file, and print the result of each.

    Parameters
    ----------
    file
        JSON (one event or an array) or one event a line; - for stdin.
    """
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        why = error.strerror
        return refuse([f"FILE must be a readable file, or -; got {file}: {why}. Check its name."])
    return post(calls(where), content, where.json)


def post(api: ApiClient, content: bytes, as_json: bool) -> Exit:
    """Post events, print what became of each and of all. Return the exit code. Raise
    CommandExit."""
    at = api.server
    try:
        return _post_all(api, ServiceClient(at.url, at.key, org=at.org), content, as_json)
    except ValueError as error:
        return refuse([str(error)])
    except ServiceUnreachable as error:
        return refuse([str(error)], Exit.UNREACHABLE)


def _post_all(api: ApiClient, service: ServiceClient, content: bytes, as_json: bool) -> Exit:
    totals = dict.fromkeys(STATUSES.values(), 0)
    last = ""
    for kind, body in parts(content):
        status, raw = service.call("POST", "/v1/events", body, {"content-type": kind})
        answer = decoded(raw)
        if not isinstance(answer, dict) or "events" not in answer:
            raise api.refused("/v1/events", status, answer)
        _print_events(answer, as_json)
        for name in totals:
            totals[name] += answer.get(name, 0)
        kept = [
            outcome["eventId"]
            for outcome in answer["events"]
            if outcome.get("status") != "rejected"
        ]
        last = kept[-1] if kept else last
    if not sum(totals.values()):
        return refuse(["FILE must contain at least one event, as JSON or one a line; got nothing."])
    say(" · ".join(f"{count:,} {name}" for name, count in totals.items()))
    if totals["rejected"]:
        api.next_step("tidings events rejected")
    elif last:
        api.next_step(f"tidings show {last}")
    return Exit.REFUSED if totals["rejected"] else Exit.OK
