"""`tidings show`: opens whatever an id names."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.credentials import show_credential
from tidings.cli.deliveries import show_delivery
from tidings.cli.events.event_log import (
    LOOKED_MAX,
    show_by_message_id,
    show_by_value,
    show_event,
    show_rejection,
)
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.inboxes.inboxes import find_arrival, show_inbox
from tidings.cli.orgs import show_org
from tidings.cli.output import clean, moment, print_facts, print_line
from tidings.cli.replay import show_replay
from tidings.cli.sources.sources import show_source
from tidings.cli.webhook_names import WEBHOOK_ID
from tidings.cli.webhooks.alerts import show_channel
from tidings.cli.webhooks.incidents import show_incident
from tidings.cli.webhooks.webhooks import show_by_consumer_group, show_named
from tidings.cli.where import HERE, Where


@dataclass(frozen=True)
class LookupPlace:
    """One place to look in: for what, in words, and how it is opened."""

    words: str
    open: Callable[[ApiClient, str, bool], int]


def show_user(api: ApiClient, id: str, as_json: bool) -> int:
    """Print a person who may sign in; the exit code."""
    org = api.org()
    found = api.get(f"/v1/orgs/{org}/users/{part(id)}")
    if as_json:
        print_line(found)
    else:
        print_facts(
            [
                ("user", found["id"]),
                ("e-mail", found["email"]),
                ("name", found["name"]),
                ("role", found["role"]),
                ("status", found["status"]),
                ("made", moment(found["createdAt"])),
                ("by", found["createdBy"]),
            ]
        )
    api.next_step(f"tidings orgs show {org}")
    return Exit.OK


TYPED = {
    "dlv": LookupPlace("a delivery of this id", show_delivery),
    "rpl": LookupPlace("a replay of this id", show_replay),
    "inc": LookupPlace("an incident of this id", show_incident),
    "alc": LookupPlace("an alert channel of this id", show_channel),
    "inb": LookupPlace("a test inbox of this id", show_inbox),
    "src": LookupPlace("a source of this id", show_source),
    "arr": LookupPlace("an arrival at a test inbox of this id", find_arrival),
    "rej": LookupPlace("a refused event of this id", show_rejection),
    "tdk": LookupPlace("a credential of this id", show_credential),
    "usr": LookupPlace("a user of this id", show_user),
}
_TYPED = re.compile(r"([a-z]{3})_(?:[0-7][0-9a-hjkmnp-tv-z]{12}|(?<=tdk_|usr_)[A-Za-z0-9]+)")
_EVENT_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")
_MESSAGE_ID = re.compile(r"evt_[0-9a-f]{32}")
_REPLAYED = re.compile(r"~rpl_[0-9a-z]{13}$")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SECRET = re.compile(r"(?:^|:)(tds|whsec|lnk)_.")


def show(id: str, /, *, where: Where = HERE) -> int:
    """Show anything by its id.

    Parameters
    ----------
    id
        An id of any kind, a webhook's name, or any value that events are found by.
    """
    if (secret := _SECRET.search(id)) is not None:
        raise CommandExit(
            f"ID must be an id; got a secret ({secret[1]}_…). It was not sent anywhere. Use the id "
            "next to it; if the secret has leaked, rotate it.",
            Exit.USAGE,
        )
    if id.startswith("att_"):
        raise CommandExit(
            "ID must not be an attempt's; got one. A delivery shows all its attempts: tidings show "
            "dlv_…",
            Exit.NOT_FOUND,
        )
    api = calls(where)
    wanted = _REPLAYED.sub("", id)  # what a replay sends again has the event's id before it
    looks = _looks(wanted)
    denied: list[str] = []
    step = ""
    for look in looks:
        try:
            return look.open(api, wanted, where.json)
        except CommandExit as stop:
            step = step or stop.step
            if stop.code is Exit.REFUSED:
                denied.append(stop.problem)
            elif stop.code is not Exit.NOT_FOUND:
                raise
    nothing = _nothing(api, id, looks, denied)
    nothing.step = step
    raise nothing


def _looks(id: str) -> list[LookupPlace]:
    """List the places to look in, in order; an id that explains itself has one place."""
    found = []
    if (typed := TYPED.get(id.partition("_")[0])) and "_" in id:
        found.append(typed)
        if _TYPED.fullmatch(id):
            return found
    if WEBHOOK_ID.fullmatch(id.lower()):
        found.append(LookupPlace("a webhook of this id", show_named))
    if id.isascii() and id.isdigit():
        found.append(LookupPlace("an org of this number", show_org))
    if _EVENT_ID.fullmatch(id):
        found.append(LookupPlace("an event of this id", show_event))
    if _MESSAGE_ID.fullmatch(id):
        words = f"an event with this webhook-id among the newest {LOOKED_MAX:,}"
        return [*found, LookupPlace(words, show_by_message_id)]
    if _UUID.fullmatch(id):
        found.append(LookupPlace("a webhook of this consumer group", show_by_consumer_group))
    return [
        *found,
        LookupPlace("a webhook of this name", show_named),
        LookupPlace("an event with this value", show_by_value),
    ]


def _nothing(api: ApiClient, id: str, looks: list[LookupPlace], denied: list[str]) -> CommandExit:
    """Build the exit of a search without a result; refused where the credential may not look
    everywhere."""
    if len(denied) == len(looks) and len(set(denied)) == 1:
        return CommandExit(
            denied[0], Exit.REFUSED
        )  # it is the call that is wrong, not where it looks
    words = [look.words for look in looks]
    looked = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    shown = clean(id if len(id) <= 64 else id[:64] + "…")
    try:
        org = f"org {api.org()}"
    except CommandExit:
        org = "the org"
    message = f"ID must name something of {org}; got {shown}. Looked for {looked}."
    if denied:
        reasons = "\n".join(dict.fromkeys(denied))
        return CommandExit(f"{message} Some lookups failed:\n{reasons}", Exit.REFUSED)
    return CommandExit(f"{message} Check the id; --org names another org.", Exit.NOT_FOUND)
