"""Events of the names and prefixes that are asked for, as SQL."""

from collections.abc import Sequence

import msgspec

from tidings.core.webhooks.name_matching import name_query
from tidings.store.sql.events.spans import Binding


def named(column: str, names: Sequence[str], binding: Binding) -> str:
    """Build the condition that the stored name in a column is one of those; nothing where none is
    asked for."""
    if not names:
        return ""
    asked = name_query(names)
    binding["names"] = msgspec.json.encode(asked.names).decode()
    where = f"{column} IN (SELECT value FROM json_each(:names))"
    if not asked.prefixes:
        return f" AND {where}"
    # The signs of a prefix are none of those that GLOB reads as more than themselves.
    binding["globs"] = msgspec.json.encode([f"{prefix}*" for prefix in asked.prefixes]).decode()
    globs = f"EXISTS (SELECT 1 FROM json_each(:globs) g WHERE {column} GLOB g.value)"
    return f" AND ({where} OR {globs})"
