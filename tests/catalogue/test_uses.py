"""What brands use events for: every type serves a use or says why not, and recipes agree."""

import tomllib
from pathlib import Path

import pytest

import tidings.cli.actions
from tidings.catalogue import load
from tidings.catalogue.uses import USE_OF, USES, WITHOUT_USE, EventUse, uses_of

NAMES = set(load().names())
RECIPES = Path(tidings.cli.actions.__file__).parent / "recipes"
OF_RECIPES = {
    "group-tiers": "points",
    "magento": "shop",
    "messages": "messages",
    "hello": "messages",
    "mail": "messages",
    "survey": "surveys",
}


def test_every_event_type_serves_a_use_or_says_why_not() -> None:
    used = {name for use in USES for name in use.types}
    assert used | WITHOUT_USE.keys() == NAMES
    assert not used & WITHOUT_USE.keys()
    assert all(reason.endswith(".") for reason in WITHOUT_USE.values())


@pytest.mark.parametrize("use", USES, ids=lambda use: use.key)
def test_a_use_names_each_of_its_types_once(use: EventUse) -> None:
    assert len(set(use.types)) == len(use.types) > 1
    assert USE_OF[use.key] is use
    assert all(use in uses_of(name) for name in use.types)


def test_no_use_is_another_one_by_a_second_name() -> None:
    assert len({frozenset(use.types) for use in USES}) == len({use.label for use in USES})
    assert len(USE_OF) == len(USES)
    assert uses_of("tidings.webhook.failing") == []


def types_of(recipe: str) -> set[str]:
    """The catalogue's types that a recipe waits for; others are its own."""
    text = tomllib.loads((RECIPES / recipe / "actions.toml").read_text("utf-8"))
    return {name for action in text["actions"].values() for name in action["types"]} & NAMES


@pytest.mark.parametrize("recipe", sorted(path.parent.name for path in RECIPES.glob("*/*.toml")))
def test_a_recipe_waits_for_nothing_but_the_types_of_its_use(recipe: str) -> None:
    wanted = types_of(recipe)
    assert wanted and wanted <= set(USE_OF[OF_RECIPES[recipe]].types)
