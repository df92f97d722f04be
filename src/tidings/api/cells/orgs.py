"""The orgs of all cells: pages for programs, and lines for the console's list."""

from typing import Any

import msgspec
from starlette.responses import Response

from tidings.api.answers import answer, refused
from tidings.api.cells.question import ONLY_CELL, CellQuestion, ask_every_cell, named_missing
from tidings.api.context import Services
from tidings.api.paging import WHOLE, page_of
from tidings.core.cells.merged_pages import CellRows, CellsCursor, merge_pages, read_cells_cursor
from tidings.core.ids import OrgId
from tidings.reads.orgs import show_org
from tidings.store.port import StoredOrg
from tidings.values import describe_value

ORGS_MAX = 1000  # of a page
LINES_MAX = 20_000  # of a cell, for pages of the console
_PAGE_BYTES_MAX = 1 << 20  # of what one cell answers; at least one org


class OrgsAsked(msgspec.Struct, frozen=True):
    """Ask for a cell's orgs behind a cursor."""

    cursor: str
    limit: int


class OrgsFound(msgspec.Struct, frozen=True):
    """Hold a cell's next orgs as they are shown, by rising ids."""

    orgs: list[tuple[int, msgspec.Raw]]
    has_more: bool


class OrgLinesAsked(msgspec.Struct, frozen=True):
    """Ask for as many orgs as a page of the console, and those before it, may show of a cell."""

    wanted: str  # in the name, in lower case, or the id; empty: all
    limit: int


class OrgLine(msgspec.Struct, frozen=True):
    """Hold an org as the console's list shows it."""

    id: OrgId
    name: str
    parent: OrgId | None
    parent_name: str
    time_zone: str
    is_stopped: bool


class OrgLines(msgspec.Struct, frozen=True):
    """Hold a cell's orgs that are asked for, by rising ids, and how many there are in all."""

    lines: list[OrgLine]
    count: int


async def _find_orgs(services: Services, asked: OrgsAsked) -> OrgsFound:
    cursor = read_cells_cursor(asked.cursor) or CellsCursor()
    others = services.web.others
    after = cursor.of(ONLY_CELL if others is None else others.own)
    following = [org for org in services.orgs.all() if org.id > after]
    found: list[tuple[int, msgspec.Raw]] = []
    size = 0
    for org in following[: asked.limit]:
        shown = msgspec.json.encode(show_org(services.notices.consents, org))
        size += len(shown)
        if found and size > _PAGE_BYTES_MAX:
            break
        found.append((org.id, msgspec.Raw(shown)))
    return OrgsFound(found, len(following) > len(found))


async def _find_lines(services: Services, asked: OrgLinesAsked) -> OrgLines:
    fitting = [org for org in services.orgs.all() if fits(org, asked.wanted)]
    lines = [line_of(services, org) for org in fitting[: min(asked.limit, LINES_MAX)]]
    return OrgLines(lines, len(fitting))


def line_of(services: Services, org: StoredOrg) -> OrgLine:
    """Build the line of an org of this cell."""
    above = None if org.parent is None else services.orgs.get(org.parent)
    return OrgLine(
        id=org.id,
        name=org.name,
        parent=org.parent,
        parent_name="" if above is None else above.name,
        time_zone=org.time_zone,
        is_stopped=services.delivery.stops.of(org.id) is not None,
    )


def fits(org: StoredOrg, wanted: str) -> bool:
    """Return whether an org is among those that are wanted, by words of its name or its id."""
    return not wanted or wanted in org.name.lower() or wanted == str(org.id)


ORGS = CellQuestion(name="orgs", asks=OrgsAsked, finds=OrgsFound, answer=_find_orgs)
ORG_LINES = CellQuestion(name="org-lines", asks=OrgLinesAsked, finds=OrgLines, answer=_find_lines)


async def list_orgs(services: Services, limit: int | None, cursor: str) -> Response:
    """Answer the orgs of all cells, by id. Where there is one cell, and no page is asked for, that
    is the whole list."""
    if services.web.others is None and limit is None and not cursor:
        every = [show_org(services.notices.consents, org) for org in services.orgs.all()]
        return answer({"orgs": every} | WHOLE)
    stands = read_cells_cursor(cursor) if cursor else CellsCursor()
    if stands is None:
        raise refused(
            400,
            "bad_cursor",
            "cursor must be paging.next of an answer to the same query; got "
            f"{describe_value(cursor)}. Leave it out to start with the first.",
            field="cursor",
        )
    most = ORGS_MAX if limit is None else limit
    gathered = await ask_every_cell(services, ORGS, OrgsAsked(stands.write(), most))
    found = {cell: CellRows(rows.orgs, rows.has_more) for cell, rows in gathered.by_cell.items()}
    page = merge_pages(stands, found, gathered.missing, most)
    following = None if page.following is None else page.following.write()
    return answer({"orgs": page.rows} | page_of(most, following) | named_missing(gathered))


async def list_lines(
    services: Services, wanted: str, limit: int
) -> tuple[list[OrgLine], dict[str, Any]]:
    """List the first orgs of all cells, by id; beside them `count`, how many there are, and
    `missing`, the cells whose orgs are not among them."""
    gathered = await ask_every_cell(services, ORG_LINES, OrgLinesAsked(wanted, limit))
    by_id = {line.id: line for found in gathered.by_cell.values() for line in found.lines}
    lines = [by_id[org] for org in sorted(by_id)]
    count = sum(found.count for found in gathered.by_cell.values())
    return lines, {"count": count, "missing": gathered.missing}
