"""`tidings alerts`: where an org hears of incidents outside of Tidings."""

from datetime import datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import DeclaredOption, Written, flags
from tidings.cli.options.files import FileName, read_bytes
from tidings.cli.output import (
    clean,
    confirm,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.where import HERE, Where
from tidings.list_columns import ALERT_CHANNELS

app = App(name="alerts", help="Alert channels: hear of incidents by e-mail, Slack or PagerDuty.")
for _name in ("create", "edit"):
    app.command(f"tidings.cli.webhooks.alerts:{_name}", name=_name)
PATH = "/v1/alertChannels"
SECRET_OF = {"slack": "url", "pagerduty": "routingKey"}
Secret = Annotated[FileName | None, Parameter(negative=())]


def _written() -> dict[str, Written]:
    return {
        "name": Written(("name",)),
        "url": Written(
            ("--events-url",),
            str,
            lambda _, text: text,
            about="Of type pagerduty: where events go, if not to PagerDuty itself.",
        ),
        "from": Written(
            ("--quiet-from",),
            str,
            lambda _, text: text,
            about="When quiet hours begin, in the org's time zone: 22:00.",
        ),
        "to": Written(("--quiet-to",), str, lambda _, text: text),
        "days": Written(("--quiet-days",)),
        "kinds": Written(("--quiet-kinds",)),
        "untilMs": Written(
            ("--quiet-until",),
            str,
            _until,
            about="Nothing is sent before this time: 2027-01-02T08:00:00Z; off ends that.",
        ),
    }


def _until(option: str, text: str) -> int:
    if text == "off":
        return 0
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise CommandExit(
            f"{option} must be an ISO time, or off; got {clean(text[:40])}. Write "
            "2027-01-02T08:00:00Z.",
            Exit.USAGE,
        ) from None


def _options(*, new: bool) -> tuple[DeclaredOption, ...]:
    from tidings.core.alerts.channel import AlertChannel
    from tidings.core.declaration import declared

    first = ("name",) if new else ()
    written = _written() if new else _written() | {"name": Written()}
    return flags(declared(AlertChannel), written, new=new, first=first, but=("routingKey",))


def _new() -> tuple[DeclaredOption, ...]:
    return _options(new=True)


def _change() -> tuple[DeclaredOption, ...]:
    return _options(new=False)


@app.command(name="list")
def list_all(*, where: Where = HERE) -> int:
    """List the alert channels of the org."""
    api = calls(where)
    found = api.get(PATH)["alertChannels"]
    if where.json:
        print_lines(found)
    elif found:
        print_list(ALERT_CHANNELS.shell, found, state=_state)
    say(how_many(len(found), "alert channel") if found else "The org has no alert channels.")
    step = f"tidings alerts test {found[0]['id']}" if found else "tidings alerts create --help"
    api.next_step(step)
    return Exit.OK


def _state(channel: dict[str, Any]) -> str:
    if not channel["enabled"]:
        return "off"
    return "takes nothing" if channel["lastError"] else "on"


@with_flags(_new)
def create(parsed: ParsedOptions, /, *, secret: Secret = None, where: Where = HERE) -> int:
    """Create an alert channel: it hears of each incident when it opens, grows and ends.

    Parameters
    ----------
    secret
        A file with the URL (slack) or the integration key (pagerduty); - is stdin.
    """
    api = calls(where)
    made = api.send(
        "POST", PATH, _with_secret(parsed.body, parsed.body.get("type", "slack"), secret)
    )
    _print_channel(made, where.json)
    api.next_step(f"tidings alerts test {made['id']}")
    return Exit.OK


@with_flags(_change)
def edit(
    parsed: ParsedOptions, channel: str, /, *, secret: Secret = None, where: Where = HERE
) -> int:
    """Change some settings of an alert channel; its type stays.

    Parameters
    ----------
    channel
        alc_…, or its name.
    secret
        A file with the new URL (slack) or integration key (pagerduty); - is stdin.
    """
    api = calls(where)
    known = _find(api, channel)
    body = _with_secret(parsed.body, known["type"], secret)
    if not body:
        raise CommandExit("Nothing is to be changed: give an option.", Exit.USAGE)
    made = api.send("PATCH", f"{PATH}/{part(known['id'])}", body)
    _print_channel(made, where.json)
    api.next_step(f"tidings alerts test {made['id']}")
    return Exit.OK


@app.command
def show(channel: str, /, *, where: Where = HERE) -> int:
    """Show an alert channel: its target, quiet hours and last message.

    Parameters
    ----------
    channel
        alc_…, or its name.
    """
    api = calls(where)
    return show_channel(api, str(_find(api, channel)["id"]), where.json)


@app.command
def test(channel: str, /, *, where: Where = HERE) -> int:
    """Send a test message now, and show what the other side has answered.

    Parameters
    ----------
    channel
        alc_…, or its name.
    """
    api = calls(where)
    known = _find(api, channel)
    tried = api.send("POST", f"{PATH}/{part(known['id'])}/test")
    if where.json:
        print_line(tried)
    else:
        print_facts([("status", tried["status"]), ("answer", tried["answer"] or None)])
    if tried["taken"]:
        say(f"{clean(known['name'])} has taken the message.")
        api.next_step("tidings alerts list")
        return Exit.OK
    say(f"{clean(known['name'])} has not taken the message: {clean(tried['error'])}.")
    api.next_step(f"tidings alerts edit {known['id']} --help")
    return Exit.FAILED


@app.command
def delete(channel: str, /, *, yes: bool = False, where: Where = HERE) -> int:
    """Delete an alert channel. What it has triggered elsewhere stays open there.

    Parameters
    ----------
    channel
        alc_…, or its name.
    yes
        Do not ask.
    """
    api = calls(where)
    known = _find(api, channel)
    confirm(yes, f"Delete the alert channel {clean(known['name'])}?")
    api.send("DELETE", f"{PATH}/{part(known['id'])}")
    if where.json:
        print_line({"id": known["id"], "name": known["name"], "deleted": True})
    say(f"{clean(known['name'])} is deleted.")
    api.next_step("tidings alerts list")
    return Exit.OK


def show_channel(api: ApiClient, id: str, as_json: bool) -> int:
    """Print an alert channel, without its secrets; the exit code."""
    found = api.get(f"{PATH}/{part(id)}")
    _print_channel(found, as_json)
    api.next_step(f"tidings alerts test {found['id']}")
    return Exit.OK


def _find(api: ApiClient, channel: str) -> dict[str, Any]:
    """Find a channel by its id or its name. Raise CommandExit where none, or more than one, is
    called so."""
    if channel.startswith("alc_"):
        return dict(api.get(f"{PATH}/{part(channel)}"))
    found = [known for known in api.get(PATH)["alertChannels"] if known["name"] == channel]
    if len(found) == 1:
        return dict(found[0])
    count = f"{len(found)} are called so" if found else "none is called so"
    raise CommandExit(
        f"CHANNEL must be the id or the name of an alert channel; got {clean(channel)}, and "
        f"{count}. Take the id from the list.",
        Exit.USAGE if found else Exit.NOT_FOUND,
        step="tidings alerts list",
    )


def _with_secret(body: dict[str, Any], kind: str, file: str | None) -> dict[str, Any]:
    """Return a body with what is in a file, which no other process sees."""
    if file is None:
        return body
    if kind not in SECRET_OF:
        raise CommandExit(
            f"--secret must be left out for a channel of type {kind}; got a file. Give "
            "--addresses.",
            Exit.USAGE,
        )
    return body | {SECRET_OF[kind]: read_bytes(file).decode("utf-8", "replace").strip()}


def _print_channel(channel: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_line(channel)
        return
    quiet = channel["quiet"]
    hours = f"{quiet['from'] or '00:00'} to {quiet['to'] or '00:00'}"
    print_facts(
        [
            ("channel", channel["id"]),
            ("name", channel["name"]),
            ("type", channel["type"]),
            ("addresses", ", ".join(channel["addresses"]) or None),
            ("URL", channel["url"] or None),
            ("routing key", channel["routingKey"] or None),
            ("state", _state(channel)),
            ("sent after", f"{channel['delaySeconds']:,} s"),
            ("quiet hours", hours if quiet["from"] or quiet["to"] else None),
            ("quiet days", ", ".join(quiet["days"]) or None),
            ("never sent", ", ".join(quiet["kinds"]) or None),
            ("last sent", moment(channel["lastSentAt"])),
            ("last error", channel["lastError"]),
        ]
    )
