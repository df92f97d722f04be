"""The lines that the console shows beside a new secret are those of the documentation."""

from pathlib import Path

import pytest

from tidings.console.pages.webhooks.verify_lines import LANGUAGES, VerifyLines

PAGE = Path(__file__).parents[3] / "docs/receive/libraries.md"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.heading)
def test_each_line_stands_in_the_section_of_its_language(language: VerifyLines) -> None:
    _, _, section = PAGE.read_text().partition(f"\n## {language.heading}\n")
    there = [line.strip() for line in section.partition("\n## ")[0].splitlines()]
    assert [line for line in there if line in language.lines] == list(language.lines)
