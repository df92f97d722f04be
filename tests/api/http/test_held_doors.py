"""Whatever is rendered, tried or counted for a tenant holds memory of the one budget, through
whichever door it is asked for."""

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, service
from tidings.core.ids import OrgId
from tidings.engine.answer_memory import AnswerMemory
from tidings.errors import Throttled

SOURCE = Path(__file__).parents[3] / "src" / "tidings"
ORG = OrgId(7)
# What makes something large of what tenants wrote: the object, and its method.
PRIMITIVES = {
    ("shaper", "shape"),
    ("trial", "rehearse"),
    ("trial", "send"),
    ("intake", "preview"),
    ("runs", "count"),
    ("sources", "redrive"),
    ("transformations", "versions"),
}
HOLDS = {"holding", "answer_within"}


def _calls(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The calls within a function: the last name of the object, and the method."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            owner = call.func.value
            name = getattr(owner, "attr", getattr(owner, "id", ""))
            yield name.lstrip("_"), call.func.attr
        elif isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            yield "", call.func.id


def doors() -> dict[str, bool]:
    """Every function of the faces and of what they read by that calls one of these, and whether it
    holds memory for it."""
    found = {}
    for floor in ("api", "console", "reads"):
        for path in sorted((SOURCE / floor).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            for node in ast.walk(tree):
                if not isinstance(node, ast.AsyncFunctionDef):
                    continue
                calls = set(_calls(node))
                if calls & PRIMITIVES:
                    outer = [
                        other
                        for other in ast.walk(tree)
                        if isinstance(other, ast.AsyncFunctionDef) and node in ast.walk(other)
                    ]
                    holds = any(
                        {name for _, name in _calls(async_function_def)} & HOLDS
                        for async_function_def in outer
                    )
                    found[f"{path.relative_to(SOURCE).as_posix()}:{node.name}"] = holds
    return found


def test_every_door_holds_memory() -> None:
    found = doors()
    assert {place for place, holds in found.items() if not holds} == set()
    assert {place.rsplit(":")[1] for place in found} >= {
        "make_message", "try_out", "sent", "try_message", "redrive_dead_letters", "count",
        "versions",
    }  # fmt: skip


def full_memory() -> AnswerMemory:
    """A budget that others hold."""
    memory = AnswerMemory(9, wait_s=0.01)
    memory._budget.charge(OrgId(1), 9)
    return memory


async def crowded(made: Service) -> None:
    web = dataclasses.replace(made.services.web, answer_memory=full_memory())
    made.services = dataclasses.replace(made.services, web=web)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/webHooks/preview", {"eventNames": ["pointsIssued"]}),
        ("POST", "/v1/webHooks/test", BASIC),
        ("POST", "/v1/webHooks/{webhook}/test", {}),
        ("POST", "/v1/replays", {"webHookId": "{webhook}", "dryRun": True}),
        ("GET", "/v1/transformations/short/versions", None),
    ],
)
async def test_where_others_hold_the_budget_a_call_is_asked_to_come_again(
    method: str, path: str, body: dict[str, Any] | None
) -> None:
    async with service() as made:
        await crowded(made)
        auth = await made.add_org(ORG)
        shown = (await made.call("POST", "/v3/webHooks", BASIC, auth)).json["data"]
        template = {"name": "short", "template": '{"a": 1}'}
        await made.call("POST", "/v1/transformations", template, auth)
        id = shown["webHookId"]
        if body is not None and "webHookId" in body:
            body = body | {"webHookId": id}
        answer = await made.call(method, path.replace("{webhook}", id), body, auth)
        assert answer.status == 429, answer
        assert "too_many_answers" in str(answer.json)
        made.services.web.answer_memory._budget.give(OrgId(1), 9)
        again = await made.call(method, path.replace("{webhook}", id), body, auth)
        assert again.status < 300
        assert made.services.web.answer_memory.held == 0


async def test_a_call_that_holds_memory_is_not_asked_for_more_within() -> None:
    memory = AnswerMemory(90, wait_s=0.01)
    async with memory.holding(ORG, 30):
        async with memory.holding(ORG, 30):
            assert memory.held == 30
        assert memory.held == 30
    assert memory.held == 0
    with pytest.raises(RuntimeError):
        async with memory.holding(ORG, 30):
            raise RuntimeError
    assert memory.held == 0
    memory._budget.charge(OrgId(1), 90)
    with pytest.raises(Throttled):
        async with memory.holding(ORG, 30):
            raise AssertionError
