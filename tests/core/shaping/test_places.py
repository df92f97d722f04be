"""Many changes at many places, each made once, and nothing that is given is changed."""

import copy
from typing import Any

import pytest

from tidings.core.shaping.places import EACH, BlockPlaces


def mark(block: dict[str, Any], seen: list[int]) -> dict[str, Any]:
    """A change of all blocks but those that say otherwise."""
    seen.append(block.get("n", 0))
    return block if "not" in block else block | {"marked": True}


def changed(block: Any, *ways: tuple[str | int, ...]) -> tuple[Any, list[int]]:
    places: BlockPlaces[list[int]] = BlockPlaces()
    for way in ways:
        places.add(way, mark)
    before, seen = copy.deepcopy(block), list[int]()
    made = places.change()(block, seen)
    assert block == before
    return made, seen


def test_blocks_on_the_way_are_copied_and_all_others_shared() -> None:
    block: dict[str, Any] = {"a": {"b": {"n": 1}, "c": {"x": 1}}, "d": {"y": 2}}
    made, seen = changed(block, ("a", "b"))
    assert made == {"a": {"b": {"n": 1, "marked": True}, "c": {"x": 1}}, "d": {"y": 2}}
    assert made["d"] is block["d"] and made["a"]["c"] is block["a"]["c"]
    assert seen == [1]


def test_items_of_lists_and_blocks_below_changed_ones() -> None:
    items = [{"n": 1, "in": {"n": 2}}, "odd", {"n": 3, "not": 1, "in": []}, [{"n": 4}]]
    made, seen = changed({"list": items}, ("list", EACH), ("list", EACH, "in"))
    assert made["list"] == [
        {"n": 1, "in": {"n": 2, "marked": True}, "marked": True},
        *items[1:],
    ]
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    "block",
    [{}, {"a": None}, {"a": []}, {"a": {"b": 1}}, {"a": {"b": {"not": 1}}, "list": [{"not": 1}]}],
)
def test_where_nothing_changes_it_is_the_block_itself(block: Any) -> None:
    assert changed(block, ("a", "b"), ("list", EACH))[0] is block
    assert changed(block)[0] is block


def test_the_block_itself_can_be_a_place() -> None:
    assert changed({"n": 1}, ())[0] == {"n": 1, "marked": True}


def test_a_list_in_a_list_is_no_place() -> None:
    with pytest.raises(ValueError, match="under a name"):
        BlockPlaces[None]().add(("a", EACH, EACH), lambda block, _: block)
