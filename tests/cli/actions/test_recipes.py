"""Recipes: each is whole, can be begun from by whoever has the wheel, and is an example as well."""

import re
import zipfile
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.service_wheel import ROOT, build
from tidings.cli.actions.recipe_files import RECIPES, recipes

EXAMPLES = ROOT / "examples"
NAMES = [recipe.name for recipe in recipes()]


@pytest.fixture
def tidings(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_recipe_writes_is_a_file_of_actions_without_a_fault_or_a_warning(
    tidings: Command, name: str
) -> None:
    folder = tidings.home / "new" / name
    done = tidings("actions", "init", name, "--into", str(folder), "--org", "2001").must()
    [recipe] = [recipe for recipe in recipes() if recipe.name == name]
    assert done.out.split() == [str(folder / file) for file in recipe.files]
    text = (folder / "actions.toml").read_text("utf-8")
    assert recipe.about and text.startswith(f"# {recipe.about}\n")
    named = {row: value_of(row) for row in re.findall(r"\$\{([A-Z_]+)\}", text)}
    command = done.err.splitlines()[-1].removeprefix("Next: tidings ").split()
    assert command == ["actions", "check", str(folder / "actions.toml")]
    found = tidings(*command, "--json", **named).must().row
    assert (found["valid"], found["org"], found["warnings"]) == (True, 2001, [])
    assert found["actions"]


def value_of(name: str) -> str:
    """What an operator sets a variable to, by its name."""
    if name.endswith("_URL"):
        return "https://api.brand.example/v1/records"
    if name == "PLATFORM_SECRET":
        return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    return "587" if name.endswith("_PORT") else "a-value-of-the-test"


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_an_example_too(name: str) -> None:
    assert (EXAMPLES / name).is_symlink() and (EXAMPLES / name).resolve() == RECIPES / name


def test_the_recipes_are_in_the_wheel(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as inside:
        for recipe in recipes():
            for name, content in recipe.files.items():
                held = inside.read(f"tidings/cli/actions/recipes/{recipe.name}/{name}")
                assert held == content
    assert "mail" in NAMES


@pytest.mark.parametrize("name", ["messages", "magento", "survey"])
def test_of_a_variable_that_is_not_set_nothing_is_told_but_that(name: str, tmp_path: Path) -> None:
    Command(tmp_path)("actions", "init", name, "--into", str(tmp_path)).must()
    said = Command(tmp_path)("actions", "check", str(tmp_path / "actions.toml")).must(1)
    told = said.out.splitlines()
    assert all("must be set in the environment as " in text for text in told), told
    fields = [text.rpartition(", field ")[2] for text in told]
    assert len(fields) == len(set(fields)) >= 3
