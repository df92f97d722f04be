"""The fields of an event type as rows: path, type in words, and what is said of each."""

from typing import NamedTuple

from tidings.catalogue import EventType
from tidings.catalogue.event_type import Json
from tidings.catalogue.schema import types_of, walk
from tidings.core.events.own_types import FAMILY as OWN

WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}


def type_words(node: Json, *, null: bool = True) -> str:
    """Return the types of a field, in words; without null where that is told once, for all
    fields."""
    return " or ".join(WORDS[name] for name in types_of(node) if null or name != "null") or "any"


def may_lack(kind: EventType) -> bool:
    """Return whether it is a type of the platform, in which any field may be absent or null."""
    return kind.family not in ("operational", OWN)


class Row(NamedTuple):
    """One field."""

    path: str
    words: str  # its type
    meaning: str
    block: str  # the shared block that it holds, or ""


def rows(whole: Json, blocks: dict[str, Json], *, null: bool = True) -> list[Row]:
    """Return a row for every field of a schema, marks at the end. What a shared block holds is not
    repeated.

    Without `null` no type says that it may be null: that is told once, of all.
    """
    found: list[Row] = []
    required = set(whole.get("required", ()))
    for path, written in walk(whole):
        if not path:
            continue
        ref = written.get("$ref", "")
        node = {**blocks[ref], **written} if ref else written
        marks = [node["description"]] if "description" in node else []  # an own type may say none
        if path in required:
            marks.append("**Always there.**")
        if hints := node.get("examples"):
            marks.append("Seen: " + ", ".join(f"`{hint}`" for hint in hints[:8]) + _more(hints))
        if node.get("x-pii"):
            marks.append(f"Personal data ({node['x-pii']}).")
        if quirk := node.get("x-quirk"):
            marks.append(quirk)
        if since := node.get("x-since"):
            marks.append(f"Since {since}.")
        found.append(Row(path, type_words(node, null=null), " ".join(marks), block=block_name(ref)))
    return found


def _more(hints: list[str]) -> str:
    return " …" if len(hints) > 8 else "."


def block_name(ref: str) -> str:
    """Return `shared/actor.json` as `actor`."""
    return ref.removeprefix("shared/").removesuffix(".json")
