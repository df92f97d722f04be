"""`tidings replay`: send again what a webhook has missed, and watch it."""

import time
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.progress import BarColumn, Progress, TextColumn

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.events.event_names import EventNames
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import DeclaredOption, Written, flags
from tidings.cli.output import (
    clean,
    confirm,
    console,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
    word,
)
from tidings.cli.webhook_names import find_webhook, names_of
from tidings.cli.where import HERE, Where
from tidings.list_columns import REPLAYS

app = App(name="replay", help="Send again what a webhook missed.")
PATH = "/v1/replays"
LIST_MAX = 200
POLL_S = 0.5
FINAL = ("finished", "cancelled", "failed")
WAITS = ("paused", "ready")


def _new() -> tuple[DeclaredOption, ...]:
    from tidings.core.declaration import declared
    from tidings.core.replay_rules import ResendRequest

    whose = "Whose deliveries are looked at, by name or id. It must be named."
    missed = "What it missed since then: 30m, 2h, 3d ago, or an ISO time."
    written = {
        "webHookId": Written(("--webhook",), about=whose, needed=False),
        "missedSince": Written(about=missed),
        "from": Written(("--since",)),
        "to": Written(("--until",)),
        "eventNames": Written(("--on",), EventNames),
        "states": Written(("--status",)),
        "toWebHookId": Written(("--to",)),
        "ratePerSecond": Written(("--rate",)),
    }
    return flags(declared(ResendRequest), written, new=True, but=("dryRun",))


@with_flags(_new)
def replay(
    parsed: ParsedOptions,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    detach: Annotated[bool, Parameter(negative=())] = False,
    yes: Annotated[bool, Parameter(negative=())] = False,
    where: Where = HERE,
) -> int:
    """Send again what a webhook has missed: says what it would do, asks, and shows how far it is.

    Parameters
    ----------
    dry_run
        Show the result without doing it.
    detach
        Do not wait for its end.
    yes
        Do not ask.
    """
    body = parsed.body
    if (webhook := body.get("webHookId")) is None:
        raise CommandExit(
            "--webhook must name the webhook that has missed something; got none. Write "
            "tidings replay --webhook crm --missed-since 2h",
            Exit.USAGE,
        )
    api = calls(where, 60.0)
    for field in ("webHookId", "toWebHookId"):
        if field in body:
            body[field] = find_webhook(api, body[field])["webHookId"]
    plan = api.send("POST", PATH, body | {"dryRun": True})
    _say_plan(plan)
    nothing = not plan["matched"] - plan["skipped"]
    if dry_run or nothing:
        if where.json:
            print_line(plan)
        if nothing:
            api.next_step(f"tidings deliveries list --webhook {word(webhook)}")
            return Exit.OK
        given = {"detach": detach, "yes": yes, "json": where.json}
        options = [*parsed.words, *(f"--{name}" for name, on in given.items() if on)]
        api.next_step(f"tidings replay {' '.join(options)}")
        return Exit.OK
    confirm(yes, "Start it?")
    job = api.send("POST", PATH, body)
    if not detach:
        job = watch(api, job)
    return _end(api, job, where.json)


app.default_command = replay


def _say_plan(plan: dict[str, Any]) -> None:
    say(clean(plan["sentence"]))
    for warning in plan.get("warnings") or ():
        say(clean(warning["message"]))
    if plan["skipped"]:
        say(f"{plan['skipped']:,} of {plan['matched']:,} are left out: under way, had, or expired.")


def watch(api: ApiClient, job: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of a replay, with its progress on a terminal. Ctrl-C leaves it running."""
    path = f"{PATH}/{part(job['id'])}"
    talk = console(stderr=True)
    columns = (TextColumn("replay"), BarColumn(40), TextColumn("{task.description}"))
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        try:
            while job["state"] not in FINAL and job["state"] not in WAITS:
                bar.update(task, completed=job["progress"], description=_how_far(job))
                time.sleep(POLL_S)
                job = api.get(path)
        except KeyboardInterrupt:
            say(f"It goes on by itself. Stop it: tidings replay cancel {job['id']}")
            raise
    return job


def _how_far(job: dict[str, Any]) -> str:
    left = job.get("secondsLeft")
    return f"{job['made']:,} of {job['matched'] or 0:,}" + (f", {left} s left" if left else "")


def _end(api: ApiClient, job: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_line(job)
    else:
        print_replay(api, job)
    api.next_step(f"tidings replay show {job['id']}")
    return Exit.FAILED if job["state"] == "failed" or job.get("failed") else Exit.OK


def print_replay(api: ApiClient, job: dict[str, Any]) -> None:
    """Print all of a replay."""
    hook, to = job["webHookId"], job["toWebHookId"]
    hooks = names_of(api, (hook, to))
    reason = f": {job['reason']}" if job["reason"] else ""
    print_facts(
        [
            ("replay", job["id"]),
            ("webhook", hook and f"{hook} {hooks.get(hook, '')}".strip()),
            ("sent to", None if to == hook else to and f"{to} {hooks.get(to, '')}".strip()),
            ("state", f"{job['state']}{reason}"),
            ("made", f"{job['made']:,} of {job['matched'] or 0:,} ({job['progress']:.0%})"),
            ("delivered", job.get("delivered")),
            ("failed", job.get("failed")),
            ("unfinished", job.get("unfinished")),
            ("started", moment(job["startedAt"])),
            ("ended", moment(job["endedAt"])),
            ("seconds left", job.get("secondsLeft") or None),
            ("by", job["createdBy"]),
        ]
    )


@app.command(name="list")
def list_all(*, limit: int = 50, where: Where = HERE) -> int:
    """List replays and cancels, newest first.

    Parameters
    ----------
    limit
        How many, at most 200.
    """
    if not 1 <= limit <= LIST_MAX:
        raise CommandExit(
            f"--limit must be from 1 to {LIST_MAX}; got {limit}. Leave it out for 50.", Exit.USAGE
        )
    api = calls(where)
    found = api.get(PATH, limit=limit)["replays"]
    if where.json:
        print_lines(found)
    elif found:
        hooks = names_of(api, (job["webHookId"] for job in found))
        print_list(
            REPLAYS.shell,
            found,
            webHookId=lambda job: hooks.get(job["webHookId"], job["webHookId"]),
            progress=lambda job: f"{job['progress']:.0%}",
            delivered=lambda job: job.get("delivered"),
            failed=lambda job: job.get("failed"),
        )
    say(how_many(len(found), "replay") if found else "The org has no replay.")
    api.next_step(
        f"tidings replay show {found[0]['id']}"
        if found
        else "tidings replay --webhook crm --missed-since 2h --dry-run"
    )
    return Exit.OK


@app.command
def show(
    id: str,
    /,
    *,
    watch_: Annotated[bool, Parameter(name="--watch", negative=())] = False,
    where: Where = HERE,
) -> int:
    """Show a replay and its progress.

    Parameters
    ----------
    id
        rpl_…
    watch_
        Wait for its end.
    """
    api = calls(where)
    return show_replay(api, id, where.json, watch_)


def show_replay(api: ApiClient, id: str, as_json: bool, wait: bool = False) -> int:
    """Print a replay; the exit code."""
    job = api.get(f"{PATH}/{part(id)}")
    if wait:
        job = watch(api, job)
    if as_json:
        print_line(job)
    else:
        print_replay(api, job)
    open_ = job["state"] not in FINAL
    api.next_step(f"tidings replay {'cancel ' + job['id'] if open_ else 'list'}")
    return Exit.OK


def _move(verb: str, id: str, where: Where) -> int:
    api = calls(where)
    job = api.send("POST", f"{PATH}/{part(id)}/{verb}")
    if where.json:
        print_line(job)
    else:
        print_replay(api, job)
    api.next_step(f"tidings replay show {job['id']} --watch")
    return Exit.OK


@app.command
def pause(id: str, /, *, where: Where = HERE) -> int:
    """Pause a replay: it creates no more deliveries until it is resumed.

    Parameters
    ----------
    id
        rpl_…
    """
    return _move("pause", id, where)


@app.command
def resume(id: str, /, *, where: Where = HERE) -> int:
    """Resume a paused replay.

    Parameters
    ----------
    id
        rpl_…
    """
    return _move("resume", id, where)


@app.command
def cancel(id: str, /, *, where: Where = HERE) -> int:
    """Cancel a replay and its unfinished deliveries.

    Parameters
    ----------
    id
        rpl_…
    """
    return _move("cancel", id, where)
