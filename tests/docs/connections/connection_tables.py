"""The tables of docs/connections.md; `python -m tests.docs.connections.connection_tables`, with the
page's name, writes them anew from the declarations of the types."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tidings.app.connection_types import CONNECTION_TYPES
from tidings.connections.port import ConnectionType, command_of
from tidings.core.connections.fields import ConnectionField

BEGIN = "<!-- made by `make docs` from the declarations: the types -->"
END = "<!-- the end of the types -->"


def tables() -> str:
    """The block between the two marks."""
    lines = [line for kind in CONNECTION_TYPES.values() for line in _section(kind)]
    return "\n".join([BEGIN, *lines, END])


def _section(kind: ConnectionType) -> Iterator[str]:
    yield f"### {kind.name}"
    yield ""
    brings = f" `{command_of(kind.extra)}` brings what speaks to it." if kind.extra else ""
    yield f"{kind.about}{brings}"
    yield ""
    yield "| Field | Must be | Left out | What it is | Shown to the platform |"
    yield "|---|---|---|---|---|"
    for field in kind.fields:
        about, shown = field.about or "as of libpq", "yes" if field.shown else "never"
        yield f"| `{field.name}` | {_must(field)} | {_usual(field)} | {about} | {shown} |"
    yield ""


def _must(field: ConnectionField) -> str:
    return ", ".join(f"`{word}`" for word in field.words) if field.words else field.must


def _usual(field: ConnectionField) -> str:
    if field.required:
        return "refused"
    usual = field.usual
    return f"`{usual}`" if usual in field.words else usual or "none"


def main(path: str) -> None:
    """Write the block into the page."""
    page = Path(path)
    text = page.read_text("utf-8")
    fresh, count = re.subn(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: tables(), text, flags=re.DOTALL
    )
    assert count == 1, f"{path} must have {BEGIN} and {END} once"
    page.write_text(fresh, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
