"""`tidings sources`: where events come from that nobody sends to /v1/events."""

from typing import Any

from cyclopts import App

from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.exits import Exit, say
from tidings.cli.options.files import FileName, read_object
from tidings.cli.output import (
    clean,
    confirm,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
    spaced,
)
from tidings.cli.sources.state import count_last_hour, state_of, waiting_of
from tidings.cli.where import HERE, Where
from tidings.list_columns import MESSAGES_OF_SOURCE, SOURCES

app = App(name="sources", help="Sources: events that Tidings gets other than by /v1/events.")
PATH = "/v1/sources"
for _name in ("lag", "preview", "dead", "retry"):
    app.command(f"tidings.cli.sources.messages:{_name}", name=_name)


@app.command(name="list")
def list_all(*, where: Where = HERE) -> int:
    """List the sources of the org."""
    api = calls(where)
    found = api.get(PATH)["sources"]
    if where.json:
        print_lines(found)
    elif found:
        print_list(SOURCES.shell, found, state=state_of, lastHour=count_last_hour)
    say(how_many(len(found), "source") if found else "The org has no sources.")
    api.next_step(
        f"tidings sources show {found[0]['name']}" if found else "tidings sources create --help"
    )
    return Exit.OK


@app.command
def create(
    name: str,
    file: FileName = "",
    /,
    *,
    secret: str = "",
    where: Where = HERE,
) -> int:
    """Create an inbound webhook: messages sent to its URL become events.

    Parameters
    ----------
    name
        A part of its URL: a-z, 0-9 and -.
    file
        A JSON file with `verification`, `mapping` and what else is to be said of it; - is stdin.
    secret
        The whsec_… of a sender that signs by Standard Webhooks, such as another Tidings.
    """
    body = read_object(file) if file else {}
    if secret:
        body["verification"] = {"type": "standardWebhooks", "secret": secret}
    api = calls(where)
    made = api.send("POST", PATH, body | {"name": name})
    _print_source(made, where.json)
    api.next_step(f"tidings sources preview {made['name']} MESSAGE")
    return Exit.OK


@app.command
def edit(id: str, file: FileName, /, *, where: Where = HERE) -> int:
    """Change some fields of a source: each that the file names is set as a whole.

    Parameters
    ----------
    id
        src_…, or its name.
    file
        A JSON file, such as {"mapping": {…}}; - is stdin.
    """
    api = calls(where)
    made = api.send("PATCH", f"{PATH}/{part(id)}", read_object(file))
    _print_source(made, where.json)
    again = made["asideMessages"] > 0
    api.next_step(f"tidings sources {'retry' if again else 'show'} {made['name']}")
    return Exit.OK


@app.command
def show(id: str, /, *, where: Where = HERE) -> int:
    """Show a source, its newest messages and the result of each.

    Parameters
    ----------
    id
        src_…, or its name.
    """
    return show_source(calls(where), id, where.json)


def show_source(api: ApiClient, id: str, as_json: bool) -> int:
    """Print a source with its newest messages; the exit code."""
    one = api.get(f"{PATH}/{part(id)}")
    _print_source(one, as_json)
    if not as_json and one["newest"]:
        print_list(
            MESSAGES_OF_SOURCE.shell, one["newest"], outcome=lambda row: spaced(row["outcome"])
        )
    dead_count = one["asideMessages"] > 0
    api.next_step(f"tidings sources {'dead' if dead_count else 'preview'} {one['name']}")
    return Exit.OK


def _print_source(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_line(one)
        return
    hour = [f"{count:,} {spaced(word)}" for word, count in one["lastHour"].items() if count]
    print_facts(
        [
            ("source", one["id"]),
            ("name", one["name"]),
            ("URL", one["url"]),
            ("connection", one["connection"] or None),
            ("state", state_of(one)),
            ("trouble", one["trouble"]),
            ("declared in", one["declaredIn"]),
            ("knows its sender by", _proof(one["verification"])),
            ("mapping", "the message is an event" if one["mapping"] is None else "its own"),
            ("last message", moment(one["lastMessageAt"])),
            ("last hour", ", ".join(hour)),
            ("waits to be fetched", waiting_of(one)),
            ("others read along", ", ".join(map(clean, one["otherReaders"])) or None),
            ("set aside", one["asideMessages"] or None),
            ("id conflicts", _conflicts(one)),
        ]
    )


def _conflicts(source: dict[str, Any]) -> str | None:
    if not source.get("idConflicts", 0):
        return None
    field = clean(source["idConflictField"] or "")
    return f"{source['idConflicts']:,}{f'; {field} differs' if field else ''}"


def _proof(proof: dict[str, Any] | None) -> str | None:
    if proof is None:
        return None
    if proof["type"] == "standardWebhooks":
        return "a Standard Webhooks signature"
    header = clean(proof["header"])
    return f"the header {header}" if proof["type"] == "header" else f"an HMAC in {header}"


@app.command
def pause(id: str, /, *, where: Where = HERE) -> int:
    """Pause a source: senders are asked to try again later.

    Parameters
    ----------
    id
        src_…, or its name.
    """
    return _switch(id, "pause", "resume", where)


@app.command
def resume(id: str, /, *, where: Where = HERE) -> int:
    """Resume a paused source.

    Parameters
    ----------
    id
        src_…, or its name.
    """
    return _switch(id, "resume", "show", where)


@app.command(name="take-over")
def take_over(id: str, /, *, yes: bool = False, where: Where = HERE) -> int:
    """Read the table of an outbox from now on, though another installation of Tidings reads it.

    Parameters
    ----------
    id
        src_…, or its name.
    yes
        Do not ask.
    """
    api = calls(where)
    kept = api.get(f"{PATH}/{part(id)}")
    question = f"Let {clean(kept['name'])} read its table, and stop all other installations?"
    confirm(yes, question)
    made = api.send("POST", f"{PATH}/{part(id)}/takeOver")
    if where.json:
        print_line(made)
    say(f"{clean(made['name'])} takes over its table.")
    api.next_step(f"tidings sources show {made['name']}")
    return Exit.OK


def _switch(id: str, verb: str, following: str, where: Where) -> int:
    api = calls(where)
    one = api.send("POST", f"{PATH}/{part(id)}/{verb}")
    if where.json:
        print_line(one)
    say(f"{clean(one['name'])} {'is paused' if one['paused'] else 'takes messages'}.")
    api.next_step(f"tidings sources {following} {one['name']}")
    return Exit.OK


@app.command
def delete(id: str, /, *, yes: bool = False, where: Where = HERE) -> int:
    """Delete a source with the messages that it has set aside.

    Parameters
    ----------
    id
        src_…, or its name.
    yes
        Do not ask.
    """
    api = calls(where)
    one = api.get(f"{PATH}/{part(id)}")
    dead_count = one["asideMessages"]
    lost = f", and {how_many(dead_count, 'message')} that it has set aside" if dead_count else ""
    confirm(yes, f"Delete the source {clean(one['name'])}{lost}?")
    api.send("DELETE", f"{PATH}/{part(id)}")
    if where.json:
        print_line({"id": one["id"], "name": one["name"], "deleted": True})
    say(f"{clean(one['name'])} is deleted.")
    api.next_step("tidings sources list")
    return Exit.OK
