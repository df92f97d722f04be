"""`tidings tail`: events and deliveries as they happen, until Ctrl-C."""

import time
from collections import OrderedDict
from typing import Any

from rich.text import Text

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.events.event_names import EventNames
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.values import names
from tidings.cli.output import (
    STATES,
    clean,
    clock,
    console,
    duration,
    glyph,
    how_many,
    print_line,
)
from tidings.cli.webhook_names import find_webhook
from tidings.cli.where import HERE, Where

STREAM = "/v1/stream"
REMEMBERED_MAX = 10_000
AGAIN_S = 2.0


class FactFilter:
    """Selects the facts of the stream that are wanted. A delivery's event type is learned from its
    event."""

    def __init__(self, on: list[str], webhook: str | None, states: list[str]) -> None:
        self._on = frozenset(on)
        self._webhook = webhook
        self._states = frozenset(states)
        self._names: OrderedDict[str, str] = OrderedDict()  # by event id

    def name_of(self, event_id: str) -> str | None:
        """Return the event's type, if it was seen."""
        return self._names.get(event_id)

    def learn(self, event_id: str, name: str) -> None:
        """Remember an event's type, for as long as there is room."""
        self._names[event_id] = name
        if len(self._names) > REMEMBERED_MAX:
            self._names.popitem(last=False)

    def needs_name(self, kind: str, fact: dict[str, Any]) -> bool:
        """Return whether a fact is wanted only if its event, not seen yet, is of a wanted type."""
        return (
            kind == "delivery"
            and bool(self._on)
            and self._fits(fact)
            and fact["eventId"] not in self._names
        )

    def wants(self, kind: str, fact: dict[str, Any]) -> bool:
        """Return whether to print a fact."""
        if kind == "event":
            if self._webhook is not None or self._states:
                return False  # what is asked for is deliveries
            return not self._on or fact["eventName"] in self._on
        if kind == "delivery":
            named = not self._on or self._names.get(fact["eventId"]) in self._on
            return named and self._fits(fact)
        return kind == "dropped"

    def _fits(self, fact: dict[str, Any]) -> bool:
        fits = self._webhook is None or fact["webHookId"] == self._webhook
        return fits and (not self._states or fact["state"] in self._states)


def tail(
    *,
    on: EventNames | None = None,
    webhook: str | None = None,
    status: str | None = None,
    where: Where = HERE,
) -> int:
    """Print events and deliveries as they happen, until Ctrl-C.

    Parameters
    ----------
    on
        Only of these event types, with commas.
    webhook
        Only deliveries to this webhook, by its name or id.
    status
        Only attempts that ended so, with commas: delivered, retrying, failed.
    """
    api = calls(where)
    states = names(status) if status else []
    for state in states:
        if state not in ("delivered", "retrying", "failed"):
            raise CommandExit(
                "--status must be delivered, retrying or failed, separated by commas; got "
                f"{clean(state[:40])}. For others: tidings deliveries list --status parked",
                Exit.USAGE,
            )
    found = None if webhook is None else find_webhook(api, webhook)["webHookId"]
    wanted = FactFilter(names(on) if on else [], found, states)
    seen = 0
    try:
        for kind, fact in _facts(api):
            if kind == "event":
                wanted.learn(fact["eventId"], fact["eventName"])
            elif wanted.needs_name(kind, fact):
                _ask_name(api, wanted, fact["eventId"])
            if kind and wanted.wants(kind, fact):
                _print(kind, fact, wanted, where.json)
                seen += kind != "dropped"
    except KeyboardInterrupt:
        say(how_many(seen, "fact"))
        api.next_step("tidings deliveries list --status failed,retrying")
    return Exit.OK


def _ask_name(api: ApiClient, wanted: FactFilter, event_id: str) -> None:
    status, event = api.ask("GET", f"/v1/events/{part(event_id)}")
    wanted.learn(event_id, event["eventName"] if status == 200 else "")


def _facts(api: ApiClient) -> Any:
    """The stream, opened again where it breaks. Raise CommandExit where it cannot be had at all."""
    heard = False
    while True:
        try:
            for kind, fact in api.stream(STREAM):
                if not heard:
                    say(f"Listening to {api.server.url}. Ctrl-C ends it.")
                heard = True
                yield kind, fact
        except CommandExit as stop:
            if not heard or stop.code is not Exit.UNREACHABLE:
                raise
        say("The stream ended; events in the meantime are not shown. Reconnecting.")
        time.sleep(AGAIN_S)
        while not _is_there(api):
            time.sleep(AGAIN_S)


def _is_there(api: ApiClient) -> bool:
    try:
        return api.ask("GET", "/livez")[0] == 200
    except CommandExit:
        return False


def _print(kind: str, fact: dict[str, Any], wanted: FactFilter, as_json: bool) -> None:
    if as_json:
        print_line({"kind": kind} | fact)
        return
    out = console()
    if kind == "dropped":
        say(f"{fact['facts']:,} lines came too fast and are not shown.")
        return
    if kind == "event":
        line = f"{clock(fact['acceptedAt'])}  · accepted   {fact['eventName']}"
        hooks = fact["webhooks"]
        text = Text(clean(f"{line}  for {hooks} webhook{'' if hooks == 1 else 's'}  "))
        text.append(clean(fact["eventId"]), style="bright_black")
    else:
        text = Text(f"{clock(time.time() * 1000)}  ")
        text.append_text(glyph(fact["state"]))
        outcome = fact["status"] or fact["fault"]
        name = wanted.name_of(fact["eventId"]) or fact["eventId"]
        colour = STATES.get(fact["state"], ("", ""))[1]
        text.append(f" {fact['state']:<10}", style=colour)
        text.append(clean(f" {name}  {fact['webHookName']}  {outcome}  "))
        text.append(clean(f"{duration(fact['durationMs'])}  try {fact['attempt']}  "))
        if (wait_ms := fact["nextAttemptInMs"]) is not None:
            text.append(f"again in {wait_ms / 1000:.0f} s  ")
        text.append(clean(fact["deliveryId"]), style="bright_black")
    out.print(text, soft_wrap=not out.is_terminal)
