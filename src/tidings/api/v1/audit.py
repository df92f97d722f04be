"""`/v1/audit`: who has changed what, in pages and as a whole.

An org sees its own chain of entries; what belongs to no org stands in the platform's.
"""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.paging import PAGE, WARNED, both_sides, described
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.reads.audit import (
    audit_page,
    chain_of,
    following_entries,
    show_entry,
    show_sealed_entry,
)
from tidings.reads.filters import AUDIT, LIMIT_MAX
from tidings.reads.questions import PLATFORM, read_chain, read_question

NUMBER_MAX = (1 << 53) - 1  # what every JSON reader can hold exactly


def audit_routes(services: Services) -> list[EntryRoute]:
    """Build the routes of the audit log over the services."""
    route = Routes(services, tag="audit")

    @route(
        "GET",
        "/v1/audit",
        over=Over.FIRST_CELL,
        id="listAudit",
        scope="admin:read",
        summary="The audit log, newest first",
        answers=ok(
            "A page of entries",
            {"entries": ["#AuditEntry"], "older": "text|null", "newer": "text|null"}
            | PAGE
            | WARNED,
        ),
        parameters=described(AUDIT),
    )
    async def entries(request: Request, caller: AuthenticatedCaller) -> Response:
        """List who has changed what in the org, from where, and what it was before; sign-ins and
        those that were refused; who has looked at payloads. All filters combine. A page may hold
        fewer entries than asked for, or none, while `paging.next` leads on."""
        question = read_question(
            request.query_params, AUDIT, services.zone(caller.org), services.clock.now_ms()
        )
        page = await audit_page(services, chain_of(caller, question.chain), question)
        shown = [show_entry(entry) for entry in page.entries]
        return answer({"entries": shown} | both_sides(question, page.older, page.newer))

    @route(
        "GET",
        "/v1/audit/export",
        over=Over.FIRST_CELL,
        id="exportAudit",
        scope="admin:read",
        summary="The audit log whole, oldest first",
        answers=ok(
            "The entries that follow",
            {"entries": ["#SealedAuditEntry"], "nextAfter": "whole|null"},
        ),
    )
    async def export(
        caller: AuthenticatedCaller,
        after: Annotated[
            int,
            Query(ge=0, le=NUMBER_MAX, description="The number of the last entry that is known."),
        ] = 0,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_MAX,
        chain: Annotated[
            str,
            Query(
                description="platform: what belongs to no org, for its own credential alone.",
                json_schema_extra={"enum": [PLATFORM, ""]},
            ),
        ] = "",
    ) -> Response:
        """Entries in their order, without a gap, each with the seal that `tidings audit verify`
        checks. `nextAfter` is `after` of the next call; null: there are no more yet, and the last
        number is where a later export goes on."""
        of = chain_of(caller, read_chain(chain))
        found, following = await following_entries(services, of, after, limit)
        shown = [show_sealed_entry(entry) for entry in found]
        return answer({"entries": shown, "nextAfter": following})

    return route.made
