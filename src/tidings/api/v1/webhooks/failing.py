"""`/v1/failing`: what fails now, over all orgs for their operator."""

from datetime import datetime
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.cells.failing import find_all_problems
from tidings.api.context import ORG_HEADER, Services
from tidings.api.description import Model
from tidings.api.route import ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.reads.webhooks.failing import ON_PAGE, find_problems, show_problems

ProblemWord = Literal["failing", "degraded", "held up", "unread"]


class FailingAcknowledged(Model):
    """An acknowledgement of the incident of a webhook that fails."""

    by: str
    at: datetime
    note: str


class FailingMember(Model):
    """A webhook that fails."""

    orgId: int
    orgName: str
    webHookId: str
    version: int = Field(description="As it is now: `If-Match` of a change names it.")
    name: str
    state: ProblemWord
    failingSince: datetime | None
    waiting: int = Field(description="Deliveries that wait for the receiver.")
    oldestWaitingSince: datetime | None = Field(
        description="When the oldest of them was accepted; null: none is due."
    )
    acknowledged: FailingAcknowledged | None = Field(
        description="By whom, with which note; null: its incident waits for somebody."
    )


class FailingGroup(Model):
    """Webhooks that fail alike at one place."""

    sentence: str = Field(
        description='As people read it: "14 webhooks of 9 orgs at api.acme.example have been '
        'refusing connections since 2026-11-30T13:30:00.000Z."'
    )
    detail: str | None = Field(description="Why its connection is held, or what an action lacks.")
    state: ProblemWord = Field(
        description="Failing: nothing gets through. Degraded: a part of its attempts fails. Held "
        "up: by the connection that it goes over. Unread: messages wait, and nobody fetches them."
    )
    host: str | None = Field(description="With its port, where that is not the usual one.")
    connection: str | None
    cause: str | None = Field(description="A status, or the kind of a fault: `refused`, `503`.")
    action: bool
    webHooks: int
    orgs: int
    waiting: int
    failingSince: datetime | None
    oldestWaitingSince: datetime | None
    members: list[FailingMember] = Field(description="Those first that hold up most.")
    membersLeftOut: int


class FailingNow(Model):
    """All that fails now, in groups."""

    webHooks: int
    orgs: int
    waiting: int
    groups: list[FailingGroup] = Field(
        description="Those first that hold up most: what waits, by how long the oldest has waited."
    )
    webHooksOfOtherGroups: int = Field(description="Whose groups are beyond those listed.")
    missingCells: list[int] | None = Field(
        default=None,
        description="The cells of which nothing is here, because their owners have not answered; "
        "only there where some have not.",
    )


def failing_routes(services: Services) -> list[EntryRoute]:
    """Build the route of what fails over the services."""
    route = Routes(services, tag="webhooks")

    @route(
        "GET",
        "/v1/failing",
        over=Over.ALL_ORGS,
        id="getFailing",
        scope="webhooks:read",
        summary="What fails now",
        answers=ok("What fails, in groups by place and cause", FailingNow),
    )
    async def failing(request: Request, caller: AuthenticatedCaller) -> Response:
        """List the webhooks that fail, or are held up by their connection, in groups of those that
        do so for the same reason. The platform's own credential sees those of all orgs, or of the
        one that `X-Tidings-Org` names; any other sees its own org's. At most 50 groups and 200
        webhooks are named; the rest is counted."""
        if caller.platform and not request.headers.get(ORG_HEADER):
            found, missing = await find_all_problems(services, ON_PAGE)
        else:
            found, missing = await find_problems(services, caller.org, ON_PAGE), ()
        shown = show_problems(found)
        return answer(shown | ({"missingCells": list(missing)} if missing else {}))

    return route.made
