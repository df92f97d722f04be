"""The recipes of `tidings actions init`: a folder of files for each, in `recipes/` beside this.

A recipe is a folder whose `actions.toml` begins with a comment of one line that says what it does.
To add one is to add its folder, and a link to it in `examples/`: they are the same files.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

RECIPES = Path(__file__).with_name("recipes")
FILE = "actions.toml"


class Recipe(NamedTuple):
    """One of them. `files`: what it consists of, by names from its folder; the file of actions
    comes first."""

    name: str
    about: str
    files: Mapping[str, bytes]


def recipes() -> Iterator[Recipe]:
    """Yield all recipes, by name."""
    for folder in sorted(RECIPES.iterdir()):
        if (folder / FILE).is_file():
            yield _recipe(folder)


def _recipe(folder: Path) -> Recipe:
    paths = [folder / FILE, *sorted(path for path in folder.rglob("*") if path.name != FILE)]
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()
    }
    about = files[FILE].decode().partition("\n")[0].removeprefix("#").strip()
    return Recipe(folder.name, about, files)
