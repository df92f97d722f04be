"""Statements as tokens: what the rules of a translation look at and change."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tidings.errors import TidingsError

_TOKEN = re.compile(
    r"""(?P<gap>(?:\s|--[^\n]*)*)(?P<text>
    [xX]'[0-9a-fA-F]*' | '(?:[^']|'')*' | "(?:[^"]|"")*"  # bytes, text, a quoted name
    | :: | \?\d* | :[A-Za-z_]\w*  # a cast of ours; the place of a value
    | [A-Za-z_]\w*(?:\.(?:[A-Za-z_]\w*|\*))*  # a keyword, or a name with that of its table
    | \d+(?:\.\d*)?(?:[eE][+-]?\d+)? | <> | != | <= | >= | == | << | >> | \|\| | \S)""",
    re.VERBOSE,
)
_PLACE = re.compile(r"[?:]\w")


class SqlToken(NamedTuple):
    """A token of a statement, and whether there is a gap before it."""

    text: str
    gap: str = " "

    @property
    def is_place(self) -> bool:
        """Return whether a value is bound here."""
        return _PLACE.match(self.text) is not None

    @property
    def is_name(self) -> bool:
        """Return whether this names a table or column: keywords are written in capitals."""
        return self.text[0].isalpha() and not self.text.isupper() and "'" not in self.text


class Unbalanced(TidingsError, ValueError):
    """A parenthesis is not closed."""


def tokenize(statement: str) -> list[SqlToken]:
    """Split a statement; the places of values are numbered as SQLite numbers them."""
    tokens: list[SqlToken] = []
    highest = 0
    for match in _TOKEN.finditer(statement):
        text = match["text"]
        if text[0] == "?":
            highest = max(highest, int(text[1:])) if text[1:] else highest + 1
            text = f"?{text[1:] or highest}"
        tokens.append(SqlToken(text, " " if match["gap"] else ""))
    return tokens


def spell(tokens: Iterable[SqlToken]) -> str:
    """Write tokens as a statement."""
    return "".join(token.gap + token.text for token in tokens).strip()


def spaced(text: str) -> list[SqlToken]:
    """Split words that follow others."""
    first, *rest = tokenize(text)
    return [first._replace(gap=" "), *rest]


def closing(tokens: Sequence[SqlToken], opening: int) -> int:
    """Return where the parenthesis that opens here is closed."""
    depth = 0
    for at in range(opening, len(tokens)):
        depth += (tokens[at].text == "(") - (tokens[at].text == ")")
        if not depth:
            return at
    raise Unbalanced(spell(tokens))


def find_outside(tokens: Sequence[SqlToken], words: Iterable[str], start: int = 0) -> int:
    """Return where one of these words first stands outside of parentheses, from `start` on, or
    where the parenthesis around ends; the end where there is neither."""
    wanted, at = {*words}, start
    while at < len(tokens) and tokens[at].text not in wanted:
        if tokens[at].text == ")":
            return at
        at = closing(tokens, at) + 1 if tokens[at].text == "(" else at + 1
    return at


def split_outside(tokens: Sequence[SqlToken], word: str) -> list[list[SqlToken]]:
    """Split tokens at each of these words outside of parentheses."""
    parts: list[list[SqlToken]] = []
    start = 0
    while True:
        end = find_outside(tokens, [word], start)
        parts.append(list(tokens[start:end]))
        if end >= len(tokens):
            return parts
        start = end + 1


def texts(tokens: Iterable[SqlToken]) -> list[str]:
    """Return the tokens' texts."""
    return [token.text for token in tokens]
