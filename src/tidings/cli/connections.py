"""`tidings connections`: what the operator has declared for sources and webhooks to name."""

from typing import Any

from cyclopts import App
from rich.text import Text

from tidings.cli.calls import calls, part
from tidings.cli.exits import Exit, say
from tidings.cli.output import (
    clean,
    how_many,
    moment,
    print_facts,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.where import HERE, Where
from tidings.list_columns import CONNECTIONS

app = App(
    name="connections", help="The connections that the operator declared for sources and webhooks."
)
PATH = "/v1/connections"
CHECK_S = 30.0  # the service gives up before
_OPEN_TO = {"all": "all orgs", "some": "some orgs", "platform": "the platform alone"}


@app.command(name="list")
def list_all(*, where: Where = HERE) -> int:
    """List the connections that the org may use; all of them for the platform's credential."""
    api = calls(where)
    found = api.get(PATH)["connections"]
    if where.json:
        print_lines(found)
    elif found:
        print_list(
            CONNECTIONS.shell,
            found,
            openTo=_open_to,
            sources=lambda connection: _count(connection["sources"]),
            webhooks=lambda connection: _count(connection["webhooks"]),
            lastCheck=lambda connection: _last(connection["lastCheck"]),
        )
    none = "The org may use no connections: the operator declares them, see docs/connections.md."
    say(how_many(len(found), "connection") if found else none)
    first = clean(found[0]["name"]) if found else ""
    api.next_step(f"tidings connections check {first}" if found else "tidings sources list")
    return Exit.OK


@app.command
def show(name: str, /, *, where: Where = HERE) -> int:
    """Show a connection, and which sources and webhooks of the org use it.

    Its target is shown only to the platform's credential, and its secrets are never shown.

    Parameters
    ----------
    name
        As the operator has named it.
    """
    api = calls(where)
    one = api.get(f"{PATH}/{part(name)}")
    if where.json:
        print_line(one)
    else:
        whole = one["everywhere"]
        print_facts(
            [
                ("connection", one["name"]),
                ("type", one["type"]),
                ("default", "yes: of webhooks of the type QUEUE_INT" if one["default"] else None),
                ("open to", _open_to(one)),
                *((f"  {name}", value) for name, value in (one["fields"] or {}).items()),
                ("sources", one["sources"] or None),
                ("webhooks", one["webhooks"] or None),
                ("of all orgs", None if whole is None else _whole(whole)),
                ("last check", _last(one["lastCheck"])),
                ("it said", (one["lastCheck"] or {}).get("message")),
            ]
        )
    api.next_step(f"tidings connections check {one['name']}")
    return Exit.OK


@app.command
def check(name: str, /, *, where: Where = HERE) -> int:
    """Check whether a connection works now: connect and log in.

    Nothing is sent. Ends with exit code 0 where it works, else 1.

    Parameters
    ----------
    name
        As the operator has named it.
    """
    api = calls(where, seconds_max=CHECK_S)
    result = api.send("POST", f"{PATH}/{part(name)}/check")
    if where.json:
        print_line(result)
    say(
        f"{clean(name)} works: it let us in within {result['durationInMs']:,.0f} ms."
        if result["works"]
        else clean(result["message"])
    )
    api.next_step(f"tidings connections {'show' if result['works'] else 'check'} {name}")
    return Exit.OK if result["works"] else Exit.FAILED


def _open_to(one: dict[str, Any]) -> str:
    if one["orgs"]:
        return ", ".join(map(str, one["orgs"]))
    return _OPEN_TO[one["openTo"]]


def _count(names: list[str] | None) -> int | None:
    return None if names is None else len(names)


def _whole(of: dict[str, int]) -> str:
    if not of["orgs"]:
        return "nothing goes over it"
    sources, webhooks = how_many(of["sources"], "source"), how_many(of["webhooks"], "webhook")
    return f"{sources} and {webhooks} of {how_many(of['orgs'], 'org')}"


def _last(check: dict[str, Any] | None) -> Text | None:
    if check is None:
        return None
    glyph, colour, word = ("✓", "green", "works") if check["works"] else ("✗", "red", "fails")
    return Text(f"{glyph} {word} ", style=colour).append_text(moment(check["at"]) or Text())
