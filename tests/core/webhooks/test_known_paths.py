"""Paths that no event of a webhook's types has: told where it is sure, and nowhere else."""

from typing import Any

import pytest

from tidings.catalogue import envelope, load
from tidings.catalogue.event_type import EventType
from tidings.core.event_path import read_path
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.webhooks import known_paths
from tidings.core.webhooks.known_paths import has_path, unknown_key

CATALOGUE = load()


def has(kind: EventType, path: str) -> bool:
    steps = read_path(path)
    assert steps is not None
    return has_path(kind, steps)


def own(schema: dict[str, Any], key: str = "data.id") -> EventType:
    return OwnType("orderPacked", 1, Declaration("An order.", schema, key), envelope()).kind


def paths_of(value: Any, path: str) -> set[str]:
    """Every path of an event that a filter can name."""
    if isinstance(value, dict):
        named = [(f"{path}.{key}" if path else key, row) for key, row in value.items()]
        found = {name for name, _ in named if read_path(name) is not None}
        return found.union(*(paths_of(row, name) for name, row in named if name in found))
    if isinstance(value, list):
        return {f"{path}[*]"}.union(*(paths_of(row, f"{path}[*]") for row in value))
    return set()


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_every_path_of_an_example_is_known(name: str) -> None:
    kind = CATALOGUE.get(name)
    assert kind is not None
    for example in kind.examples:
        assert {path for path in paths_of(example, "") if not has(kind, path)} == set()
    assert has(kind, "eventVersion")


@pytest.mark.parametrize(
    "path",
    [
        "data.tier",
        "data.totalPointIssued",
        "data.TotalPointsIssued",
        "totalPointsIssued",
        "data.customerIdentifiers.customerID",
        "data.promotionalPointsIssued.promotionName",  # without [*] it is a list
        "data.promotionalPointsIssued[*].name",
        "data.totalPointsIssued[*]",
        "data.totalPointsIssued.value",
        "data.customerIdentifiers[*].customerId",
    ],
)
def test_a_slip_is_known_to_lead_nowhere(path: str) -> None:
    kind = CATALOGUE.get("pointsIssued")
    assert kind is not None and not has(kind, path)


CLOSED_LIST = {
    "type": "array",
    "items": {"type": "object", "additionalProperties": False, "properties": {"n": {}}},
}
OPEN: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "object", "properties": {"id": {"type": "string"}}},
    {"type": "object", "properties": {"id": {}}, "additionalProperties": True},
    {"type": "object", "additionalProperties": {"type": "object"}},
    {"additionalProperties": False, "properties": {"more": {}}},
    {"additionalProperties": False, "anyOf": [{"properties": {"more": {}}}]},
]


@pytest.mark.parametrize("schema", OPEN)
def test_an_own_type_that_leaves_room_may_have_anything_there(schema: dict[str, Any]) -> None:
    kind = own(schema)
    assert has(kind, "data.more") and has(kind, "data.more.below")


def test_an_own_type_that_is_closed_has_what_it_says() -> None:
    kind = own(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "lines": {"type": "array", "items": {"type": "object", "properties": {"n": {}}}},
            },
        }
    )
    for path in ("data.id", "data.lines[*].n", "data.lines[*].other", "refId", "eventVersion"):
        assert has(kind, path), path
    assert unknown_key(kind) == ()
    for path in ("data.Id", "data.id.more", "data.lines.n", "refID"):
        assert not has(kind, path), path


@pytest.mark.parametrize("key", ["data.order", "data.lines[0].id", "data.customerIdentifiers.id"])
def test_a_key_that_a_schema_rules_out_draws_a_warning(key: str) -> None:
    closed = {"type": "object", "additionalProperties": False, "properties": {"lines": CLOSED_LIST}}
    [warning] = unknown_key(own(closed, key))
    assert (warning.code, warning.field) == ("unknown_path", "key") and key in warning.message
    assert unknown_key(own(closed, "data.lines[0].n")) == ()
    for schema in OPEN[:3]:
        assert unknown_key(own(schema, key)) == ()


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, "{0}"), (2, "{0}, {1}"), (3, "{0}, {1}, {2}"), (4, "{0}, {1}, {2} and 1 more"),
     (9, "{0}, {1}, {2} and 6 more")],
)  # fmt: skip
def test_the_types_that_lack_a_path_are_named_up_to_three(count: int, told: str) -> None:
    kinds = list(CATALOGUE.kinds())[:count]
    message = known_paths._unknown("filter.path", "data.nothing", kinds).message
    assert f"({told.format(*(kind.label for kind in kinds))}); got" in message
