"""`tidings events log` and `rejected`: what was accepted, and what was refused."""

from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.calls import calls
from tidings.cli.exits import Exit, say
from tidings.cli.lookups import moment_of, rows
from tidings.cli.output import how_many, moment, print_lines, print_table
from tidings.cli.where import HERE, Where


def log(
    *,
    on: str | None = None,
    since: str | None = None,
    until: str | None = None,
    search: str | None = None,
    request: str | None = None,
    unwanted: Annotated[bool, Parameter(negative=())] = False,
    limit: int = 50,
    where: Where = HERE,
) -> int:
    """List the events that were accepted, newest first. All filters combine.

    Parameters
    ----------
    on
        Only of these event types, with commas.
    since
        Not before: 30m, 2h, 3d ago, or an ISO time.
    until
        Before this time.
    search
        A value to find events by: customer id, mobile, e-mail, bill number …
    request
        Only what this API request has raised.
    unwanted
        Only those that no webhook wanted.
    limit
        How many.
    """
    asked: dict[str, Any] = {
        "eventName": on,
        "from": moment_of("--since", since),
        "to": moment_of("--until", until),
        "q": search,
        "requestId": request,
        "matched": False if unwanted else None,
    }
    api = calls(where)
    found = list(rows(api, "/v1/events", "events", limit, **asked))
    if where.json:
        print_lines(found)
        return Exit.OK
    if not found:
        say("No event fits.")
        api.next_step("tidings tail")
        return Exit.OK
    table = [
        (moment(one["acceptedAt"]), one["eventName"], one["deliveries"], one["eventId"])
        for one in found
    ]
    print_table(("Accepted", "Event", "Webhooks", "Id"), table, right="Webhooks")
    say(how_many(len(found), "event") + (", the newest" if len(found) == limit else ""))
    api.next_step(f"tidings show {found[0]['eventId']}")
    return Exit.OK


def rejected(*, limit: int = 50, where: Where = HERE) -> int:
    """List the events that were refused, and why, newest first.

    Parameters
    ----------
    limit
        How many.
    """
    api = calls(where)
    found = list(rows(api, "/v1/rejections", "rejections", limit))
    if where.json:
        print_lines(found)
        return Exit.OK
    if not found:
        say("No event was refused.")
        api.next_step("tidings events log")
        return Exit.OK
    table = [
        (moment(one["rejectedAt"]), one["eventName"], one["eventId"], one["error"]["message"])
        for one in found
    ]
    print_table(("Refused", "Event", "Id", "Why"), table)
    say(how_many(len(found), "event"))
    api.next_step("tidings events list")
    return Exit.OK
