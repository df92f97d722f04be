"""What another file of actions changes, and no secret of it."""

from pathlib import Path
from typing import Any

from tests.core.actions.file.sound_file import FILE, KINDS, SOUND
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.actions import load_actions
from tidings.core.actions.file.reading import ActionsFile
from tidings.core.actions.file_changes import NOT_SHOWN, changes_of


def read(tmp_path: Path, more: str = "", key: str = "first secret", **said: str) -> ActionsFile:
    path = tmp_path / "actions.toml"
    path.write_text(FILE.format(**(SOUND | said)) + more)
    return load_actions(path, KINDS, CONNECTION_TYPES, environment={"KEY": key})


def changed(before: ActionsFile, after: ActionsFile) -> dict[str, tuple[Any, Any]]:
    return {change.place: (change.before, change.after) for change in changes_of(before, after)}


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    assert changed(read(tmp_path), read(tmp_path)) == {}


def test_fields_that_are_other_are_listed_with_both_states(tmp_path: Path) -> None:
    found = changed(read(tmp_path), read(tmp_path, host="mx.brand.example", value="7"))
    assert found["connections.mail"] == (NOT_SHOWN, NOT_SHOWN)
    [(place, values)] = [pair for pair in found.items() if pair[0].startswith("actions.b")]
    assert place.startswith("actions.b.acts.json") and values[1] == "7"


def test_what_is_new_or_gone_is_one_line(tmp_path: Path) -> None:
    more = '[actions.c]\ntypes = ["customerAdded"]\ncall = {url = "https://x.example/"}\n'
    assert changed(read(tmp_path), read(tmp_path, more)) == {"actions.c": (None, "declared")}
    assert changed(read(tmp_path, more), read(tmp_path)) == {"actions.c": ("declared", None)}


def test_a_secret_that_changes_is_told_and_not_shown(tmp_path: Path) -> None:
    before = read(tmp_path, value='"${KEY}"')
    after = read(tmp_path, value='"${KEY}"', key="second secret")
    found = changed(before, after)
    assert list(found.values()) == [(NOT_SHOWN, NOT_SHOWN)]
    assert "secret" not in str(found)
