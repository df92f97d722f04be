"""Which tables are copied, and how: decided by what both databases say of themselves.

A table or a column that only one of them has is refused before the first row, and so is one that
nothing here knows to copy. What is found by (`sqlite/search_file.py`) is not copied: the target's
service makes it again from the events.
"""

from collections.abc import Mapping, Set
from typing import NamedTuple

from tidings.core.sealed_columns import SEALED_COLUMNS, SealedColumn
from tidings.store.copying.sides import CopyRefused, TableShape

# Of the store itself: who owns it, which number its schema has, and what a copy writes.
OWN = frozenset(("owner", "schema_version", "store_copy", "copy_progress", "kept_key"))
# A new store has rows of its own in these, which those of the source replace.
FACTS = frozenset(("meta", "installation"))
_LONG_TYPES = ("TEXT", "BLOB")


class TablePlan(NamedTuple):
    """A table that is copied, in the order of its key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    long: tuple[str, ...] = ()  # columns of texts and bytes
    sealed: tuple[SealedColumn, ...] = ()


def plan_tables(
    source: Mapping[str, TableShape], target: Mapping[str, TableShape], derived: Set[str]
) -> list[TablePlan]:
    """Plan the copy of all tables but those that are `derived` from others. Raise CopyRefused where
    the stores have not the same, or where one cannot be copied."""
    passed = OWN | derived
    names = sorted(source.keys() - passed)
    if odd := sorted(source.keys() - passed ^ target.keys() - passed):
        raise CopyRefused(
            f"Both stores must have the same tables; only one of them has {', '.join(odd)}. Use "
            "the release that made them."
        )
    for name in names:
        differing = source[name].columns.items() ^ target[name].columns.items()
        if odd := sorted({column for column, _ in differing}):
            raise CopyRefused(
                f"The table {name} must have the same columns in both stores; it differs in "
                f"{', '.join(odd)}. Use the release that made them."
            )
        if not source[name].key and name not in FACTS:
            raise CopyRefused(
                f"The table {name} must have a key to be copied by; it has none. Report it to the "
                "developers."
            )
    plans = [
        TablePlan(
            name,
            tuple(source[name].columns),
            source[name].key,
            long=tuple(
                column for column, kind in source[name].columns.items() if kind in _LONG_TYPES
            ),
            sealed=tuple(column for column in SEALED_COLUMNS if column.table == name),
        )
        for name in names
    ]
    _refuse_unknown_sealed(plans)
    return plans


def _refuse_unknown_sealed(plans: list[TablePlan]) -> None:
    known = {(plan.name, column) for plan in plans for column in plan.columns}
    for column in SEALED_COLUMNS:
        if column.table not in OWN and (column.table, column.column) not in known:
            raise CopyRefused(
                f"The sealed column {column.table}.{column.column} must be in both stores; it is "
                "not. Use the release that made them."
            )
