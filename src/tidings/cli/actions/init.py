"""`tidings actions init`: begins a file of actions from a recipe."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tidings.cli.actions.recipe_files import Recipe, recipes
from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import clean, how_many, print_lines, print_table, word

FIRST = "hello"  # which needs nothing of the reader's own
_ORG = re.compile(r"^org = [0-9]+", re.MULTILINE)


def init(
    recipe: str = "",
    /,
    *,
    into: str = ".",
    org: int | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write a file of actions from a recipe, with the files that it names; list the recipes.

    Existing files are not changed.

    Parameters
    ----------
    recipe
        Left out, the recipes are listed.
    into
        The folder to write to. It is created if it does not exist.
    org
        The id of the org whose events they are.
    json
        Print recipes, or the files that were written, as NDJSON.
    """
    from tidings.core.form import nearest
    from tidings.core.ids import ORG_ID_MAX
    from tidings.values import describe_value

    if org is not None and not 0 < org <= ORG_ID_MAX:
        raise CommandExit(
            f"ORG must be a whole number from 1 to {ORG_ID_MAX}; got {describe_value(org)}.",
            Exit.USAGE,
        )
    known = {recipe.name: recipe for recipe in recipes()}
    if not recipe:
        _print_recipes(known.values(), json)
        next_step(f"tidings actions init {FIRST} --into {FIRST}")
        return Exit.OK
    if recipe not in known:
        raise CommandExit(
            f"RECIPE must be one of {', '.join(known)}; got {clean(recipe[:40])}."
            f"{nearest(recipe, known) or ' `tidings actions init` describes each.'}",
            Exit.USAGE,
        )
    folder = Path(into)
    written = _write(known[recipe], folder, org)
    if json:
        print_lines({"file": str(path)} for path in written)
    else:
        for path in written:
            print(clean(path))
    say(
        f"Wrote {how_many(len(written), 'file')}. Each file begins with what you need to change in "
        "it."
    )
    next_step(f"tidings actions check {word(str(folder / 'actions.toml'))}")
    return Exit.OK


def _print_recipes(known: Iterable[Recipe], as_json: bool) -> None:
    if as_json:
        print_lines(
            {"name": recipe.name, "about": recipe.about, "files": list(recipe.files)}
            for recipe in known
        )
    else:
        print_table(("Recipe", "What it does"), [(recipe.name, recipe.about) for recipe in known])


def _write(recipe: Recipe, folder: Path, org: int | None) -> list[Path]:
    """All files of a recipe, or none. Raise CommandExit."""
    there = [name for name in recipe.files if os.path.lexists(folder / name)]
    if there:
        raise CommandExit(
            f"The folder must not contain files of the recipe; got {clean(there[0])} in "
            f"{clean(folder)}. Name another folder with --into.",
            Exit.REFUSED,
        )
    written: list[Path] = []
    try:
        for name, content in recipe.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                written.append(path)
                file.write(_of_org(content, org) if name == "actions.toml" else content)
    except OSError as error:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise CommandExit(
            f"The folder {clean(folder)} must be writable; got {clean(error.strerror)}. Name "
            "another with --into.",
            Exit.USAGE,
        ) from None
    return written


def _of_org(content: bytes, org: int | None) -> bytes:
    if org is None:
        return content
    return _ORG.sub(f"org = {org}", content.decode(), count=1).encode()
