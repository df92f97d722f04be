"""A guide as its reader works through it: files to save, commands to type, and what they show."""

import re
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"
FOLDER = DOCS / "guides"
GUIDES = sorted(FOLDER.rglob("*.md"))

# A block, and the file that the line before it names: "Save this as `order.json`:".
_BLOCK = re.compile(
    r"(?:`(?P<file>[\w./-]+\.\w+)`:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Step:
    """One command, and the lines that it shows."""

    command: str
    shown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SavedFile:
    """A block that the reader saves as a file."""

    name: str
    text: str


@dataclass(frozen=True)
class OtherTerminal:
    """What the command that runs beside the others shows."""

    shown: list[str]


Work = Step | SavedFile | OtherTerminal


def text_of(name: str) -> str:
    """The text of a guide, by its place below docs/guides without the suffix."""
    return (FOLDER / f"{name}.md").read_text("utf-8")


def name_of(guide: Path) -> str:
    """The guide's place below docs/guides, without its suffix."""
    return guide.relative_to(FOLDER).with_suffix("").as_posix()


def work_of(text: str) -> list[Work]:
    """What a reader of the page does, in its order."""
    work: list[Work] = []
    for block in _BLOCK.finditer(text):
        if block["language"] == "console":
            work += steps_of(block["text"])
        elif block["language"] == "text":
            work.append(OtherTerminal(block["text"].splitlines()))
        elif block["file"]:
            work.append(SavedFile(block["file"], block["text"]))
    return work


def steps_of(block: str) -> list[Step]:
    """The commands of a block; a line that ends with a backslash goes on in the next one."""
    steps: list[Step] = []
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            steps.append(Step(re.sub(r"\s+# .*$", "", line[2:])))
        elif line.strip():
            steps[-1].shown.append(line)
    return steps


def commands_of(text: str) -> list[str]:
    """All commands of a page."""
    return [work.command for work in work_of(text) if isinstance(work, Step)]


def headings_of(text: str) -> list[str]:
    """The headings of the page's parts, without those in blocks."""
    bare = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^## (.+)$", bare, re.MULTILINE)
