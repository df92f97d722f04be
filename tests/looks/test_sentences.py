"""Sentences for people have no words that only we speak: on the console's pages and in the help of
commands. The reader is a stranger; where the trade has a word, it stands there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "src/tidings/console/templates").rglob("*.html"))
HELP = ROOT / "src/tidings/cli/help/help.txt"
OWN_WORDS = re.compile(
    r"\b(whoever|whatever|nobody|for good\b|left alone|anew|is told|are told|mend(s|ed)?|goes on"
    r"|lets? it go on|put aside|turns live|laid out|shown this once)\b",
    re.IGNORECASE,
)
# What is no sentence: comments, statements, and the insides of tags but what people read of them.
CODE = re.compile(
    r"\{#.*?#\}|\{%-?\s*(?:if|elif|set|for|import|from|extends|block|macro)\b.*?%\}", re.DOTALL
)


def faults(text: str) -> list[str]:
    """The words of ours, each with what stands around it."""
    plain = CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
    return [
        plain[max(found.start() - 30, 0) : found.end() + 30] for found in OWN_WORDS.finditer(plain)
    ]


def test_no_page_has_a_word_that_only_we_speak() -> None:
    assert len(PAGES) > 100
    found = {page.name: wrong for page in PAGES if (wrong := faults(page.read_text("utf-8")))}
    assert found == {}


def test_no_help_has_a_word_that_only_we_speak() -> None:
    text = HELP.read_text("utf-8")
    assert len(text) > 50_000
    assert faults(text) == []


@pytest.mark.parametrize("text", [
    "Nothing goes on by itself.", '<p title="For whoever looks next">',
    "{% if a %}Deleted for good.{% endif %}",
])  # fmt: skip
def test_a_word_of_ours_would_be_seen(text: str) -> None:
    assert faults(text)


def test_what_nobody_reads_is_not_looked_at() -> None:
    assert faults("{# whoever reads this #}{% if definition.anew %}Made{% endif %}") == []
