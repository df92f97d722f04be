"""`tidings webhooks pull`: fetch the messages of a webhook of the type PULL."""

from typing import Any

from tidings.cli.calls import calls
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import clean, how_many, print_line, word
from tidings.cli.webhook_names import find_webhook
from tidings.cli.where import HERE, Where

WAIT_S = 20
AT_ONCE = 100


def pull(
    webhook: str,
    /,
    *,
    follow: bool = False,
    keep: bool = False,
    limit: int = 100,
    where: Where = HERE,
) -> int:
    """Fetch messages and print them. Printed messages are acknowledged.

    Parameters
    ----------
    webhook
        Its name or id; of the type PULL.
    follow
        Go on until Ctrl-C.
    keep
        Acknowledge nothing: they can be fetched again after half a minute.
    limit
        How many at most, without --follow.
    """
    if limit < 1:
        raise CommandExit(f"--limit must be 1 or more; got {limit}.", Exit.USAGE)
    api = calls(where, WAIT_S + 40.0)
    found = find_webhook(api, webhook)
    path = f"/v1/webHooks/{found['webHookId']}"
    seen = 0
    try:
        while follow or seen < limit:
            most = AT_ONCE if follow else min(AT_ONCE, limit - seen)
            asked = {"max": most, "waitInSeconds": WAIT_S if follow else 1}
            messages = api.send("POST", f"{path}/pull", asked)["messages"]
            if not (messages or follow):
                break
            for message in messages:
                _print(message, where.json)
            if messages and not keep:
                ids = [message["ackId"] for message in messages]
                result = api.send("POST", f"{path}/acknowledge", {"ackIds": ids})
                if result["passedOver"]:
                    _warn(result["passedOver"])
            seen += len(messages)
    except KeyboardInterrupt:
        pass
    if not where.json:
        say(how_many(seen, "message"))
    api.next_step(f"tidings deliveries list --webhook {word(found['name'])}")
    return Exit.OK


def _warn(passed_over: int) -> None:
    """Say on standard error that messages were printed and not acknowledged."""
    say(
        f"{how_many(passed_over, 'message')} could not be acknowledged: their leases had ended "
        "before they were printed. They will be delivered again under the same webhook-id."
    )


def _print(message: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_line(message)
    else:
        print(clean(message["body"]), flush=True)
