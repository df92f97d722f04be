"""`tidings deliveries`: one event for one webhook, and what came of it."""

from typing import Any

from cyclopts import App

from tidings.cli.calls import ApiClient, calls, part, rows
from tidings.cli.events.log_options import QueryFields, query_of, with_filters
from tidings.cli.exits import Exit, say
from tidings.cli.output import (
    clean,
    duration,
    how_many,
    moment,
    print_deliveries,
    print_facts,
    print_line,
    print_lines,
    print_text,
    spaced,
    state,
)
from tidings.cli.where import HERE, Where
from tidings.reads.filters import DELIVERIES

app = App(name="deliveries", help="Deliveries: one event sent to one webhook, with every attempt.")
TEXT_MAX = 400


@app.command(name="list")
@with_filters(DELIVERIES)
def list_all(*, asked: QueryFields, limit: int = 50, where: Where = HERE) -> int:
    """List deliveries, newest first. All filters combine.

    Parameters
    ----------
    limit
        How many.
    """
    api = calls(where)
    query = query_of(api, DELIVERIES, asked)
    found = list(rows(api, "/v1/deliveries", "deliveries", limit, **query))
    if not found:
        say("No delivery matches." if query else "The org has no deliveries yet.")
        api.next_step("tidings deliveries list" if query else "tidings webhooks list")
        return Exit.OK
    if where.json:
        print_lines(found)
    else:
        print_deliveries(found)
    say(how_many(len(found), "delivery") + (", the newest" if len(found) == limit else ""))
    first = next((delivery for delivery in found if delivery["state"] != "delivered"), found[0])
    api.next_step(f"tidings show {first['id']}")
    return Exit.OK


@app.command
def show(id: str, /, *, where: Where = HERE) -> int:
    """Show a delivery with every attempt, and what to do.

    Parameters
    ----------
    id
        dlv_…
    """
    return show_delivery(calls(where), id, where.json)


def show_delivery(api: ApiClient, id: str, as_json: bool) -> int:
    """Print a delivery; the exit code."""
    found = api.get(f"/v1/deliveries/{part(id)}")
    if as_json:
        print_line(found)
    else:
        _print_delivery(found)
    if found["state"] in ("failed", "parked", "cancelled", "retrying", "waiting"):
        api.next_step(f"tidings deliveries retry {found['id']}")
    else:
        api.next_step(f"tidings show {found['eventId']}")
    return Exit.OK


# What the facts below tell, or nobody needs beside them.
_SHOWN = frozenset(
    "id webHookId webHookName webHookVersion eventId eventName orgId state attempts status "
    "durationInMs acceptedAt doneAt nextAttemptAt waitsFor slaBreachedAt replayId warning "
    "attemptList run advice".split()
)


_REASONS = {
    "after": "its time",
    "quiet": "the end of quiet hours",
    "needs": "the action",
    "limit": "a limit of its connection",
    "reader": "a reader: nobody fetches it now",
}


def _waits_for(waits: dict[str, Any] | None) -> str | None:
    """Say what it waits for, and until when; None where it waits for nothing."""
    if waits is None:
        return None
    reason = _REASONS.get(waits["reason"], waits["reason"])
    if waits["on"] is not None:
        return f"{reason} {clean(waits['on'])}"
    return reason if waits["until"] is None else f"{reason}, {moment(waits['until'])}"


def _webhook_of(found: dict[str, Any]) -> str:
    """Return the webhook of a delivery by its name and id."""
    return f"{found['webHookName']} {found['webHookId']} (version {found['webHookVersion']})"


def _print_delivery(found: dict[str, Any]) -> None:
    waits_for = _waits_for(found.get("waitsFor"))
    further = [(spaced(name), value) for name, value in found.items() if name not in _SHOWN]
    print_facts(
        [
            ("delivery", found["id"]),
            ("state", state(found["state"])),
            ("event", f"{found['eventName']} {found['eventId']}"),
            ("webhook", _webhook_of(found)),
            ("accepted", moment(found["acceptedAt"])),
            ("ended", moment(found["doneAt"])),
            ("next try", None if waits_for else moment(found["nextAttemptAt"])),
            ("waits for", waits_for),
            ("late since", moment(found.get("slaBreachedAt"))),
            ("replay", found["replayId"]),
            ("warning", (found.get("warning") or {}).get("message")),
            *further,
        ]
    )
    if found.get("run"):
        _print_run(found["run"])
    for attempt in found["attemptList"]:
        _print_attempt(attempt, attempt is found["attemptList"][-1])
    if found["advice"]:
        print_text()
        print_text(found["advice"])


_STEPS = {
    "wait": "waited",
    "heldUp": "held up",
    "lookUp": "looked up",
    "language": "language",
    "try": "tried",
    "notDone": "not done",
    "failed": "failed",
}


def _print_run(run: dict[str, Any]) -> None:
    """The steps of a run of an action, and the mail that it made."""
    print_text()
    print_text(f"Run of the action {clean(run['action'])}")
    for step in run["steps"]:
        times = f" ({step['times']} times)" if step["times"] > 1 else ""
        name = f" {clean(step['name'])}" if step["step"] == "lookUp" else ""
        word = "done" if step["step"] == "try" and step["done"] else _STEPS[step["step"]]
        print_text(f"  {word}{name}{times}: {clean(step['said'])}")
    made = run["made"]
    if made is not None and made["kind"] == "mail":
        mail = made["content"]
        print_facts([("  to", ", ".join(mail["to"])), ("  subject", mail["subject"])])


def _print_attempt(one: dict[str, Any], last: bool) -> None:
    """An attempt. What was sent is shown for the last one: the others mostly sent the same."""
    print_text()
    when = moment(one["startedAt"])
    took = duration(one["durationInMs"])
    outcome = one["status"] or one["fault"] or ("" if one["ended"] else "under way")
    print_text(f"Attempt {one['number']}  ", when or "", f"  {outcome}  ", took or "")
    sent = one.get("request") or {}
    facts: list[tuple[str, Any]] = []
    if sent.get("url"):
        facts.append(("  sent", f"{sent.get('method', '')} {sent['url']}"))
    if last and (body := sent.get("body") or {}).get("text"):
        facts.append(("  body", _short(body)))
    spent = one.get("timings") or {}
    parts = [("look-up", "dnsInMs"), ("connection", "connectInMs"), ("TLS", "tlsInMs")]
    known = [f"{word} {duration(spent[name])}" for word, name in parts if spent.get(name)]
    if known:
        facts.append(("  spent", ", ".join(known)))
    answer = one.get("answer") or {}
    if (body := answer.get("body") or {}).get("text"):
        facts.append(("  answer", _short(body)))
    facts.append(("  so", one.get("advice")))
    print_facts(facts)


def _short(body: dict[str, Any]) -> str:
    """The beginning of a body."""
    text = clean(body["text"][:TEXT_MAX], lines=True)
    cut = len(body["text"]) > TEXT_MAX
    return f"{text}… ({body['bytes']:,} bytes; --json shows all)" if cut else text


@app.command
def retry(id: str, /, *, where: Where = HERE) -> int:
    """Try a delivery now.

    Parameters
    ----------
    id
        dlv_…
    """
    api = calls(where)
    result = api.send("POST", f"/v1/deliveries/{part(id)}/retry")
    if where.json:
        print_line(result)
    say(clean(result["advice"]))
    api.next_step(f"tidings show {result['id']}")
    return Exit.OK


@app.command
def cancel(id: str, /, *, where: Where = HERE) -> int:
    """Cancel an unfinished delivery: it will not be sent.

    Parameters
    ----------
    id
        dlv_…
    """
    api = calls(where)
    result = api.send("POST", f"/v1/deliveries/{part(id)}/cancel")
    if where.json:
        print_line(result)
    else:
        print_deliveries([result])
    api.next_step(f"tidings show {result['id']}")
    return Exit.OK
