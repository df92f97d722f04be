"""`tidings webhooks test` and `preview`: try a webhook before events depend on it."""

from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.calls import calls
from tidings.cli.events.event_names import EventName
from tidings.cli.exits import Exit, say
from tidings.cli.output import (
    clean,
    duration,
    how_many,
    print_facts,
    print_line,
    print_lines,
    print_list,
    word,
)
from tidings.cli.webhook_names import find_webhook
from tidings.cli.where import HERE, Where
from tidings.list_columns import PREVIEWED


def test(
    webhook: str,
    /,
    *,
    event: EventName | None = None,
    now: Annotated[bool, Parameter(negative=())] = False,
    where: Where = HERE,
) -> int:
    """Send a signed test message and show the answer. It is not stored.

    Parameters
    ----------
    webhook
        Its name or id.
    event
        The event type whose example is sent. Default: the first that the webhook wants.
    now
        Do what an action does also in the customer's quiet hours.
    """
    api = calls(where, 60.0)
    found = find_webhook(api, webhook)
    body: dict[str, Any] = {} if event is None else {"eventName": event}
    if now:
        body["now"] = True
    result = api.send("POST", f"/v1/webHooks/{found['webHookId']}/test", body)
    if where.json:
        print_line(result)
    else:
        answer = result.get("answer") or {}
        text = (answer.get("body") or {}).get("text")
        print_facts(
            [
                ("sent", f"{result['request']['method']} {result['request']['url']}"),
                ("event", result.get("eventName")),
                ("answer", result.get("status")),
                ("took", duration(result.get("durationInMs"))),
                ("body", text and clean(text[:500], lines=True)),
            ]
        )
    if result.get("warning"):
        say(clean(result["warning"]["message"]))
    if result.get("advice"):
        say(clean(result["advice"]))
    if result["delivered"]:
        api.next_step(f"tidings tail --webhook {word(found['name'])}")
        return Exit.OK
    api.next_step(f"tidings doctor {word(found['name'])}")
    return Exit.FAILED


def preview(webhook: str, /, *, last: int = 20, where: Where = HERE) -> int:
    """Show which of the latest events the webhook would have received. Nothing is sent.

    Parameters
    ----------
    webhook
        Its name or id.
    last
        How many of the newest events of its types are tried, 1 to 200.
    """
    api = calls(where, 60.0)
    found = find_webhook(api, webhook)
    preview = api.send(
        "POST", "/v1/webHooks/preview", {"webHookId": found["webHookId"], "last": last}
    )
    if not preview["looked"]:
        say("No event of its types has arrived yet, so there is nothing to preview.")
        from tidings.cli.events.type_lookup import raising  # noqa: PLC0415  # the catalogue takes its time

        api.next_step(raising(found["eventNames"]))
        return Exit.OK
    if where.json:
        print_lines(preview["events"])
    else:
        print_list(
            PREVIEWED.shell,
            preview["events"],
            received=lambda event: "✓" if event["received"] else "–",
            body=lambda event: _sent(event) if event["body"] else event["why"],
        )
    of = how_many(preview["looked"], "event")
    say(f"It would have received {preview['received']:,} of the last {of}.")
    api.next_step(f"tidings webhooks test {word(found['name'])}")
    return Exit.OK


def _sent(row: dict[str, Any]) -> str:
    """The size of a payload, and what it would lack."""
    lacks = f" ({row['warning']['code'].replace('_', ' ')})" if row.get("warning") else ""
    return f"{row['body']['bytes']:,} bytes{lacks}"
