"""`tidings webhooks`: which events go where, and where."""

import json
import re
from typing import Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.calls import ApiClient, calls
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import (
    confirm,
    how_many,
    moment,
    number,
    print_facts,
    print_line,
    print_lines,
    print_list,
    word,
)
from tidings.cli.webhook_names import (
    PATH,
    all_webhooks,
    find_webhook,
    is_there,
    of_consumer_group,
    tag,
)
from tidings.cli.webhooks.change_call import changed
from tidings.cli.webhooks.failing import failing_of_org, list_all_orgs
from tidings.cli.webhooks.health import describe_health, health_cell, lets_nothing_through
from tidings.cli.where import HERE, Where
from tidings.list_columns import WEBHOOKS_OF_ORG

app = App(name="webhooks", help="Webhooks: which events go where, and how.")
for _name, _path in (
    ("create", "webhooks.edit:create"),
    ("edit", "webhooks.edit:edit"),
    ("test", "webhooks.trials:test"),
    ("preview", "webhooks.trials:preview"),
    ("pull", "webhooks.pull:pull"),
    ("drain", "webhooks.drain:drain"),
    ("export", "webhooks.file:export"),
    ("apply", "webhooks.file:apply"),
):
    app.command(f"tidings.cli.{_path}", name=_name)

_INSTEAD = re.compile(r" Call …/(\w+)\.")  # the call that fits a webhook as it stands


@app.command(name="list")
def list_all(
    *,
    all: Annotated[bool, Parameter(negative=())] = False,
    failing: Annotated[bool, Parameter(negative=())] = False,
    all_orgs: Annotated[bool, Parameter(negative=())] = False,
    where: Where = HERE,
) -> int:
    """List the webhooks of the org, and how many deliveries wait for those that fail.

    Parameters
    ----------
    all
        Deleted ones too.
    failing
        Only those that let nothing through, the worst first: what waits, by how long.
    all_orgs
        With --failing: those of all orgs, with the platform's credential.
    """
    if all_orgs and not failing:
        raise CommandExit(
            "--all-orgs must be used with --failing: no call lists the webhooks of all orgs. Add "
            "--failing, or name an org with --org.",
            Exit.USAGE,
        )
    if all_orgs and all:
        raise CommandExit(
            "--all-orgs must be used without --all: deleted webhooks do not fail. Leave it out.",
            Exit.USAGE,
        )
    if all_orgs:
        return list_all_orgs(where)
    api = calls(where)
    found = [webhook for webhook in all_webhooks(api) if all or is_there(webhook)]
    if not found:
        say("The org has no webhooks.")
        api.next_step("tidings webhooks create crm https://crm.example.com/hook --on pointsIssued")
        return Exit.OK
    columns = WEBHOOKS_OF_ORG.shell
    try:
        members = failing_of_org(api, where)
    except CommandExit as stop:
        if failing:
            raise
        members, columns = [], tuple(column for column in columns if column.field != "waiting")
        say(f"What waits is not known: {stop.problem}")
    waiting = {member["webHookId"]: member["waiting"] for member in members}
    if failing:
        rank = {id: at for at, id in enumerate(waiting)}
        found = sorted(
            filter(lets_nothing_through, found),
            key=lambda webhook: rank.get(webhook["webHookId"], len(rank)),
        )
        if not found:
            say("No webhook of the org is failing.")
            api.next_step("tidings webhooks list")
            return Exit.OK
    found = [webhook | {"waiting": waiting.get(webhook["webHookId"])} for webhook in found]
    if where.json:
        print_lines(found)
    else:
        print_list(
            columns,
            found,
            health=health_cell,
            eventNames=lambda webhook: _events(webhook["eventNames"]),
            to=leads_to,
        )
    say(how_many(len(found), "failing webhook" if failing else "webhook"))
    api.next_step(f"tidings {'doctor' if failing else 'webhooks show'} {word(found[0]['name'])}")
    return Exit.OK


def _events(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}" if names else "–"


@app.command
def show(webhook: str, /, *, where: Where = HERE) -> int:
    """Show one webhook.

    Parameters
    ----------
    webhook
        Its name or id.
    """
    return show_named(calls(where), webhook, where.json)


def show_named(api: ApiClient, webhook: str, as_json: bool) -> int:
    """Print the webhook of a name or an id; the exit code."""
    return _show(api, find_webhook(api, webhook), as_json)


def show_by_consumer_group(api: ApiClient, id: str, as_json: bool) -> int:
    """Print the webhook of a consumer group; the exit code."""
    return _show(api, of_consumer_group(api, id), as_json)


def _show(api: ApiClient, found: dict[str, Any], as_json: bool) -> int:
    show_webhook(found, as_json)
    name = found["name"] if is_there(found) else found["webHookId"]
    api.next_step(f"tidings deliveries list --webhook {word(name)}")
    return Exit.OK


def show_webhook(found: dict[str, Any], as_json: bool) -> None:
    """Print all that there is to say of a webhook."""
    from tidings.core.webhooks.masks import mask  # noqa: PLC0415  # help needs it not
    from tidings.core.webhooks.webhook_types import FIELDS  # noqa: PLC0415  # help needs it not

    if as_json:
        print_line(found)
        return
    status = found["standing"]
    if found.get("disabledReason"):
        status = f"{status}: {found['disabledReason']}"
    by = (found.get("attribution") or {}).get("lastUpdatedBy") or {}
    when = moment((found.get("attribution") or {}).get("lastUpdatedOnISO"))
    facts: list[tuple[str, Any]] = [
        ("name", found["name"]),
        ("id", found["webHookId"]),
        ("consumer group", found["consumerGroupId"]),
        ("standing", status),
        *_health(found),
        ("type", found["webHookType"]),
        ("URL", found["webHookUrl"] and f"{found['methodType']} {found['webHookUrl']}"),
        ("connection", found.get("connection")),
        *(
            (name, found.get(name) and json.dumps(found[name], ensure_ascii=False))
            for name in FIELDS
        ),
        ("events", found["eventNames"]),
        (
            "headers",
            [
                f"{name}: {mask(value)}"
                for name, value in (found.get("webHookHeaders") or {}).items()
            ],
        ),
        ("authentication", (found.get("authentication") or {}).get("type")),
        ("connections", found["maxAllowedConnections"]),
        ("rate limit", found.get("rateLimit") and f"{found['rateLimit']:g}/s"),
        ("ordering", found["ordering"]),
        ("deadline", f"{found['deadlineInSeconds']:g} s"),
        ("SLA", found.get("slaInSeconds") and f"{found['slaInSeconds']} s"),
        ("filter", found.get("filter") and json.dumps(found["filter"], ensure_ascii=False)),
        ("fields", found.get("fields") and json.dumps(found["fields"], ensure_ascii=False)),
        ("transformation", found.get("transformation")),
        ("signatures", found.get("signatures")),
        *public_key_facts(found),
        ("signing secret", found.get("signingSecretHint")),
        ("warning", (found.get("warning") or {}).get("message")),
        ("version", number(found["version"])),
        ("changed", when),
        ("changed by", by.get("name") or by.get("code")),
    ]
    print_facts((name, value) for name, value in facts if value not in ([], {}))


def _health(found: dict[str, Any]) -> list[tuple[str, Any]]:
    """Describe how the receiver does; nothing where the answer does not say, or nothing is sent to
    it."""
    health = found.get("health")
    if "health" not in found or (found["standing"] not in ("active", "paused") and not health):
        return []
    rows: list[tuple[str, Any]] = [("health", health_cell(found))]
    if health:
        rows.append(("receiver", describe_health(found)))
    return [*rows, ("activity", found.get("activity"))]


def public_key_facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    """List the public keys by which a webhook's messages verify, each with its scheme and end."""
    return [
        (
            f"public key {pair['scheme']}",
            f"{pair['key']} until {moment(pair['until'])}" if pair["until"] else pair["key"],
        )
        for pair in found.get("publicKeys") or ()
    ]


def leads_to(webhook: dict[str, Any]) -> str:
    """Describe in short where a webhook's messages go: its URL, or its type with the connection
    that it names."""
    if webhook["webHookUrl"]:
        return str(webhook["webHookUrl"])
    over = webhook.get("connection")
    return f"{webhook['webHookType']} over {over}" if over else str(webhook["webHookType"])


def _change_status(verb: str, webhook: str, where: Where, says: str) -> int:
    api = calls(where)
    found = find_webhook(api, webhook)
    try:
        now = changed(api, "POST", f"{PATH}/{found['webHookId']}/{verb}")
    except CommandExit as stop:
        if (instead := _INSTEAD.search(stop.problem)) is not None:
            stop.problem = _INSTEAD.sub("", stop.problem)
            stop.step = f"tidings webhooks {instead[1]} {word(found['name'])}"
            stop.step += where.again(stop.step)
        raise
    if where.json:
        print_line(now)
    else:
        print_facts([("name", now["name"]), ("standing", now["standing"])])
    say(says)
    name = word(now["name"])
    steps = {
        "pause": f"tidings webhooks resume {name}",
        "disable": f"tidings webhooks enable {name}",
    }
    step = steps.get(verb, f"tidings tail --webhook {name}")
    if missed := now.get("replay"):
        since = word(missed["missedSince"])
        step = f"tidings replay --webhook {name} --missed-since {since} --dry-run"
    api.next_step(step)
    return Exit.OK


@app.command
def pause(webhook: str, /, *, where: Where = HERE) -> int:
    """Pause a webhook: its deliveries are queued until it is resumed.

    Parameters
    ----------
    webhook
        Its name or id.
    """
    return _change_status("pause", webhook, where, "Its deliveries are queued until it is resumed.")


@app.command
def resume(webhook: str, /, *, where: Where = HERE) -> int:
    """Resume a paused webhook: its queued deliveries are sent.

    Parameters
    ----------
    webhook
        Its name or id.
    """
    return _change_status("resume", webhook, where, "Queued deliveries are being sent now.")


@app.command
def enable(webhook: str, /, *, where: Where = HERE) -> int:
    """Enable a webhook that is inactive, or was disabled.

    Parameters
    ----------
    webhook
        Its name or id.
    """
    says = "New events are sent. Deliveries parked in the meantime wait for a replay."
    return _change_status("enable", webhook, where, says)


@app.command
def disable(webhook: str, /, *, where: Where = HERE) -> int:
    """Disable a webhook: its deliveries are parked, and can be replayed.

    Parameters
    ----------
    webhook
        Its name or id.
    """
    return _change_status(
        "disable", webhook, where, "Its deliveries are parked, and can be replayed."
    )


@app.command
def delete(
    webhook: str, /, *, yes: Annotated[bool, Parameter(negative=())] = False, where: Where = HERE
) -> int:
    """Delete a webhook. Its unsent deliveries are cancelled.

    Parameters
    ----------
    webhook
        Its name or id.
    yes
        Do not ask.
    """
    api = calls(where)
    found = find_webhook(api, webhook)
    confirm(yes, f"Delete {found['name']}, and cancel its unsent deliveries?")
    now = changed(api, "DELETE", f"{PATH}/{found['webHookId']}", None, tag(found))
    if where.json:
        print_line(now)
    say(f"{now['name']} is deleted. Its deliveries can still be viewed.")
    api.next_step(f"tidings deliveries list --webhook {now['webHookId']}")
    return Exit.OK


@app.command
def rotate(
    webhook: str, /, *, overlap_hours: float = 24, scheme: str = "", where: Where = HERE
) -> int:
    """Give a webhook a new signing secret, which is printed only once, and a new key pair where it
    signs by one.

    Parameters
    ----------
    webhook
        Its name or id.
    overlap_hours
        How long messages are signed with the old secret too; 0 ends it at once.
    scheme
        Only the key of this scheme, as v1a. Default: of all by which it signs.
    """
    api = calls(where)
    found = find_webhook(api, webhook)
    path = f"{PATH}/{found['webHookId']}/rotateSecret"
    body = {"overlapInHours": overlap_hours} | ({"scheme": scheme} if scheme else {})
    now = changed(api, "POST", path, body)
    if where.json:
        print_line(now)
    else:
        print_facts(
            [
                ("name", now["name"]),
                ("signing secret", now.get("signingSecret")),
                ("old one until", moment(now.get("signingSecretOverlapEnds"))),
                *public_key_facts(now),
            ]
        )
    if "signingSecret" in now:
        say("The signing secret is shown only once; save it now.")
    api.next_step(f"tidings webhooks test {word(now['name'])}")
    return Exit.OK
