"""The rows of a filter as fields of a page, and back. Pure.

Beside the rows the page keeps the filter as JSON: one whose rows nobody changes is sent back as it
was. What has no rows is edited as JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.core.shaping.filters.conditions import (
    CONDITIONS_MAX,
    GROUPS_MAX,
    ConditionGroup,
    ConditionTree,
    FilterCondition,
    Joined,
    filter_kept,
    is_operator,
    tree_of,
)
from tidings.core.shaping.filters.operand_text import escape_unseen
from tidings.errors import FieldRefusal

AS = "filterAs"  # the field that says how the page shows the filter
ROWS, JSON = "rows", "json"
JOINED = "conditionsJoined"
GROUP, PATH, OPERATOR, VALUE = (
    "conditionGroup",
    "conditionPath",
    "conditionOperator",
    "conditionValue",
)
ROW_PLACE = "condition-"  # the place of a refusal, before the position of its row
BLANK = FilterCondition()


def rows_in(form: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> ConditionTree | None:
    """Read the rows of a page; None where it shows the filter as JSON."""
    if form.get(AS) != ROWS:
        return None
    groups = [
        ConditionGroup(_joined(form.get(joined_in(number), "all")), ())
        for number in range(GROUPS_MAX)
    ]
    columns = (lists.get(name, ()) for name in (GROUP, PATH, OPERATOR, VALUE))
    for group, path, operator, value in list(zip(*columns, strict=False))[:CONDITIONS_MAX]:
        number = int(group) if group in map(str, range(GROUPS_MAX)) else 0
        condition = FilterCondition(
            path=path.strip(),
            operator=operator if is_operator(operator) else BLANK.operator,
            value=value.strip(),
        )
        rows = (*groups[number].conditions, condition)
        groups[number] = ConditionGroup(groups[number].joined, rows)
    filled = tuple(group for group in groups if group.conditions)
    return ConditionTree(_joined(form.get(JOINED, "any")), filled)


def rows_shown(tree: ConditionTree) -> ConditionTree:
    """Return the rows that a page shows: one to be filled in where there is none."""
    return tree if tree.groups else ConditionTree(tree.joined, (ConditionGroup("all", (BLANK,)),))


def rows_of_json(text: str) -> ConditionTree | None:
    """Return the rows of a filter that stands there as JSON; None of one that has none."""
    if not text:
        return rows_shown(ConditionTree())
    tree = tree_of(decoded(text))
    return None if tree is None else rows_shown(tree)


def filter_in(
    tree: ConditionTree, text: str
) -> tuple[dict[str, Any] | None, Sequence[FieldRefusal]]:
    """Build the filter of the rows, `text` being the JSON beside them; and list the refusals of
    rows, each by its place on the page."""
    made, refusals = filter_kept(tree, decoded(text) if text else None)
    placed = [
        msgspec.structs.replace(refusal, field=f"{ROW_PLACE}{position}")
        for position, refusal in refusals.items()
    ]
    return (None if placed else made), placed


def decoded(text: str) -> Any:
    """Return the value of a JSON text; a text that is no filter where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def laid_out(value: Any) -> str:
    """Write a filter as JSON laid out, with escapes for what a page could not show."""
    return escape_unseen(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def joined_in(number: int) -> str:
    """Return the name of the field that says how the rows of a group are joined."""
    return f"conditionsJoined{number}"


def is_row_place(place: str) -> bool:
    """Return whether a refusal is of a row."""
    return place.startswith(ROW_PLACE)


# -- rows come and go -----------------------------------------------------------------------------


def with_row(tree: ConditionTree, number: int) -> ConditionTree:
    """Add a blank row to a group."""
    groups = list(tree.groups)
    if number < len(groups) and len(tree.conditions) < CONDITIONS_MAX:
        group = groups[number]
        groups[number] = ConditionGroup(group.joined, (*group.conditions, BLANK))
    return ConditionTree(tree.joined, tuple(groups))


def with_group(tree: ConditionTree) -> ConditionTree:
    """Add a group with a blank row; the rows of a second one are joined otherwise than the groups
    are, or it would be none of its own."""
    if len(tree.groups) >= GROUPS_MAX or len(tree.conditions) >= CONDITIONS_MAX:
        return tree
    joined: Joined = "all" if tree.joined == "any" else "any"
    return ConditionTree(tree.joined, (*tree.groups, ConditionGroup(joined, (BLANK,))))


def without_row(tree: ConditionTree, position: int) -> ConditionTree:
    """Take a row away, and its group with the last one."""
    groups, first = [], 0
    for group in tree.groups:
        rows = enumerate(group.conditions, first)
        kept = tuple(row for at, row in rows if at != position)
        first += len(group.conditions)
        if kept:
            groups.append(ConditionGroup(group.joined, kept))
    return rows_shown(ConditionTree(tree.joined, tuple(groups)))


def _joined(text: str) -> Joined:
    return "any" if text == "any" else "all"
