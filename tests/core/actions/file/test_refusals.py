"""All that is said of a file of actions that cannot be used, or is odd, is kept in a list that can
be read aloud; and nothing can be said that is not in it."""

import re

import pytest

from tests.core.actions.file.refusals import CHANGES, KEPT, refusals, said_of
from tests.docs.source_texts import UNKIND, texts

FOLDER = "core/actions/file/"
TOLD = re.compile(r"actions\.toml:\d+:\d+: .*[.?] \([a-z_]+(, field .+)?\)")


def test_what_is_said_is_as_it_is_kept() -> None:
    kept = KEPT.read_text("utf-8").splitlines()
    assert refusals() == kept, "python -m tests.core.actions.file.refusals"


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_each_change_is_told_with_its_place_its_code_and_its_field(change: tuple[str, str]) -> None:
    found = said_of(change)
    assert found
    for text in found:
        assert TOLD.fullmatch(text), text
        assert not UNKIND.search(text.partition(": ")[2]), text


def test_every_text_of_the_code_is_said_by_one_of_them() -> None:
    said = KEPT.read_text("utf-8")
    for file, line, _, text in texts():
        if FOLDER in str(file) and re.search("[a-z]", text):
            pattern = ".*?".join(map(re.escape, text.split("…")))
            assert re.search(pattern, said), f"{file}:{line}: {text}"
