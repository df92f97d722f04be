"""The orgs: where a visitor may work, and what each is set to."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from tidings.api.cells.cell_orders import cell_of_org
from tidings.api.cells.failing import find_all_problems
from tidings.api.cells.orgs import OrgLine, fits, line_of, list_lines
from tidings.api.cells.sessions import list_seats
from tidings.console.changed_by import changed_by
from tidings.console.place import PageScope, inside
from tidings.console.visit import PlainVisit, Visit, named
from tidings.core.cells.families import CellId
from tidings.core.declaration import declared, show_resource
from tidings.core.delivery.receivers.problem_groups import GroupBounds, Problems
from tidings.core.ids import OrgId
from tidings.core.orgs.org_settings import (
    OPERATORS_ONLY,
    OrgSettings,
    settings_of,
)
from tidings.engine.access.denials import demand
from tidings.errors import FieldRefusal, Forbidden, Invalid, RequestRefused
from tidings.reads.audit import LastChange
from tidings.schema.page_forms import page_form
from tidings.store.port import StoredOrg
from tidings.values import describe_value

AT, SETTINGS = "/orgs", "/settings"
PAGE = 50
ADDRESS_MAX = 2048
COUNTED = GroupBounds(groups=0, of_group=0, members=0)  # of what fails
OWN = ("id", "name", "parent", "timeZone")


async def show_all(visit: PlainVisit) -> Response:
    """List all orgs to the platform's own credential, to others those where they have a seat. `to`
    is the page that each of them leads to, where an address did not say of which org it is
    meant."""
    query = visit.request.query_params
    seats = {seat.org: seat.role for seat in visit.seats}
    wanted = query.get("q", "").strip().lower()[:255]
    page_text = query.get("page", "1")
    page = (
        max(1, int(page_text))
        if page_text.isascii() and page_text.isdigit() and len(page_text) < 6
        else 1
    )
    missing: Sequence[int] = ()
    failing = Problems()
    if visit.caller.platform:
        (fitting, beside), (failing, _) = await asyncio.gather(
            list_lines(visit.services, wanted, page * PAGE),
            find_all_problems(visit.services, COUNTED),
        )
        count, missing = beside["count"], beside["missing"]
    else:
        own = map(visit.services.orgs.get, seats)
        here = [
            line_of(visit.services, org) for org in own if org is not None and fits(org, wanted)
        ]
        elsewhere, missing = await _seats_elsewhere(visit, wanted)
        seats |= {line.id: role for line, role in elsewhere}
        found = {line.id: line for line in [*here, *(line for line, _ in elsewhere)]}
        fitting = [found[org] for org in sorted(found)]
        count = len(fitting)
    return visit.page(
        "orgs.html",
        orgs=fitting[(page - 1) * PAGE : page * PAGE],
        roles=seats,
        wanted=wanted,
        page=page,
        pages=-(-count // PAGE),
        count=count,
        failing=failing,
        missing=missing,
        to=inside(query.get("to", "")[:ADDRESS_MAX]),
        lead=lambda org, path="": PageScope(org).at(path),
    )


async def show_new(visit: PlainVisit) -> Response:
    """Show the form of a new org."""
    _platform(visit)
    return _page(visit, None, FORM.fresh() | dict.fromkeys(OWN, "") | {"timeZone": "UTC"})


async def create(visit: PlainVisit) -> Response:
    """Make one."""
    _platform(visit)
    texts = _read(visit)
    wanted = _whole(texts["id"]) if texts["id"] else None
    try:
        body = _body(texts, platform=True)
        name, parent = body.pop("name"), body.pop("parent", None)
        org = await visit.services.orgs.create(name, wanted, parent, body)
    except RequestRefused as refused:
        return _page(visit, None, texts, refused.refusals)
    message = (
        f"{named(org)} was created. Give it a credential, so that its systems can send events."
    )
    return visit.leave(PageScope(org.id).at(SETTINGS), message)


async def show(visit: Visit) -> Response:
    """Show the settings of the org."""
    org = visit.org
    changed = await changed_by(visit, "org", str(org.id))
    has_cells = visit.caller.platform and visit.services.web.cells is not None
    cell = await _cell_of(visit, org) if has_cells else None
    return _page(visit, org, _org_texts(org), changed=changed, cell=cell)


async def _cell_of(visit: Visit, org: StoredOrg) -> CellId | None:
    """Return the cell of an org; None where that is not known now."""
    try:
        return await cell_of_org(visit.services, org.id)
    except RequestRefused:
        return None


async def change(visit: Visit) -> Response:
    """Change it; it holds for every event that is accepted from then on."""
    org, texts = visit.org, _read(visit)
    old = settings_of(org.settings).validation_by_type
    try:
        body = _body(texts, platform=visit.caller.platform)
        levels = body["settings"].get("validationByType") or {}
        body["settings"]["validationByType"] = dict.fromkeys(old) | levels
        await visit.services.orgs.change(org.id, body, platform=visit.caller.platform)
    except RequestRefused as refused:
        return _page(visit, org, texts, refused.refusals)
    return visit.go(SETTINGS, "Saved. It applies to every event accepted from now on.")


def _platform(visit: PlainVisit) -> None:
    demand(visit.caller, "admin:write")
    if not visit.caller.platform:
        raise Forbidden.because(
            "forbidden",
            "An org must be created with the platform's own credential; got an org's credential. "
            "Ask the operator.",
            place="session",
        )


def _read(visit: PlainVisit) -> dict[str, str]:
    own = {name: visit.form.get(name, "").strip()[:65_536] for name in OWN}
    return own | FORM.written(visit.form)


def _org_texts(org: StoredOrg) -> dict[str, str]:
    """An org as the form shows it."""
    return FORM.filled({"settings": dict(show_resource(settings_of(org.settings)))}) | {
        "id": str(org.id),
        "name": org.name,
        "parent": "" if org.parent is None else str(org.parent),
        "timeZone": org.time_zone,
    }


def _body(texts: dict[str, str], *, platform: bool) -> dict[str, Any]:
    """Build the body of `PATCH /v1/orgs/{orgId}`; the operator's own settings only for
    operators."""
    body = FORM.body(texts, new=False) | {"name": texts["name"], "timeZone": texts["timeZone"]}
    if platform:
        return body | {"parent": _whole(texts["parent"]) if texts["parent"] else None}
    for name in OPERATORS_ONLY:
        body["settings"].pop(name, None)
    return body


def _levels(text: str) -> dict[str, str]:
    """One type and its level a line. Invalid."""
    levels: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, level = line.partition("=")
        if not equals:
            lines = (
                "Each line must be an event type, = and strict, lenient or off; got "
                f"{describe_value(line)}. "
                "Write pointsIssued = lenient."
            )
            raise Invalid(
                FieldRefusal.build("bad_validation", lines, field="settings.validationByType")
            )
        levels[name.strip()] = level.strip()
    return levels


def _level_lines(levels: dict[str, str]) -> str:
    return "\n".join(f"{name} = {level}" for name, level in sorted(levels.items()))


FORM = page_form(
    declared(OrgSettings),
    {"validationByType": "byType"},
    {"byType": (_level_lines, _levels)},
    inside=("settings",),
)
_KEPT = [ask for ask in FORM.asks if ask.path[1] in OPERATORS_ONLY]


def _whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else text


def _page(
    visit: PlainVisit,
    org: StoredOrg | None,
    texts: dict[str, str],
    refusals: Sequence[FieldRefusal] = (),
    changed: LastChange | None = None,
    cell: CellId | None = None,
) -> Response:
    return visit.page(
        "org.html",
        400 if refusals else 200,
        changed=changed,
        cell=cell,
        made=org,
        notified=visit.services.notices.consents.states(org.id) if org is not None else [],
        filled=texts,
        refusals=FORM.placed(refusals, *OWN),
        asks=[ask for ask in FORM.asks if ask not in _KEPT],
        kept=_KEPT if visit.caller.platform else [],
        writes=visit.may("admin:write"),
    )


# -- addresses that name no org -------------------------------------------------------------------


async def home(visit: PlainVisit) -> Response:
    """Redirect to the overview of the one org that may be meant; where there are several, to the
    choice."""
    own = await _own_orgs(visit)
    return visit.leave(PageScope(own[0]).at()) if len(own) == 1 else visit.go(AT)


async def _own_orgs(visit: PlainVisit) -> Sequence[OrgId]:
    """List the orgs in which the visitor works, in all cells that answer."""
    elsewhere, missing = ([], []) if visit.caller.platform else await _seats_elsewhere(visit)
    own = {seat.org for seat in visit.seats} | {line.id for line, _ in elsewhere}
    return [] if missing else sorted(own)


async def _seats_elsewhere(
    visit: PlainVisit, wanted: str = ""
) -> tuple[list[tuple[OrgLine, str]], list[int]]:
    remote = visit.services.access.everywhere.described(visit.token)
    return await list_seats(visit.services, remote, wanted)


async def moved(visit: PlainVisit) -> Response:
    """Redirect a page as it was addressed before orgs stood in addresses: on to it, where only one
    org may be meant, and else to the choice."""
    request = visit.request
    to = quote(request.path_params["rest"])
    to = f"/{to}?{request.url.query}" if request.url.query else f"/{to}"
    services, is_platform = visit.services, visit.caller.platform
    all_orgs = [org.id for org in services.orgs.all()] if is_platform else []
    own = all_orgs or await _own_orgs(visit)
    has_others = is_platform and services.web.others is not None
    if len(own) == 1 and not has_others:
        return visit.leave(PageScope(own[0]).at(inside(to)))
    return visit.go(f"{AT}?{urlencode({'to': to})}")


async def settings_moved(visit: PlainVisit) -> Response:
    """Redirect an org's settings as they were addressed before."""
    number = str(visit.request.path_params["id"])
    known = number.isascii() and number.isdigit() and len(number) < 17
    return (
        visit.leave(PageScope(OrgId(int(number))).at(SETTINGS))
        if known and int(number)
        else visit.go(AT)
    )
