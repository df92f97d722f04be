"""Whose a call is, by its route: decided for each route that is served, and found by its path."""

import re
from functools import cache
from typing import cast

import pytest
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from tests.api.one_app import the_one
from tidings.api.context import Services
from tidings.api.route import OPEN, PLATFORM
from tidings.api.router import EntryRoute, Routes
from tidings.api.v1.events.accept import ACCEPT
from tidings.app.cells.calls.call_table import CallTable, subject_of_route
from tidings.console.routes import console_routes
from tidings.core.cells.call_subject import CallSubject, NamedBy, Over, UndecidedRoute
from tidings.core.cells.directory import OpenerKind


@cache
def routes() -> list[BaseRoute]:
    """All that is served."""
    found: list[BaseRoute] = list(the_one().router.routes)
    return [*found, *console_routes(cast("Services", None), plain_http=True)]


@cache
def table() -> CallTable:
    return CallTable(routes())


def subject(method: str, path: str) -> CallSubject:
    found = table().find(method, path)
    assert found is not None, path
    return found.subject


def test_every_route_that_is_served_is_decided_and_found_by_its_path() -> None:
    calls = 0
    for route in routes():
        assert isinstance(route, Route)
        path = re.sub(r"\{(\w+)(:\w+)?\}", r"some-\1", route.path)
        for method in route.methods or ():
            found = table().find(method, path)
            assert found is not None, (method, path)
            decided = subject_of_route(route, method)
            assert found.subject == decided, (method, path)
            if decided.by in (NamedBy.ORG, NamedBy.OPENER) and f"{{{decided.name}}}" in route.path:
                assert found.parameters[decided.name] == f"some-{decided.name}"
            calls += 1
    assert calls > 250


def test_a_new_route_that_says_nothing_is_refused() -> None:
    route = Routes(cast("Services", None))

    async def handler() -> Response:
        return Response()

    for scope in (OPEN, PLATFORM + "admin:read"):
        route("GET", f"/v1/things{len(route.made)}", scope=scope)(handler)
        with pytest.raises(UndecidedRoute, match="`over`"):
            CallTable(route.made[-1:])
    for strange in (Route("/elsewhere", handler), Mount("/below", routes=[])):
        with pytest.raises(UndecidedRoute):
            CallTable([strange])


def test_every_call_of_the_platform_alone_says_over_what_it_is() -> None:
    entries = [route.entry for route in routes() if isinstance(route, EntryRoute)]
    alone = {described.call: described.over for described in entries if described.of_platform}
    assert alone == {
        "GET /metrics": Over.PROCESS,
        "GET /v1/cells": Over.EVERY_CELL,
        "GET /v1/cells/{cell}": Over.EVERY_CELL,
        "GET /v1/deliveries/count": Over.EVERY_CELL,
        "GET /v1/moves": Over.EVERY_CELL,
        "GET /v1/orgs": Over.EVERY_CELL,
        "GET /v1/orgs/{org_id}/cell": Over.EVERY_CELL,
        "GET /v1/stop": Over.EVERY_CELL,
        "POST /v1/cells/{cell}/drain": Over.EVERY_CELL,
        "POST /v1/cells/{cell}/open": Over.EVERY_CELL,
        "POST /v1/cells/{cell}/remove": Over.EVERY_CELL,
        "POST /v1/orgs": Over.NEW_FAMILY,
        "POST /v1/orgs/{org_id}/move": Over.EVERY_CELL,
        "POST /v1/orgs/{org_id}/move/undo": Over.EVERY_CELL,
        "POST /v1/sources/{source_id}/takeOver": Over.NO_CELL,  # acts for one org
        "POST /v1/start": Over.EVERY_CELL,
        "POST /v1/stop": Over.EVERY_CELL,
        "POST /v1/takeAsDelivered": Over.EVERY_CELL,
    }


def test_what_takes_a_credential_goes_by_it_and_then_by_the_org_in_its_path() -> None:
    assert subject("POST", "/v1/events") == ACCEPT.subject
    assert ACCEPT.subject == CallSubject(NamedBy.CREDENTIAL, over=Over.EVENTS)
    found = table().find("GET", "/v1/orgs/57/credentials")
    assert found is not None
    assert found.subject == CallSubject(NamedBy.CREDENTIAL, "org_id")
    assert found.parameters == {"org_id": "57"}
    assert subject("GET", "/v3/webHooks/eventLog/refId/r1").by is NamedBy.CREDENTIAL


def test_what_takes_none_goes_by_its_path_or_query() -> None:
    assert subject("POST", "/in/57/orders") == CallSubject(NamedBy.ORG, "source_org")
    inbox = CallSubject(NamedBy.OPENER, "token", opener=OpenerKind.INBOX)
    assert subject("POST", "/inbox/abc") == inbox
    link = CallSubject(NamedBy.OPENER, "link", opener=OpenerKind.LINK)
    assert subject("GET", "/console/portal") == link


@pytest.mark.parametrize(
    "path", ["/readyz", "/metrics", "/docs", "/openapi.json", "/console/static/app.css"]
)
def test_each_process_answers_for_itself(path: str) -> None:
    assert subject("GET", path).over is Over.PROCESS
    assert subject("HEAD", path).over is Over.PROCESS


def test_pages_of_the_console_go_by_their_session() -> None:
    for path in ("/console", "/console/o/57/webhooks", "/console/portal/o/57/tail", "/console/x/y"):
        assert subject("GET", path).by is NamedBy.SESSION


def test_what_is_served_nowhere_is_found_nowhere() -> None:
    for path in ("/v1/nothing", "/v1/orgs//credentials", "v1/orgs", ""):
        assert table().find("GET", path) is None
    assert table().find("DELETE", "/v1/orgs") is None
