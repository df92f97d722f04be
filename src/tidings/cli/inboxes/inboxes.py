"""`tidings inboxes`: receiving addresses inside the service, to try everything with."""

from typing import Any

from cyclopts import App

from tidings.cli.calls import ApiClient, calls, check_limit, part, rows
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import DeclaredOption, Written, flags
from tidings.cli.options.values import headers, seconds
from tidings.cli.output import (
    clean,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.where import HERE, Where
from tidings.list_columns import ARRIVALS, INBOXES

app = App(name="inboxes", help="Test inboxes: receiving URLs inside the service.")
app.command("tidings.cli.inboxes.inboxes:create", name="create")
PATH = "/v1/inboxes"


def _new() -> tuple[DeclaredOption, ...]:
    from tidings.core.declaration import declared
    from tidings.core.inbox_rules import InboxForm

    written = {
        "name": Written(("name",)),
        "delayMs": Written(
            ("--delay",),
            str,
            lambda option, text: round(seconds(option, text) * 1000),
            about="After how long it answers: 2s, 500ms.",
        ),
        "headers": Written(
            ("--header",),
            list[str],
            headers,
            about='A header of the answer, as "Name: value". May be given several times.',
        ),
    }
    return flags(declared(InboxForm), written, new=True, first=("name",))


@app.command(name="list")
def list_all(*, where: Where = HERE) -> int:
    """List the test inboxes of the org."""
    api = calls(where)
    found = api.get(PATH)["inboxes"]
    if where.json:
        print_lines(found)
    elif found:
        print_list(INBOXES.shell, found, answer=lambda inbox: _answer(inbox["answer"]))
    say(how_many(len(found), "inbox") if found else "The org has no test inboxes.")
    api.next_step(f"tidings inboxes show {found[0]['id']}" if found else "tidings inboxes create")
    return Exit.OK


def _answer(answer: dict[str, Any]) -> str:
    after = f" after {answer['delayMs'] / 1000:g} s" if answer["delayMs"] else ""
    return f"{answer['status']}{after}"


@with_flags(_new)
def create(parsed: ParsedOptions, /, *, where: Where = HERE) -> int:
    """Create a test inbox: use its URL as a webhook's URL."""
    api = calls(where)
    made = api.send("POST", PATH, parsed.body)
    print_inbox(made, where.json)
    api.next_step(f"tidings webhooks create try {made['url']} --on pointsIssued")
    return Exit.OK


def print_inbox(one: dict[str, Any], as_json: bool) -> None:
    """Print all of an inbox but its arrivals."""
    if as_json:
        print_line(one)
        return
    print_facts(
        [
            ("inbox", one["id"]),
            ("name", one["name"]),
            ("URL", one["url"]),
            ("answers", _answer(one["answer"])),
            ("made", moment(one["createdAt"])),
        ]
    )


@app.command
def show(id: str, /, *, arrival: str | None = None, limit: int = 20, where: Where = HERE) -> int:
    """Show what has arrived, newest first, each with a verdict on its signature.

    Parameters
    ----------
    id
        inb_…
    arrival
        Show this one (arr_…) with its headers and body.
    limit
        How many.
    """
    return show_inbox(calls(where), id, where.json, arrival, limit)


def show_inbox(
    api: ApiClient, id: str, as_json: bool, arrival: str | None = None, limit: int = 20
) -> int:
    """Print an inbox, or one of its arrivals; the exit code."""
    check_limit(limit)
    path = f"{PATH}/{part(id)}"
    if arrival is not None:
        return _show_arrival(api, id, arrival, as_json)
    inbox = api.get(path)
    found = list(rows(api, f"{path}/arrivals", "arrivals", limit))
    if as_json:
        print_lines(found)
    else:
        print_inbox(inbox, False)
        _print_arrivals(found)
    if found:
        api.next_step(f"tidings inboxes show {inbox['id']} --arrival {found[0]['id']}")
    else:
        say("Nothing has arrived yet.")
        api.next_step(f"tidings webhooks create try {inbox['url']} --on pointsIssued")
    return Exit.OK


def _print_arrivals(found: list[dict[str, Any]]) -> None:
    if found:
        print_list(ARRIVALS.shell, found)


def find_arrival(api: ApiClient, id: str, as_json: bool) -> int:
    """Print an arrival, whichever inbox it is in; the exit code."""
    for inbox in api.get(PATH)["inboxes"]:
        try:
            return _show_arrival(api, inbox["id"], id, as_json)
        except CommandExit as stop:
            if stop.code is not Exit.NOT_FOUND:
                raise
    raise CommandExit(
        "ID must be an arrival's; no inbox of the org has it. Check it.", Exit.NOT_FOUND
    )


def _show_arrival(api: ApiClient, inbox: str, id: str, as_json: bool) -> int:
    one = api.get(f"{PATH}/{part(inbox)}/arrivals/{part(id)}")
    if as_json:
        print_line(one)
    else:
        text, size = one["body"]["text"], one["body"]["bytes"]
        print_facts(
            [
                ("arrival", one["id"]),
                ("at", moment(one["arrivedAt"])),
                ("signature", f"{one['verdict']}: {one['reason']}"),
                ("answered", one["status"]),
                *((f"  {clean(head['name'])}", clean(head["value"])) for head in one["headers"]),
            ]
        )
        print(f"{size:,} bytes that are no text" if text is None else clean(text, True))
    api.next_step(f"tidings inboxes show {inbox}")
    return Exit.OK


@app.command
def delete(id: str, /, *, where: Where = HERE) -> int:
    """Delete a test inbox with its arrivals.

    Parameters
    ----------
    id
        inb_…
    """
    api = calls(where)
    api.send("DELETE", f"{PATH}/{part(id)}")
    if where.json:
        print_line({"id": id, "deleted": True})
    say(f"{clean(id)} is deleted.")
    api.next_step("tidings inboxes list")
    return Exit.OK
