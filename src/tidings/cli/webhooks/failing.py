"""`tidings failing`: what fails now, in groups by place and cause."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tidings.cli.calls import ApiClient, all_cells_answered, calls
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import how_many, moment, number, print_lines, print_list, print_text
from tidings.cli.where import HERE, Where, server
from tidings.list_columns import FAILING

PATH = "/v1/failing"
FAILING_STATE = "failing"


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


def failing_of_org(api: ApiClient, where: Where) -> list[dict[str, Any]]:
    """Return what `GET /v1/failing` lists of one org, also for a credential that sees all orgs:
    the webhooks that fail or are held up, those first that hold up most."""
    of_org = api if api.server.org is not None else calls(replace(where, org=api.org()))
    return worst_first(of_org.get(PATH)["groups"])


def list_all_orgs(where: Where) -> int:
    """Print the failing webhooks of all orgs, the worst first; the exit code. Raise CommandExit
    where an org is named besides, or the credential is not the platform's."""
    if where.org is not None:
        raise CommandExit(
            f"--all-orgs must stand without --org; got --org {where.org} too. Leave one out.",
            Exit.USAGE,
        )
    api = ApiClient(replace(server(where), org=None), where=where)
    if not (caller := api.caller())["platform"]:
        raise CommandExit(
            "--all-orgs must be used with the platform's credential; got one of org "
            f"{caller['orgId']}. Leave it out.",
            Exit.REFUSED,
        )
    found = api.get(PATH)
    members = [
        member for member in worst_first(found["groups"]) if member["state"] == FAILING_STATE
    ]
    if where.json:
        print_lines(members)
    elif members:
        _print_members(members)
    say(how_many(len(members), "failing webhook"))
    left_out = sum(group["membersLeftOut"] for group in found["groups"])
    if others := left_out + found["webHooksOfOtherGroups"]:
        say(f"Not listed: up to {how_many(others, 'webhook')} more.")
    if not all_cells_answered(found.get("missingCells") or (), "failing webhooks"):
        return Exit.FAILED
    if members:
        first = members[0]
        api.next_step(f"tidings doctor {first['webHookId']} --org {first['orgId']}")
    else:
        api.next_step("tidings failing")
    return Exit.OK


def worst_first(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the webhooks of these groups, those first that hold up most: what waits, by how long
    the oldest has waited; then those that have failed for longest."""
    now = datetime.now(UTC)
    members = [member for group in groups for member in group["members"]]
    return sorted(members, key=lambda member: (-_weight(member, now), _since(member)))


def _weight(member: dict[str, Any], now: datetime) -> float:
    oldest = member["oldestWaitingSince"]
    waited_s = 0.0 if oldest is None else (now - datetime.fromisoformat(oldest)).total_seconds()
    return float(member["waiting"]) * max(0.0, waited_s)


def _since(member: dict[str, Any]) -> str:
    return member["failingSince"] or "~"  # behind all times


def _print_group(group: dict[str, Any]) -> None:
    since = group["failingSince"]
    shown = "" if since is None else str(moment(since))
    sentence = group["sentence"] if since is None else group["sentence"].replace(since, shown)
    print_text(sentence)
    if group["detail"]:
        print_text(group["detail"])
    _print_members(group["members"])
    if group["membersLeftOut"]:
        say(f"Not listed: {how_many(group['membersLeftOut'], 'webhook')} more of this group.")
    print()


def _print_members(members: list[dict[str, Any]]) -> None:
    print_list(FAILING.shell, members, orgId=lambda member: number(member["orgId"]))
