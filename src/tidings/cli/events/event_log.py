"""`tidings events log`, `rejected` and `retry`: what was accepted, and what was refused."""

from typing import Any

from tidings import list_columns
from tidings.cli.calls import ApiClient, calls, part, rows
from tidings.cli.events.log_options import QueryFields, query_of, with_filters
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import (
    clean,
    how_many,
    moment,
    number,
    print_deliveries,
    print_facts,
    print_line,
    print_lines,
    print_list,
    word,
)
from tidings.cli.where import HERE, Where
from tidings.reads.filters import EVENTS, VALUE_MAX

FOUND_MAX = 20  # events with a value
LOOKED_MAX = 2000  # events whose webhook-id is computed


@with_filters(EVENTS)
def log(*, asked: QueryFields, limit: int = 50, where: Where = HERE) -> int:
    """List the events that were accepted, newest first. All filters combine.

    Parameters
    ----------
    limit
        How many.
    """
    api = calls(where)
    query = query_of(api, EVENTS, asked)
    found = list(rows(api, "/v1/events", "events", limit, **query))
    if not found:
        say("No event matches." if query else "The org has no events yet.")
        api.next_step("tidings events log" if query else "tidings simulate --events 20")
        return Exit.OK
    if where.json:
        print_lines(found)
    else:
        _print_events(found)
    say(how_many(len(found), "event") + (", the newest" if len(found) == limit else ""))
    api.next_step(f"tidings show {found[0]['eventId']}")
    return Exit.OK


def rejected(*, limit: int = 50, where: Where = HERE) -> int:
    """List rejected events with the reason, newest first.

    Parameters
    ----------
    limit
        How many.
    """
    api = calls(where)
    found = list(rows(api, "/v1/rejections", "rejections", limit))
    if not found:
        say("No events were rejected.")
        api.next_step("tidings events log")
        return Exit.OK
    if where.json:
        print_lines(found)
    else:
        print_list(list_columns.REJECTIONS.shell, found)
    say(how_many(len(found), "refused event") + (", the newest" if len(found) == limit else ""))
    api.next_step(f"tidings show {found[0]['id']}")
    return Exit.OK


def retry(id: str, /, *, where: Where = HERE) -> int:
    """Send a refused event again. It is checked by the current rules.

    Parameters
    ----------
    id
        rej_…
    """
    api = calls(where)
    result = api.send("POST", f"/v1/rejections/{part(id)}/retry")
    if where.json:
        print_line(result)
    say(f"{clean(result['eventId'])}: {clean(result['status'])}")
    if result.get("warning"):
        say(clean(result["warning"]))
    api.next_step(f"tidings show {word(result['eventId'])}")
    return Exit.OK


# -- one event, as `tidings show` shows it ---------------------------------------------------------


def show_event(api: ApiClient, id: str, as_json: bool) -> int:
    """Print an event and its fate at every webhook; the exit code."""
    found = api.get(f"/v1/events/{part(id)}")
    deliveries = found["deliveries"]
    if as_json:
        print_line(found)
    else:
        print_facts(
            [
                ("event", found["eventId"]),
                ("type", found["eventName"]),
                ("org", number(found["orgId"])),
                ("accepted", moment(found["acceptedAt"])),
                ("warning", found["warning"]),
            ]
        )
        if deliveries:
            print_deliveries(deliveries)
    if deliveries:
        bad = [delivery for delivery in deliveries if delivery["state"] != "delivered"]
        api.next_step(f"tidings show {(bad or deliveries)[0]['id']}")
    else:
        say("No webhook subscribes to it.")
        api.next_step("tidings webhooks list")
    return Exit.OK


def show_by_message_id(api: ApiClient, id: str, as_json: bool) -> int:
    """Print the event that was sent with this `webhook-id`, which is a hash of the event's own id;
    the exit code."""
    from tidings.core.ids import OrgId, message_id  # noqa: PLC0415  # help needs it not

    org = OrgId(api.org())
    for row in rows(api, "/v1/events", "events", LOOKED_MAX):
        if message_id(org, row["eventId"]) == id:
            return show_event(api, row["eventId"], as_json)
    raise CommandExit(
        f"ID must be the webhook-id of an event; none of the newest {LOOKED_MAX:,} has it. Check "
        "it.",
        Exit.NOT_FOUND,
    )


def show_by_value(api: ApiClient, id: str, as_json: bool) -> int:
    """Print events that are found by a request id, a customer, a bill number …; the exit code."""
    found: list[dict[str, Any]] = []
    for name in ("requestId", "q"):
        if not found and len(id) <= VALUE_MAX:
            found = api.get("/v1/events", limit=FOUND_MAX, **{name: id})["events"]
    if not found:
        raise CommandExit(
            "ID must be a value of an event; no event has it. Check it.", Exit.NOT_FOUND
        )
    if as_json:
        print_lines(found)
    else:
        _print_events(found)
    newest = ", the newest" if len(found) == FOUND_MAX else ""
    say(f"{how_many(len(found), 'event')} with this value{newest}")
    api.next_step(f"tidings show {found[0]['eventId']}")
    return Exit.OK


def show_rejection(api: ApiClient, id: str, as_json: bool) -> int:
    """Print a refused event: why, and what had come; the exit code."""
    found = api.get(f"/v1/rejections/{part(id)}")
    if as_json:
        print_line(found)
    else:
        text = found["body"]["text"]
        print_facts(
            [
                ("refused", found["id"]),
                ("at", moment(found["rejectedAt"])),
                ("type", found["eventName"]),
                ("event", found["eventId"]),
                ("why", found["error"]["message"]),
                ("where", found["error"]["path"]),
            ]
        )
        size = f"{found['body']['bytes']:,} bytes"
        print(f"{size} that are no text" if text is None else clean(text, lines=True))
    api.next_step(f"tidings events retry {found['id']}")
    return Exit.OK


def _print_events(found: list[dict[str, Any]]) -> None:
    print_list(list_columns.EVENTS.shell, found)
