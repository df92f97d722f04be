"""`tidings webhooks create` and `edit`."""

from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.calls import calls
from tidings.cli.events.event_names import EventNames
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import DeclaredOption, Written, flags
from tidings.cli.options.values import headers, read_json
from tidings.cli.output import print_facts, print_line, word
from tidings.cli.webhook_names import PATH, find_webhook, is_pulled, tag
from tidings.cli.webhooks.change_call import changed
from tidings.cli.webhooks.webhooks import public_key_facts, show_webhook
from tidings.cli.where import HERE, Where

_WRITTEN = {
    "name": Written(("name",)),
    "eventNames": Written(("--on",), EventNames),
    "webHookType": Written(("--type",)),
    "webHookUrl": Written(("--url",), needed=False),  # most other types have none
    "methodType": Written(("--method",)),
    "webHookHeaders": Written(
        ("--header",),
        list[str],
        headers,
        about='A header that is sent along, as "Name: value". May be given several times.',
    ),
    "maxAllowedConnections": Written(("--connections",)),
}


def _new() -> tuple[DeclaredOption, ...]:
    from tidings.core.webhooks.fields import SECRET, SETTABLE

    first = ("name", "webHookUrl")
    return flags(SETTABLE, _WRITTEN, new=True, first=first, but=(SECRET.name,))


def _change() -> tuple[DeclaredOption, ...]:
    from tidings.core.webhooks.fields import SECRET, SETTABLE

    return flags(SETTABLE, _WRITTEN, new=False, but=("name", SECRET.name))


@with_flags(_new)
def create(parsed: ParsedOptions, /, *, where: Where = HERE) -> int:
    """Create a webhook. Its signing secret is printed only once."""
    api = calls(where)
    made = changed(api, "POST", PATH, parsed.body)
    if where.json:
        print_line(made)
    else:
        print_facts(
            [
                ("name", made["name"]),
                ("id", made["webHookId"]),
                ("standing", made["standing"]),
                ("signing secret", made["signingSecret"]),
                *public_key_facts(made),
            ]
        )
    say("The signing secret is shown only once; save it now.")
    then = "pull" if is_pulled(made) else "test"
    api.next_step(f"tidings webhooks {then} {word(made['name'])}")
    return Exit.OK


@with_flags(_change)
def edit(
    parsed: ParsedOptions,
    webhook: str,
    /,
    *,
    set: Annotated[list[str] | None, Parameter(negative=())] = None,
    where: Where = HERE,
) -> int:
    """Change some fields of a webhook. Refused if somebody else changed it in the meantime.

    Parameters
    ----------
    webhook
        Its name or id.
    set
        Any field, as field=JSON; null takes it away: --set rateLimit=50 --set filter=null
    """
    patch: dict[str, Any] = parsed.body
    for assignment in set or []:
        field, equals, value = assignment.partition("=")
        if not equals or not field:
            raise CommandExit(
                f"--set must be field=JSON; got {assignment[:60]}. Write rateLimit=50.", Exit.USAGE
            )
        patch[field] = read_json(f"--set {field}", value)
    if not patch:
        raise CommandExit(
            "A change must name a field; got none. Write --url, --on or --set.", Exit.USAGE
        )
    api = calls(where)
    found = find_webhook(api, webhook)
    now = changed(api, "PATCH", f"{PATH}/{found['webHookId']}", patch, tag(found))
    show_webhook(now, where.json)
    api.next_step(f"tidings webhooks preview {word(found['name'])}")
    return Exit.OK
