"""`tidings failing`: what fails now, in groups by place and cause."""

from typing import Any

from tidings.cli.calls import all_cells_answered, calls
from tidings.cli.exits import Exit, say
from tidings.cli.output import how_many, moment, number, print_lines, print_list, print_text
from tidings.cli.where import HERE, Where
from tidings.list_columns import FAILING

PATH = "/v1/failing"


def failing(*, where: Where = HERE) -> int:
    """List the webhooks that fail now: those of all orgs with the platform's credential.

    Grouped by place and cause; those first for which most waits for longest.
    """
    api = calls(where)
    found = api.get(PATH)
    if where.json:
        print_lines(found["groups"])
    else:
        for group in found["groups"]:
            _print_group(group)
    say(f"{how_many(found['webHooks'], 'failing webhook')}, {found['waiting']:,} waiting")
    if (others := found["webHooksOfOtherGroups"]) > 0:
        say(f"Not listed: {how_many(others, 'webhook')} that fail for other reasons.")
    if not all_cells_answered(found.get("missingCells", ()), "failing webhooks"):
        return Exit.FAILED
    if found["groups"]:
        first = found["groups"][0]["members"][0]
        api.next_step(f"tidings doctor {first['webHookId']} --org {first['orgId']}")
    return Exit.OK


def _print_group(group: dict[str, Any]) -> None:
    since = group["failingSince"]
    shown = "" if since is None else str(moment(since))
    sentence = group["sentence"] if since is None else group["sentence"].replace(since, shown)
    print_text(sentence)
    if group["detail"]:
        print_text(group["detail"])
    print_list(FAILING.shell, group["members"], orgId=lambda member: number(member["orgId"]))
    if group["membersLeftOut"]:
        say(f"Not listed: {how_many(group['membersLeftOut'], 'webhook')} more of this group.")
    print()
