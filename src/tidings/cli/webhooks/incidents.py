"""`tidings incidents`: what went wrong at webhooks, until when, and who knows of it."""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from tidings.cli.calls import PAGE_MAX, ApiClient, all_cells_answered, calls, check_limit, part
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import (
    clean,
    how_many,
    moment,
    number,
    print_facts,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.webhook_names import WEBHOOK_ID, find_webhook
from tidings.cli.where import HERE, Where
from tidings.list_columns import INCIDENTS

app = App(name="incidents", help="Incidents: what went wrong at webhooks, and who knows of it.")
PATH = "/v1/incidents"
Kind = Literal["failing", "degraded", "unread", "backlog"]
Flag = Annotated[bool, Parameter(negative=())]


@app.command(name="list")
def list_all(
    *,
    all: Flag = False,
    ended: Flag = False,
    webhook: str | None = None,
    kind: Kind | None = None,
    limit: int = 50,
    where: Where = HERE,
) -> int:
    """List the incidents that are open, newest first: of all orgs with the platform's credential.

    Parameters
    ----------
    all
        Those that have ended too.
    ended
        Those alone that have ended: the last 50 of each webhook are kept.
    webhook
        Those of this webhook alone: its id, or its name in the org.
    kind
        Those of this kind alone.
    limit
        How many.
    """
    if all and ended:
        raise CommandExit(
            "--all must be given without --ended; got both. Leave one out.", Exit.USAGE
        )
    check_limit(limit)
    api = calls(where)
    state = "ended" if ended else None if all else "open"
    hook = None if webhook is None else _webhook_id(api, webhook)
    found, missing = _read(api, limit, state=state, webHookId=hook, kind=kind)
    if where.json:
        print_lines(found)
    elif found:
        columns = [column for column in INCIDENTS.shell if all or ended or column.head != "Ended"]
        print_list(columns, found, orgId=_org, acknowledged=_known_by)
    noun = "incident" if state is None else f"{state} incident"
    if found:
        say(how_many(len(found), noun) + (", the newest" if len(found) == limit else ""))
    else:
        say(
            "No incident is open."
            if (state, hook, kind) == ("open", None, None)
            else "No incident matches."
        )
    if not all_cells_answered(missing, "the incidents"):
        return Exit.FAILED
    other = "tidings failing" if all else "tidings incidents list --all"
    api.next_step(f"tidings incidents show {found[0]['id']}" if found else other)
    return Exit.OK


def _webhook_id(api: ApiClient, word: str) -> str:
    """Return the id of a webhook, which may be one of any org, or of a name in the org."""
    if WEBHOOK_ID.fullmatch(word.lower()):
        return word.lower()
    return str(find_webhook(api, word)["webHookId"])


def _read(
    api: ApiClient, limit: int, **query: str | None
) -> tuple[list[dict[str, Any]], list[int]]:
    """Read up to `limit` incidents, and the cells whose incidents may not be among them."""
    found: list[dict[str, Any]] = []
    missing: set[int] = set()
    cursor: str | None = None
    while len(found) < limit:
        page = api.get(PATH, **query, limit=min(limit - len(found), PAGE_MAX), cursor=cursor)
        found += page["incidents"]
        missing.update(page.get("missingCells", ()))
        cursor = page["paging"]["next"]
        if cursor is None:
            break
    return found, sorted(missing)


def _org(incident: dict[str, Any]) -> Any:
    return number(incident["orgId"])


def _known_by(incident: dict[str, Any]) -> str | None:
    acknowledged = incident["acknowledged"]
    return None if acknowledged is None else acknowledged["by"]


@app.command
def show(id: str, /, *, where: Where = HERE) -> int:
    """Show an incident: its cause, start, growth and acknowledgement.

    Parameters
    ----------
    id
        inc_…
    """
    return show_incident(calls(where), id, where.json)


def show_incident(api: ApiClient, id: str, as_json: bool) -> int:
    """Print an incident; the exit code."""
    found = api.get(f"{PATH}/{part(id)}")
    _print(found, as_json)
    if found["state"] == "open" and found["acknowledged"] is None:
        api.next_step(f"tidings incidents acknowledge {found['id']}")
    else:
        _propose_cure(api, found)
    return Exit.OK


@app.command
def acknowledge(id: str, /, *, note: str = "", where: Where = HERE) -> int:
    """Acknowledge an incident with a note for the next person on call. Nothing else changes.

    Parameters
    ----------
    id
        inc_…
    note
        What you know of it.
    """
    api = calls(where)
    found = api.send("PATCH", f"{PATH}/{part(id)}", {"note": note})
    _print(found, where.json)
    say(f"{found['id']} is acknowledged by {clean(found['acknowledged']['by'])}.")
    _propose_cure(api, found)
    return Exit.OK


def _propose_cure(api: ApiClient, incident: dict[str, Any]) -> None:
    """Propose what leads on from an incident that somebody knows of, or that has ended."""
    hook = incident["webHookId"]
    if hook is None:
        api.next_step("tidings incidents list")
    elif incident["state"] == "open":
        api.next_step(f"tidings doctor {hook} --org {incident['orgId']}")
    else:
        api.next_step(f"tidings incidents list --all --webhook {hook}")


def _print(incident: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_line(incident)
        return
    known = incident["acknowledged"] or {"by": None, "at": None, "note": None}
    hook = incident["webHookId"]
    reason = f": {incident['endReason']}" if incident["endReason"] else ""
    print_facts(
        [
            ("incident", incident["id"]),
            ("org", _org(incident)),
            ("webhook", "deleted" if hook is None else f"{incident['webHookName']} ({hook})"),
            ("kind", incident["kind"]),
            ("state", f"{incident['state']}{reason}"),
            ("what", incident["sentence"]),
            ("cause", incident["cause"]),
            ("cause before", incident["previousCause"]),
            ("cause changed", moment(incident["causeChangedAt"])),
            ("since", moment(incident["since"])),
            ("opened", moment(incident["openedAt"])),
            ("waiting", incident["waiting"]),
            ("times it grew", incident["grew"]),
            ("last grew", moment(incident["grewAt"])),
            ("ended", moment(incident["endedAt"])),
            ("acknowledged by", known["by"]),
            ("at", moment(known["at"])),
            ("note", known["note"]),
        ]
    )
