"""`tidings sources lag`, `preview`, `dead`, `retry`: what waits, what messages become, and what
became of none."""

import json
from typing import Any

from tidings.cli.calls import ApiClient, calls, check_limit, part, rows
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.files import FileName, read_bytes
from tidings.cli.output import (
    clean,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.sources.state import fetches, state_of, waiting_of
from tidings.cli.where import HERE, Where
from tidings.list_columns import DEAD_LETTERS, LAGS

PATH = "/v1/sources"


def lag(id: str = "", /, *, fail_above: int | None = None, where: Where = HERE) -> int:
    """Show how many messages wait to be fetched, for each source.

    Parameters
    ----------
    id
        src_…, or its name; left out, all sources of the org.
    fail_above
        End with 1 where more wait than this, where their number is unknown, or where a source
        is in trouble.
    """
    api = calls(where)
    found = [api.get(f"{PATH}/{part(id)}")] if id else api.get(PATH)["sources"]
    names = ("name", "type", "lag", "lagAt", "messagesPerSecond", "lastMessageAt", "trouble")
    if where.json:
        print_lines(
            [
                {name: source[name] for name in names} | {"state": state_of(source)}
                for source in found
            ]
        )
    elif found:
        print_list(LAGS.shell, found, state=state_of, waiting=waiting_of)
    late = [source for source in found if fail_above is not None and is_late(source, fail_above)]
    for source in late:
        say(f"{clean(source['name'])}: {clean(source['trouble'] or _waits(source))}")
    say("" if found else "The org has no sources.")
    worst = (late or found or [{"name": ""}])[0]["name"]
    api.next_step(f"tidings sources show {worst}" if worst else "tidings sources create --help")
    return Exit.FAILED if late else Exit.OK


def is_late(source: dict[str, Any], most: int) -> bool:
    if source["paused"]:
        return False
    lag = source["lag"]
    return bool(source["trouble"]) or (fetches(source) if lag is None else lag > most)


def _waits(source: dict[str, Any]) -> str:
    if source["lag"] is None:
        return "how many messages wait is not known"
    return how_many(source["lag"], "message")


def preview(
    id: str, message: FileName, /, *, header: tuple[str, ...] = (), where: Where = HERE
) -> int:
    """Show the events that a message would become; nothing is accepted.

    Parameters
    ----------
    id
        src_…, or its name.
    message
        A file with the body that its sender sends; - is stdin.
    header
        A header of it, as "X-Topic: orders/paid"; as often as needed.
    """
    pairs = [line.partition(":") for line in header]
    if any(not name.strip() or not colon for name, colon, _ in pairs):
        raise CommandExit("--header must be NAME: VALUE. Put it in quotes.", Exit.USAGE)
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    sample = {"headers": headers, "body": read_bytes(message).decode("utf-8", "replace")}
    api = calls(where)
    preview = api.send("POST", f"{PATH}/{part(id)}/preview", {"message": sample})
    if where.json:
        print_line(preview)
    else:
        _print_preview(preview)
    api.next_step(f"tidings sources show {id}")
    return Exit.OK


def _print_preview(preview: dict[str, Any]) -> None:
    if preview["notVerified"]:
        say(f"Its sender would be rejected: {clean(preview['notVerified'])}")
    if preview["error"] is not None:
        say(f"It would be set aside: {clean(preview['error']['message'])}")
    for event in preview["events"]:
        if event["error"] is not None:
            say(f"It would be set aside: {clean(event['error']['message'])}")
        else:
            print(clean(json.dumps(event["event"], indent=2, ensure_ascii=False), True))
        if event["warning"]:
            say(clean(event["warning"]))
    if preview["passedOver"]:
        say(f"{how_many(preview['passedOver'], 'message')} would be skipped.")


def dead(id: str, /, *, message: str | None = None, limit: int = 20, where: Where = HERE) -> int:
    """List the messages that were set aside, newest first, each with the reason.

    Parameters
    ----------
    id
        src_…, or its name.
    message
        Show this one (asd_…) with its headers and body.
    limit
        How many.
    """
    check_limit(limit)
    api = calls(where)
    path = f"{PATH}/{part(id)}/aside"
    if message is not None:
        return _show_message(api, id, f"{path}/{part(message)}", where.json)
    found = list(rows(api, path, "messages", limit))
    if where.json:
        print_lines(found)
    elif found:
        print_list(DEAD_LETTERS.shell, found, reason=_why)
    say("" if found else "Nothing was set aside.")
    api.next_step(f"tidings sources {'retry' if found else 'show'} {id}")
    return Exit.OK


def _why(one: dict[str, Any]) -> str:
    return str(one["error"]["message"]).rpartition(" (")[0] or one["error"]["message"]


def _show_message(api: ApiClient, id: str, path: str, as_json: bool) -> int:
    one = api.get(path)
    if as_json:
        print_line(one)
    else:
        text, size = one["body"]["text"], one["body"]["bytes"]
        print_facts(
            [
                ("message", one["id"]),
                ("at", moment(one["at"])),
                ("place", one["place"]),
                ("why", one["error"]["message"]),
                *((f"  {clean(head['name'])}", clean(head["value"])) for head in one["headers"]),
            ]
        )
        print(f"{size:,} bytes that are no text" if text is None else clean(text, True))
    api.next_step(f"tidings sources retry {id}")
    return Exit.OK


def retry(id: str, /, *, message: str | None = None, where: Where = HERE) -> int:
    """Retry messages that were set aside, with the current mapping, oldest first.

    Parameters
    ----------
    id
        src_…, or its name.
    message
        This one (asd_…) alone.
    """
    api = calls(where, seconds_max=120.0)
    one = "" if message is None else f"/aside/{part(message)}"
    path = f"{PATH}/{part(id)}{one}/redrive"
    result = api.send("POST", path)
    while (
        message is None
        and result["aside"] < result["messages"]
        and result["left"] > result["aside"]
    ):
        more = api.send("POST", path)
        result = {
            name: result[name] + more[name] for name in ("messages", "accepted", "duplicates")
        }
        result |= {"aside": more["aside"], "left": more["left"]}
    if where.json:
        print_line(result)
    say(
        f"{how_many(result['messages'], 'message')} tried: {result['accepted']:,} accepted, "
        f"{result['duplicates']:,} known before. {result['left']:,} still set aside."
    )
    api.next_step(f"tidings sources {'dead' if result['left'] else 'show'} {id}")
    return Exit.FAILED if result["left"] else Exit.OK
