"""A body as people read it: JSON laid out line by line, and where in it a path stands. Pure.

Laying out changes white space alone: numbers keep their digits, keys their order, and what stands
twice stands twice. Nothing here makes HTML; templates escape each line.
"""

import json

import msgspec

SHOWN_MAX = 128 * 1024  # bytes of one body that a page shows
LINES_MAX = 4_000  # and lines: a page takes some 2 µs of the event loop for each
AROUND = 6  # lines shown on each side of a marked one

_scan = json.JSONDecoder().raw_decode


class JsonLine(msgspec.Struct, frozen=True):
    """One line of a body."""

    text: str
    marked: bool = False


class Body(msgspec.Struct, frozen=True):
    """A body to be shown."""

    lines: list[JsonLine]
    bytes: int  # of the whole body
    cut: bool  # its end is left out
    kind: str  # "json", "text" or "binary"
    found: bool = False  # the marked path itself stands in it, and not only what should hold it

    @property
    def place(self) -> "Body | None":
        """The marked line with those around it; None without one, or where that is all."""
        at = next((number for number, line in enumerate(self.lines) if line.marked), None)
        if at is None or len(self.lines) <= 2 * AROUND + 1:
            return None
        around = self.lines[max(0, at - AROUND) : at + AROUND + 1]
        return Body(around, self.bytes, True, kind=self.kind, found=self.found)


def body_of(raw: bytes, path: str = "") -> Body:
    """Convert a body into lines laid out for reading; mark the line of `path` (dotted, `[2]` for
    items) where there is one.

    Where the path is absent, the block that should hold it is marked.
    """
    try:
        laid = msgspec.json.format(raw, indent=2).decode() if raw.strip() else ""
        kind = "json"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            laid, kind = raw.decode(), "text"
        except UnicodeDecodeError:
            return Body([], len(raw), False, kind="binary")
    cut = len(laid) > SHOWN_MAX
    texts = laid[:SHOWN_MAX].split("\n")
    if len(texts) > LINES_MAX:
        cut, texts = True, texts[:LINES_MAX]
    at, found = _line_of(texts, path) if kind == "json" and path else (None, False)
    lines = [JsonLine(text, number == at) for number, text in enumerate(texts)]
    return Body(lines, len(raw), cut, kind=kind, found=found)


def _line_of(texts: list[str], wanted: str) -> tuple[int | None, bool]:
    """The number of the line at which a path begins, or at which what should hold it does."""
    best, length = 0, -1
    for number, path in enumerate(_paths(texts)):
        if path == wanted:
            return number, True
        inside = not path or wanted.startswith((path + ".", path + "["))
        if path is not None and inside and len(path) > length:
            best, length = number, len(path)
    return best, False


def _paths(texts: list[str]) -> list[str | None]:
    """The path of what begins on each line; None for one that only closes a block."""
    paths: list[str | None] = []
    open_blocks: list[tuple[str, bool, list[int]]] = []  # path, is a list, items so far
    for text in texts:
        stripped = text.strip()
        if stripped[:1] in ("}", "]"):
            if open_blocks:
                open_blocks.pop()
            paths.append(None)
            continue
        path, value = "", stripped
        if open_blocks:
            stem, is_list, count = open_blocks[-1]
            if is_list:
                path = f"{stem}[{count[0]}]"
                count[0] += 1
            else:
                try:
                    key, end = _scan(stripped)
                except ValueError:  # the line was cut
                    paths.append(None)
                    continue
                path = f"{stem}.{key}" if stem else str(key)
                value = stripped[end:].lstrip(": ")
        paths.append(path)
        if value in ("{", "["):
            open_blocks.append((path, value == "[", [0]))
    return paths


def lay_out(body: bytes) -> str:
    """Return JSON laid out, and anything else as it is."""
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace")
