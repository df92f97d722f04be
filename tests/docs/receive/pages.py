"""The pages on receiving, as sections with their blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"
START = DOCS / "receive.md"
FRAMEWORKS = DOCS / "receive" / "frameworks.md"
LIBRARIES = DOCS / "receive" / "libraries.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#|//) (\S+\.(?:py|mjs|java|go))\n")


@dataclass(frozen=True)
class Block:
    """A block of code, in the language that is written at its top."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that its first line names; empty where it names none."""
        named = _FILE.match(self.text)
        return named[1] if named else ""

    @property
    def commands(self) -> list[str]:
        """What is typed, without the remarks behind it."""
        typed = (line for line in self.text.splitlines() if line.startswith("$ "))
        return [re.sub(r"\s+# .*$", "", line[2:]) for line in typed]


def sections(page: Path) -> dict[str, list[Block]]:
    """The blocks of each section, by its heading."""
    parts = re.split(r"^## (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    found = zip(parts[1::2], parts[2::2], strict=True)
    return {title: [Block(*row) for row in _BLOCK.findall(text)] for title, text in found}


def files(blocks: list[Block]) -> dict[str, str]:
    """What stands in each file that the blocks name."""
    return {block.file: block.text for block in blocks if block.file}
