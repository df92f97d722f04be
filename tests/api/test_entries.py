"""One entry for each route: nothing is served without one, and what it says stands nowhere else."""

import ast
import re
from pathlib import Path
from typing import cast

import pytest
from starlette.responses import Response

from tests.api.one_app import the_one
from tests.openapi.entries import ENTRIES
from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.route import OPEN
from tidings.api.router import EntryRoute, Routes
from tidings.core.events.call_reader import AuthenticatedCaller

API = Path(__file__).parents[2] / "src/tidings/api"
SCOPE = re.compile(r"\w+:(read|write)( (or )?\w+:(read|write))*")
OF_AN_ENTRY = ("scope", "asks_further")


def test_every_route_of_the_application_has_an_entry() -> None:
    routes = the_one().router.routes
    assert len(routes) > 120
    assert [route for route in routes if not isinstance(route, EntryRoute)] == []


def test_all_but_the_description_itself_is_described() -> None:
    entries = [route.entry for route in the_one().routes if isinstance(route, EntryRoute)]
    hidden = {described.call for described in entries if not described.id}
    assert hidden == {"GET /openapi.json", "GET /docs"}
    assert all(described.answers for described in entries if described.id)


def test_two_routes_have_neither_a_call_nor_a_name_in_common() -> None:
    made = [route for route in the_one().routes if isinstance(route, EntryRoute)]
    entries = {id(route.entry): route.entry for route in made}
    calls = [described.call for described in entries.values()]
    assert len(set(calls)) == len(calls)
    names = [described.id for described in ENTRIES.values()]
    assert len(set(names)) == len(names) > 110


def test_a_route_cannot_be_made_without_a_scope() -> None:
    route = Routes(cast("Services", None), tag="things")
    with pytest.raises(TypeError, match="scope"):
        route("GET", "/v1/things", id="listThings", summary="Things")
    assert route.made == []


def test_an_open_route_is_handed_no_caller() -> None:
    route = Routes(cast("Services", None), tag="things")

    async def handler(caller: AuthenticatedCaller) -> Response:
        return answer(caller.org)

    with pytest.raises(ValueError, match="caller"):
        route("GET", "/v1/things", scope=OPEN)(handler)


def _scopes_outside_entries(tree: ast.Module) -> list[int]:
    inside = {
        id(node)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg in OF_AN_ENTRY
        for node in ast.walk(keyword)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SCOPE.fullmatch(node.value)
        and id(node) not in inside
    ]


def test_no_handler_names_a_scope() -> None:
    looked = sorted(API.rglob("*.py"))
    assert len(looked) > 60
    named = {
        f"{path.relative_to(API)}:{line}"
        for path in looked
        for line in _scopes_outside_entries(ast.parse(path.read_text("utf-8")))
    }
    assert named == set()
    seen = ast.parse(
        'demand(caller, "logs:read")\nroute("GET", "/", scope="admin:read or logs:read")'
    )
    assert _scopes_outside_entries(seen) == [1], "one that is named would have been seen"
