"""`tidings sending`: pause it, resume it, and take as delivered what receivers have."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from tidings.cli.calls import ApiClient, calls
from tidings.cli.exits import Exit, say
from tidings.cli.options.values import moment_of
from tidings.cli.output import confirm, how_many, moment, print_facts, print_line, word
from tidings.cli.where import HERE, Where

app = App(
    name="sending",
    help="Pause and resume sending; mark events as delivered that receivers already have.",
)
TAKE = "/v1/takeAsDelivered"
All = Annotated[bool, Parameter(name="all", negative=())]


@app.command
def show(*, every: All = False, where: Where = HERE) -> int:
    """Show whether sending is stopped, since when and by whom.

    Parameters
    ----------
    every
        For all orgs, with the platform's own credential.
    """
    api = calls(where)
    return _say(api, api.get(f"{_path(api, every)}/stop"), every, where.json)


@app.command
def pause(*, every: All = False, where: Where = HERE) -> int:
    """Pause sending. Events are accepted, and their deliveries wait.

    Parameters
    ----------
    every
        For all orgs, with the platform's own credential.
    """
    api = calls(where)
    return _say(api, api.send("POST", f"{_path(api, every)}/stop"), every, where.json)


@app.command
def resume(*, every: All = False, where: Where = HERE) -> int:
    """Resume sending: waiting deliveries are sent.

    Parameters
    ----------
    every
        For all orgs, also after `tidings serve --hold`, with the platform's own credential.
    """
    api = calls(where)
    return _say(api, api.send("POST", f"{_path(api, every)}/start"), every, where.json)


@app.command
def delivered(
    *,
    before: str,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    yes: Annotated[bool, Parameter(negative=())] = False,
    where: Where = HERE,
) -> int:
    """Mark as delivered what was accepted before a time, in all orgs, while sending is stopped.

    Parameters
    ----------
    before
        Receivers have the events accepted before this time: 30m, 2h, 3d ago, or an ISO time.
    dry_run
        Only show how many there are.
    yes
        Do not ask.
    """
    api = calls(where, 60.0)
    body = {"acceptedBefore": moment_of("--before", before)}
    plan = api.send("POST", TAKE, body | {"dryRun": True})
    least = "" if plan["ended"] else "at least "
    found = how_many(plan["deliveries"], "delivery")
    verb = "is" if plan["deliveries"] == 1 else "are"
    when = moment(plan["acceptedBefore"])
    say(f"{least}{found} of what was accepted before {when} {verb} unfinished.")
    if dry_run or not plan["deliveries"]:
        if where.json:
            print_line(plan)
        if plan["deliveries"]:
            api.next_step(f"tidings sending delivered --before {word(before)}")
        else:
            api.next_step("tidings sending resume --all")
        return Exit.OK
    confirm(yes, "Take them as delivered? They are never sent then.")
    count = 0
    while True:
        plan = api.send("POST", TAKE, body)
        count += plan["deliveries"]
        if plan["ended"]:
            break
    if where.json:
        print_line(plan | {"deliveries": count})
    else:
        say(f"Taken as delivered: {how_many(count, 'delivery')}.")
    api.next_step("tidings sending resume --all")
    return Exit.OK


def _path(api: ApiClient, every: bool) -> str:
    return "/v1" if every else f"/v1/orgs/{api.org()}"


def _say(api: ApiClient, plan: dict[str, Any], every: bool, as_json: bool) -> int:
    if as_json:
        print_line(plan)
    else:
        whose = "all orgs" if every else f"org {plan['orgId']}"
        state = "stopped" if plan["stopped"] else "running"
        facts: list[tuple[str, Any]] = [("sending", f"{state} for {whose}")]
        if plan["stopped"]:
            facts += [("since", moment(plan["since"])), ("by", plan["by"])]
        print_facts(facts)
    stopped = plan["stopped"] or plan.get("everythingStopped")
    for_all = every or (stopped and not plan["stopped"])
    verb = "resume" if stopped else "show"
    api.next_step(f"tidings sending {verb}{' --all' if for_all else ''}")
    return Exit.OK
