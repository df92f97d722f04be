"""Bugs made on purpose: which are drawn, which tests are near them, and which need none."""

import tomllib
from pathlib import Path

from tests.mutants.__main__ import HARMLESS, SOURCE
from tests.mutants.generator import FLOORS, Mutant, draw
from tests.mutants.nearness import near

MODULE = """
def admit(count: int, most: int) -> bool:
    if count > most:
        note(count, most)
        return False
    return True


def note(first: int, second: int) -> None:
    print(first, second)
"""


def tree(root: Path, count: int = 40) -> Path:
    for floor in FLOORS:
        (root / floor).mkdir(parents=True)
    for at in range(count):
        (root / FLOORS[at % len(FLOORS)] / f"m{at}.py").write_text(MODULE, "utf-8")
    return root


def words(mutants: list[Mutant], root: Path) -> set[tuple[str, str]]:
    found = ((mutant, mutant.path.read_text("utf-8")) for mutant in mutants)
    return {
        (str(mutant.path.relative_to(root)), mutant.describe(source).partition(" ")[2])
        for mutant, source in found
    }


def test_a_seed_draws_the_same_bugs_wherever_they_stand_by_now(tmp_path: Path) -> None:
    root = tree(tmp_path)
    drawn = words(draw(root, 1, 30), root)
    assert len(drawn) == 30 and {place.partition("/")[0] for place, _ in drawn} == set(FLOORS)
    assert words(draw(root, 2, 30), root) != drawn
    for path in root.rglob("*.py"):
        path.write_text("LINE = 1\n" + path.read_text("utf-8"), "utf-8")
    assert words(draw(root, 1, 30), root) == drawn


def test_a_change_of_one_module_changes_what_is_drawn_of_that_alone(tmp_path: Path) -> None:
    root = tree(tmp_path)
    drawn = words(draw(root, 1, 30), root)
    (root / "core" / "new.py").write_text(MODULE, "utf-8")
    (root / "core" / "m0.py").write_text(MODULE.replace("count", "size"), "utf-8")
    fresh = words(draw(root, 1, 30), root)
    changed = ("core/new.py", "core/m0.py")
    assert all(place in changed for place, _ in fresh - drawn)
    # What comes in new pushes out the last of the order, and nothing else.
    assert len(drawn - fresh) <= 8


def test_tests_are_near_a_module_that_they_reach_through_a_helper_or_its_user(
    tmp_path: Path,
) -> None:
    source, tests = tmp_path / "src" / "tidings", tmp_path / "tests"
    files = {
        source / "core" / "parts.py": "",
        source / "core" / "user.py": "from tidings.core.parts import a\n",
        source / "engine" / "far.py": "",
        tests / "core" / "test_direct.py": "from tidings.core.parts import a\n",
        tests / "engine" / "test_helped.py": "from tests.house import a\n",
        tests / "house.py": "from tidings.core.parts import a\n",
        tests / "engine" / "test_user.py": "from tidings.core.user import a\n",
        tests / "engine" / "test_far.py": "from tidings.engine.far import a\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    found = [path.name for path in near(source / "core" / "parts.py", source, tests)]
    assert found[0] == "test_direct.py"
    assert sorted(found[1:]) == ["test_helped.py", "test_user.py"]


def test_what_is_named_as_harmless_stands_in_the_source_and_has_its_reason() -> None:
    lines = {
        line.strip()
        for floor in FLOORS
        for path in (SOURCE / floor).rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
    }
    for edit, reason in tomllib.loads(HARMLESS.read_text("utf-8")).items():
        kind, _, change = edit.partition(": ")
        assert kind in ("turned", "off by one", "dropped", "swapped") and reason, edit
        assert change.partition(" -> ")[0] in lines, edit
