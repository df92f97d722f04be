"""What a command has shown beside what the page says: the same but for ids, times and durations."""

import re
from collections.abc import Sequence

SITE = "https://tidings.example"
_UUID = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
_WEBHOOK = r"\b[0-9a-f]{24}\b"

# Words in capitals that a reader replaces by what an earlier command has shown.
PLACEHOLDERS = {
    "INBOX_URL": r"https?://\S+/inbox/[\w-]+",
    "INBOX_ID": r"\binb_\w+",
    "DELIVERY_ID": r"\bdlv_\w+",
    "EVENT_ID": _UUID,
    "CREDENTIAL": r"\btdk_\w+",
    "ORG_ID": r"(?m)^org +(\d+)$",
}

# What is another one at each try.
_VARIES = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\b\d\d:\d\d:\d\dZ", "TIME"),
    (_UUID, "UUID"),
    (_WEBHOOK, "HEX"),
    (r"\b(inb|dlv|rpl|inc|rej|src|alc|tdk|tds|lnk)_\w+", r"\1_ID"),
    (r"\bwhsec_[\w+/=]+", "whsec_ID"),
    (r"/inbox/[\w-]+", "/inbox/TOKEN"),
    (r"\b127\.0\.0\.1:\d+", "ADDRESS"),
    (r"\b[\d.,]+ (ms|bytes|s|MiB)\b", r"N \1"),
)


def missing_line(wanted: Sequence[str], shown: str) -> str | None:
    """The first line of the page that was not shown; None where all were. In any order: data and
    talk of a command come by two ways."""
    lines = [settled(line) for line in shown.splitlines()]
    for text in wanted:
        pattern = ".*".join(map(re.escape, settled(text).split("…")))
        found = next((line for line in lines if re.fullmatch(pattern, line)), None)
        if found is None:
            return text
        lines.remove(found)
    return None


def settled(line: str) -> str:
    """A line without what differs from one try to the next: ids, times, widths of columns."""
    line = " ".join(line.split())
    for pattern, name in _VARIES:
        line = re.sub(pattern, name, line)
    return line


def filled(text: str, output: str) -> str:
    """The text with the newest of what was shown in place of each placeholder."""
    for name, pattern in PLACEHOLDERS.items():
        word = rf"(?<![\w$]){name}\b(?!=)"
        if re.search(word, text):
            shown = list(re.finditer(pattern, output))
            assert shown, f"nothing was shown for {name} of {text}"
            value = shown[-1][1] if shown[-1].re.groups else shown[-1][0]
            text = re.sub(word, lambda _, value=value: value, text)  # type: ignore[misc]
    return text
