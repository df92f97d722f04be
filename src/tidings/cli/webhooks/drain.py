"""`tidings webhooks drain`: try a webhook now, and send what waits for it."""

import time
from typing import Annotated, Any

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TextColumn

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.exits import Exit, say
from tidings.cli.output import clean, console, print_facts, print_line, word
from tidings.cli.webhook_names import find_webhook
from tidings.cli.where import HERE, Where

POLL_S = 0.25
UNDER_WAY = ("probing", "draining")


def drain(
    webhook: str,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    detach: Annotated[bool, Parameter(negative=())] = False,
    where: Where = HERE,
) -> int:
    """Try a webhook now: if its receiver answers, everything that waits is sent.

    Parameters
    ----------
    webhook
        Its name or id.
    dry_run
        Only show how many deliveries wait, and about how long draining takes.
    detach
        Do not wait for its end.
    """
    api = calls(where)
    found = find_webhook(api, webhook)
    path = f"/v1/webHooks/{part(found['webHookId'])}/drain"
    name = word(found["name"])
    if dry_run:
        _print(api.get(path), where.json)
        api.next_step(f"tidings webhooks drain {name}")
        return Exit.OK
    going = api.send("POST", path, None)
    say(f"{clean(going['expected'])}. Trying one delivery.")
    if not detach:
        going = _watch(api, path, going)
    _print(going, where.json)
    if going["state"] in UNDER_WAY:
        api.next_step(f"tidings webhooks drain {name} --dry-run")
        return Exit.OK
    if going["state"] == "done" and not going["failed"]:
        api.next_step(f"tidings deliveries list --webhook {name}")
        return Exit.OK
    probe = going["probe"]
    shown = going["state"] == "refused" and probe is not None
    api.next_step(
        f"tidings deliveries show {probe['deliveryId']}"
        if shown
        else f"tidings doctor webhook {name}"
    )
    return Exit.FAILED


def _watch(api: ApiClient, path: str, going: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end, with its progress on a terminal. Ctrl-C leaves it going on."""
    talk = console(stderr=True)
    columns = (TextColumn("drain"), BarColumn(40), TextColumn("{task.description}"))
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        try:
            while going["state"] in UNDER_WAY:
                done = going["queued"] - going["left"]
                share = done / going["queued"] if going["queued"] else 0.0
                bar.update(task, completed=share, description=clean(going["text"]))
                time.sleep(POLL_S)
                going = api.get(path)
        except KeyboardInterrupt:
            say("It goes on by itself.")
            raise
    if going["state"] != "none":
        return going
    from tidings.core.delivery.drain import LOST_SIGHT  # noqa: PLC0415  # help needs it not

    return going | {"text": LOST_SIGHT}


def _print(going: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_line(going)
        return
    say(clean(going["text"]))
    if going["state"] == "none":
        return
    probe = going["probe"] or {}
    print_facts(
        [
            ("state", going["state"]),
            ("delivered", f"{going['delivered']:,}"),
            ("failed", f"{going['failed']:,}"),
            ("left", f"{going['left']:,}"),
            ("answer", probe.get("status") or probe.get("fault")),
            ("body", clean(probe["body"]) if probe.get("body") else None),
            ("what to do", probe.get("advice")),
        ]
    )
