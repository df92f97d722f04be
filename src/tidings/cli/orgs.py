"""`tidings orgs`: the tenants."""

from typing import Any

from cyclopts import App

from tidings.cli.calls import ApiClient, all_cells_answered, calls, part
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.command import ParsedOptions, with_flags
from tidings.cli.options.declared import DeclaredOption, flags
from tidings.cli.output import (
    how_many,
    moment,
    number,
    print_facts,
    print_line,
    print_lines,
    print_list,
)
from tidings.cli.where import HERE, Where
from tidings.list_columns import ORGS

app = App(name="orgs", help="The tenants.")
PATH = "/v1/orgs"
for _name in ("create", "edit"):
    app.command(f"tidings.cli.orgs:{_name}", name=_name)


def _settings(*, new: bool) -> tuple[DeclaredOption, ...]:
    from tidings.core.declaration import declared
    from tidings.core.orgs.org_settings import OrgSettings

    return flags(declared(OrgSettings), new=new, inside=("settings",))


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


@app.command(name="list")
def list_all(*, where: Where = HERE) -> int:
    """List all orgs, with the platform's credential."""
    api = calls(where)
    found, missing = _all(api)
    if where.json:
        print_lines(found)
    else:
        print_list(ORGS.shell, found, id=lambda org: number(org["id"]), parent=_parent)
    say(how_many(len(found), "org"))
    if not all_cells_answered(missing, "the orgs"):
        return Exit.FAILED
    api.next_step(f"tidings orgs show {found[0]['id']}")
    return Exit.OK


def _all(api: ApiClient) -> tuple[list[dict[str, Any]], list[int]]:
    """Read all pages; the orgs, and the cells whose orgs are not among them."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = api.get(PATH, cursor=cursor)
        found += page["orgs"]
        cursor = page["paging"]["next"]
        if cursor is None:
            return found, page.get("missingCells", [])


def _parent(org: dict[str, Any]) -> Any:
    return None if org["parent"] is None else number(org["parent"])


@app.command
def show(id: int | None = None, /, *, where: Where = HERE) -> int:
    """Show an org and its settings.

    Parameters
    ----------
    id
        Its number. Default: the credential's own org.
    """
    api = calls(where)
    return show_org(api, str(api.org() if id is None else id), where.json)


def show_org(api: ApiClient, id: str, as_json: bool) -> int:
    """Print an org; the exit code."""
    found = api.get(f"{PATH}/{part(id)}")
    print_org(found, as_json)
    api.next_step(f"tidings webhooks list --org {found['id']}")
    return Exit.OK


def print_org(org: dict[str, Any], as_json: bool) -> None:
    """Print all of an org."""
    if as_json:
        print_line(org)
        return
    settings = org["settings"]
    kept = settings["retention"]
    print_facts(
        [
            ("org", number(org["id"])),
            ("name", org["name"]),
            ("parent", _parent(org) if org["parent"] is not None else None),
            ("time zone", org["timeZone"]),
            ("made", moment(org["createdAt"])),
            ("validation", settings["validation"]),
            ("unknown types", settings["unknownTypes"]),
            (
                "kept",
                f"payloads {kept['payloadDays']} days, answers {kept['responseDays']} days, "
                f"metadata {kept['metadataDays']} days",
            ),
            ("events/s", settings["limits"]["eventsPerSecond"]),
            ("told by mail", _notified(org.get("notified", [])) or None),
        ]
    )


def _notified(addresses: list[dict[str, str]]) -> list[str]:
    return [
        address["address"]
        if address["state"] == "confirmed"
        else f"{address['address']} ({address['state']})"
        for address in addresses
    ]


@with_flags(lambda: _settings(new=True))
def create(
    parsed: ParsedOptions,
    name: str,
    /,
    *,
    id: int | None = None,
    parent: int | None = None,
    time_zone: str | None = None,
    where: Where = HERE,
) -> int:
    """Create an org, with the platform's credential.

    Parameters
    ----------
    name
        What people call it.
    id
        Its number. Default: the next one.
    parent
        The org above it.
    time_zone
        An IANA name, such as Asia/Kolkata.
    """
    api = calls(where)
    body = {"name": name} | parsed.body | _given(id=id, parent=parent, timeZone=time_zone)
    made = api.send("POST", PATH, body)
    print_org(made, where.json)
    api.next_step(f"tidings credentials create loyalty --scope events:write --org {made['id']}")
    return Exit.OK


@with_flags(lambda: _settings(new=False))
def edit(
    parsed: ParsedOptions,
    id: int,
    /,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    where: Where = HERE,
) -> int:
    """Change an org; fields that you leave out stay as they are.

    Parameters
    ----------
    id
        Its number.
    name
        What people call it.
    time_zone
        An IANA name, such as Asia/Kolkata.
    """
    given = parsed.body | _given(name=name, timeZone=time_zone)
    if not given:
        raise CommandExit(
            "A change must name a field; got none. Write --name, --time-zone, --validation or "
            "--unknown-types.",
            Exit.USAGE,
        )
    api = calls(where)
    print_org(api.send("PATCH", f"{PATH}/{id}", given), where.json)
    api.next_step(f"tidings orgs show {id}")
    return Exit.OK
