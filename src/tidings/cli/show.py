"""`tidings show`: opens whatever an id names."""

import re
from collections.abc import Callable
from typing import Any

from tidings.cli.calls import Calls, calls, part
from tidings.cli.credentials import show_credential
from tidings.cli.deliveries import print_deliveries, show_delivery
from tidings.cli.exits import Exit, Stop, say
from tidings.cli.inboxes import show_inbox
from tidings.cli.orgs import print_org
from tidings.cli.output import (
    clean,
    how_many,
    moment,
    number,
    print_facts,
    print_line,
    print_lines,
    print_table,
    word,
)
from tidings.cli.replay import show_replay
from tidings.cli.webhook_names import WEBHOOK_ID, all_webhooks, find_webhook, is_there
from tidings.cli.webhooks import show_webhook
from tidings.cli.where import HERE, Where

Look = Callable[[Calls, str, bool], int]
EVENT_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")
FOUND_MAX = 20


def show(id: str, /, *, where: Where = HERE) -> int:
    """Show whatever an id names.

    Parameters
    ----------
    id
        An id of any kind, a webhook's name, or any value that events are found by.
    """
    api = calls(where)
    for look in _looks(id):
        try:
            return look(api, id, where.json)
        except Stop as stop:
            if stop.code is not Exit.NOT_FOUND:
                raise
    raise Stop(
        f"ID must name something of this org; nothing is named {clean(id[:64])}. Check the id, "
        "and the org of the credential.",
        Exit.NOT_FOUND,
    )


def _looks(id: str) -> list[Look]:
    """Where to look, in order: an id that explains itself is looked for in one place."""
    exact: dict[str, Look] = {
        "dlv": show_delivery,
        "rpl": show_replay,
        "inb": show_inbox,
        "arr": _arrival,
        "tdk": show_credential,
    }
    prefix, underscore, _ = id.partition("_")
    if underscore and prefix in exact:
        return [exact[prefix]]
    looks: list[Look] = []
    if WEBHOOK_ID.fullmatch(id):
        looks.append(_webhook)
    if id.isascii() and id.isdigit():
        looks.append(_org)
    if EVENT_ID.fullmatch(id):
        looks.append(show_event)
    return [*looks, _consumer_group, _webhook, _by_value]


def show_event(api: Calls, id: str, as_json: bool) -> int:
    """Print an event and its fate at every webhook; the exit code."""
    found = api.get(f"/v1/events/{part(id)}")
    if as_json:
        print_line(found)
        return Exit.OK
    print_facts(
        [
            ("event", found["eventId"]),
            ("type", found["eventName"]),
            ("org", number(found["orgId"])),
            ("accepted", moment(found["acceptedAt"])),
            ("warning", found["warning"]),
        ]
    )
    deliveries = found["deliveries"]
    if deliveries:
        print_deliveries(deliveries)
        bad = [one for one in deliveries if one["state"] != "delivered"]
        api.next_step(f"tidings show {(bad or deliveries)[0]['id']}")
    else:
        say("No webhook wanted it.")
        api.next_step("tidings webhooks list")
    return Exit.OK


def _webhook(api: Calls, id: str, as_json: bool) -> int:
    return _print_webhook(api, find_webhook(api, id), as_json)


def _print_webhook(api: Calls, found: dict[str, Any], as_json: bool) -> int:
    show_webhook(found, as_json)
    api.next_step(f"tidings deliveries list --webhook {word(found['name'])}")
    return Exit.OK


def _consumer_group(api: Calls, id: str, as_json: bool) -> int:
    for webhook in sorted(all_webhooks(api), key=is_there, reverse=True):
        if webhook["consumerGroupId"] == id.lower():
            return _print_webhook(api, webhook, as_json)
    raise Stop("", Exit.NOT_FOUND)


def _org(api: Calls, id: str, as_json: bool) -> int:
    print_org(api.get(f"/v1/orgs/{part(id)}"), as_json)
    api.next_step(f"tidings webhooks list --org {id}")
    return Exit.OK


def _arrival(api: Calls, id: str, as_json: bool) -> int:
    for inbox in api.get("/v1/inboxes")["inboxes"]:
        try:
            return show_inbox(api, inbox["id"], as_json, id)
        except Stop as stop:
            if stop.code is not Exit.NOT_FOUND:
                raise
    raise Stop("", Exit.NOT_FOUND)


def _by_value(api: Calls, id: str, as_json: bool) -> int:
    """Events that are found by a request id, a customer, a bill number …"""
    found: list[dict[str, Any]] = []
    for name in ("requestId", "q"):
        if not found and len(id) <= 255:
            found = api.get("/v1/events", limit=FOUND_MAX, **{name: id})["events"]
    if not found:
        raise Stop("", Exit.NOT_FOUND)
    if as_json:
        print_lines(found)
        return Exit.OK
    rows = [
        (moment(one["acceptedAt"]), one["eventName"], one["deliveries"], one["eventId"])
        for one in found
    ]
    print_table(("Accepted", "Event", "Webhooks", "Id"), rows, right="Webhooks")
    newest = ", the newest" if len(found) == FOUND_MAX else ""
    say(f"{how_many(len(found), 'event')} with this value{newest}")
    api.next_step(f"tidings show {found[0]['eventId']}")
    return Exit.OK
