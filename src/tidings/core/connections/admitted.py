"""The names that a connection admits: patterns of the operator's, in which `{org}` stands for the
number of the org that asks. Pure.

An org's number is matched whole: `crm.{org}.*` admits crm.1.orders to org 1, and neither crm.12.a
nor crm.21.a. The org is that of the webhook, source or action, not of an event: a parent that hears
the events of its children writes to its own places.
"""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId

ORG = "{org}"
TOPICS, TABLES = "topics", "tables"
"""Fields of a connection: what sources may read over it."""
_TRANSLATED = re.compile(r"\(\?s:(.*)\)\\[Zz]", re.DOTALL)


def admits(pattern: str, name: str, org: OrgId) -> bool:
    """Tell whether a pattern, where `*` stands for any signs, admits a name to an org."""
    return _fits(pattern.split(ORG), name, org, _of_pattern)


def is_name(stored_name: str, name: str, org: OrgId) -> bool:
    """Tell whether a name, with the org in it, is that one."""
    return _fits(stored_name.split(ORG), name, org, re.escape)


def admits_one(patterns: object, name: str, org: OrgId) -> bool:
    """Tell whether one of a list of patterns admits a name; nothing else than a list does."""
    return isinstance(patterns, list) and any(
        isinstance(pattern, str) and admits(pattern, name, org) for pattern in patterns
    )


def strange_topic(connection: Connection, topics: Iterable[str], org: OrgId) -> str | None:
    """Say why a source of the org may not read a topic over the connection; None if it may all."""
    patterns = connection.fields.get(TOPICS)
    if patterns is None:
        return None
    for topic in topics:
        if not admits_one(patterns, topic, org):
            return (
                f"The topic {topic} must be one that the connection {connection.name} is for; it "
                f"is not. Ask the operator to add it to its {TOPICS}."
            )
    return None


def strange_table(connection: Connection, table: str, org: OrgId) -> str | None:
    """Say why a source of the org may not read a table over the connection; None if it may."""
    names = connection.fields.get(TABLES)
    if names is None:
        return None
    known = names if isinstance(names, list) else []
    if any(isinstance(table_name, str) and is_name(table_name, table, org) for table_name in known):
        return None
    return (
        f"The table must be one that connection {connection.name} is for; got {table}. Name "
        f"another one, or have the operator add it to its {TABLES}."
    )


def _fits(parts: list[str], name: str, org: OrgId, regex: Callable[[str], str]) -> bool:
    """Return whether a name fits a pattern in which the org's number stands with no digit beside
    it: that would be another number."""
    number = rf"(?<![0-9]){org}(?![0-9])"
    return re.fullmatch(number.join(map(regex, parts)), name, re.DOTALL) is not None


def _of_pattern(part: str) -> str:
    found = _TRANSLATED.fullmatch(translate(part))
    assert found is not None
    return found[1]
